"""The SDK leaves the tasks extension to its users."""

import asyncio
from typing import Any, Literal

from agent import FOX, REDUX, client, data
from mcp.client.extension import ClientExtension, ResultClaim
from mcp.types import CallToolResult
from mcp_types import Request, RequestParams, Result


class Task(Result):
    result_type: Literal["task"] = "task"
    task_id: str
    status: str


class GetTaskParams(RequestParams):
    task_id: str


class GetTask(Request[GetTaskParams, Literal["tasks/get"]]):
    method: Literal["tasks/get"] = "tasks/get"
    params: GetTaskParams


class State(Result):
    status: str
    status_message: str | None = None
    result: dict[str, Any] | None = None


states = []


async def resolve(task, context):
    while True:
        state = await context.session.send_request(GetTask(params=GetTaskParams(task_id=task.task_id)), State)
        states.append(state.status_message)
        if state.status != "working":
            assert state.status == "completed", state
            return CallToolResult.model_validate(state.result)
        await asyncio.sleep(0.05)


class Tasks(ClientExtension):
    identifier = "io.modelcontextprotocol/tasks"

    def claims(self):
        return [ResultClaim(result_type="task", model=Task, resolve=resolve)]


async def tasks():
    async with client(extensions=[Tasks()]) as agent:
        result = await agent.call_tool(REDUX, FOX)
        assert data(result)["status"] == "completed"
        assert any(block.type == "image" for block in result.content)
        assert any(message and "running" in message for message in states), states


asyncio.run(asyncio.wait_for(tasks(), 120))
