from agent import FOX, REDUX, client, data, error, run
from mcp.types import ElicitResult


@run
async def confirm(mode):
    shown = []

    def responding(action, content=None):
        async def respond(context, params):
            shown.append(params.message)
            return ElicitResult(action=action, content=content)

        return respond

    for action, reason in [("decline", "declined"), ("cancel", "not confirmed")]:
        async with client(mode=mode, elicitation_callback=responding(action)) as agent:
            assert reason in error(await agent.call_tool(REDUX, FOX))
    async with client(mode=mode, elicitation_callback=responding("accept", {"always": False})) as agent:
        assert data(await agent.call_tool(REDUX, FOX))["status"] == "completed"
        assert data(await agent.call_tool(REDUX, FOX))["status"] == "completed"
    async with client(mode=mode, elicitation_callback=responding("accept", {"always": True})) as agent:
        assert data(await agent.call_tool(REDUX, FOX))["status"] == "completed"
        assert data(await agent.call_tool(REDUX, FOX))["status"] == "completed"
    assert len(shown) == 5 and all("A call costs $0.0250" in message for message in shown), shown

    async with client("--require-confirmation", mode=mode) as agent:
        assert "--require-confirmation" in error(await agent.call_tool(REDUX, FOX))
    async with client("--no-confirm", mode=mode, elicitation_callback=responding("decline")) as agent:
        assert data(await agent.call_tool(REDUX, FOX))["status"] == "completed"
