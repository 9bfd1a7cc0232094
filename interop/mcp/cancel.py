import anyio
from agent import FOX, REDUX, client, run


@run
async def cancel(mode):
    async with client(mode=mode) as agent:
        async with anyio.create_task_group() as calls:

            async def on_progress(progress, total, message):
                calls.cancel_scope.cancel()

            async def call():
                await agent.call_tool(REDUX, FOX, progress_callback=on_progress)

            calls.start_soon(call)
        assert calls.cancel_scope.cancel_called
        # The server serves other calls.
        assert len((await agent.list_tools()).tools) > 5
