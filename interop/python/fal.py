"""Helpers of the scripts. The client is used as it is installed: its environment leads it to the emulator."""

import asyncio
import inspect

import fal_client


async def value(result):
    """Returns the result of a call of either client."""
    return await result if inspect.isawaitable(result) else result


async def values(results):
    """Returns the items of an iterator of either client."""
    return [item async for item in results] if inspect.isasyncgen(results) else list(results)


def with_both_clients(check):
    """Runs a check with the client without async, and with the other one."""

    async def run():
        await check(fal_client.SyncClient())
        await check(fal_client.AsyncClient())

    asyncio.run(run())


class expect:
    """Expects an error, and has it in `error` afterwards."""

    def __init__(self, kind: type[Exception]):
        self.kind = kind

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        assert error is not None, f"expected {self.kind.__name__}"
        self.error = error
        return isinstance(error, self.kind)
