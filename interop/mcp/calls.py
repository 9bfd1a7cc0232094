import base64
from pathlib import Path

from agent import FOX, REDUX, check_definition, client, data, error, run


@run
async def calls(mode):
    async with client("--max-cost", "1", mode=mode) as agent:
        assert agent.protocol_version == ("2025-11-25" if mode == "legacy" else "2026-07-28")
        tools, cursor, pages = [], None, 0
        while pages == 0 or cursor is not None:
            page = await agent.list_tools(cursor=cursor)
            tools, cursor, pages = tools + page.tools, page.next_cursor, pages + 1
        assert pages == 2 and len({tool.name for tool in tools}) == len(tools) == 113
        for tool in tools:
            check_definition(tool)

        messages = []

        async def on_progress(progress, total, message):
            messages.append((progress, message))

        # The SDK validates the structured content with the output schema.
        result = await agent.call_tool(REDUX, {"image_url": "room.png"}, progress_callback=on_progress)
        output = data(result)
        [file] = output["files"]
        image = base64.b64decode(next(block.data for block in result.content if block.type == "image"), validate=True)
        assert image == Path(file["path"]).read_bytes() and image.startswith(b"\xff\xd8\xff")
        assert output["output"]["images"][0]["url"].startswith("http") and output["cost"] == "$0.0250"
        assert output["request_id"] in result.content[0].text and file["path"] in result.content[0].text
        link = next(block for block in result.content if block.type == "resource_link")
        read = await agent.read_resource(link.uri)
        assert base64.b64decode(read.contents[0].blob) == image
        steps = [progress for progress, _ in messages]
        assert steps == sorted(set(steps)) and any("queue" in message for _, message in messages), messages
        assert any("Loading the model" in message for _, message in messages), messages

        wrong = error(await agent.call_tool(REDUX, {**FOX, "num_imagess": 2, "num_inference_steps": 900}))
        assert "num_imagess: unknown field" in wrong and "num_inference_steps" in wrong, wrong
        outside = error(await agent.call_tool(REDUX, {"image_url": "/etc/passwd"}))
        assert "allowed folders" in outside, outside

        found = data(await agent.call_tool("search_models", {"query": "redux"}))
        assert found["models"][0]["tool"] == REDUX, found
        shown = data(await agent.call_tool("show_model", {"id": "fal-ai/flux/dev/redux"}))
        assert shown["tool"] == REDUX and shown["input_schema"]["required"] == ["image_url"], shown
        prices = data(await agent.call_tool("price", {"ids": ["fal-ai/flux/dev/redux"]}))
        assert prices["prices"][0]["price"] == "$0.0250 per image", prices
        job = data(await agent.call_tool("job_result", {"job": output["job"]}))
        assert job["files"] == output["files"], job

    async with client("--max-cost", "0.01", mode=mode) as agent:
        over = error(await agent.call_tool(REDUX, FOX))
        assert "over budget" in over, over
