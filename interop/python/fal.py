"""Makes fal's client call the emulator whose base URL is the first argument."""

import asyncio
import inspect
import sys

import fal_client.client
import httpx

BASE = sys.argv[1]


def local(url: str) -> str:
    """The emulator serves all hosts of fal: the first segment of a path is the host."""
    return url.replace("https://", f"{BASE}/").replace("wss://", f"{BASE}/".replace("http", "ws"))


def local_request(request: httpx.Request) -> httpx.Request:
    url = httpx.URL(local(str(request.url)))
    headers = request.headers.copy()
    headers["Host"] = url.netloc.decode("ascii")
    return httpx.Request(request.method, url, headers=headers, stream=request.stream, extensions=request.extensions)


# The client has `https` in all its URLs, and makes several HTTP clients of its own. All of them send here.
send = httpx.HTTPTransport.handle_request
send_async = httpx.AsyncHTTPTransport.handle_async_request
httpx.HTTPTransport.handle_request = lambda self, request: send(self, local_request(request))
httpx.AsyncHTTPTransport.handle_async_request = lambda self, request: send_async(self, local_request(request))

# The only two functions that open a WebSocket.
connect, connect_async = fal_client.client._connect_sync_ws, fal_client.client._connect_async_ws
fal_client.client._connect_sync_ws = lambda url, headers=None: connect(local(url), headers)
fal_client.client._connect_async_ws = lambda url, headers=None: connect_async(local(url), headers)


async def value(result):
    """Returns the result of a call of either client."""
    return await result if inspect.isawaitable(result) else result


async def values(results):
    """Returns the items of an iterator of either client."""
    return [item async for item in results] if inspect.isasyncgen(results) else list(results)


def with_both_clients(check):
    """Runs a check with the client without async, and with the other one."""

    async def run():
        await check(fal_client.SyncClient(key="id:secret"))
        await check(fal_client.AsyncClient(key="id:secret"))

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
