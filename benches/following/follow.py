"""python follow.py BASE JOBS: follows jobs with the async client of fal's Python package."""

import asyncio
import os
import sys
import time

import httpx

base, jobs = httpx.URL(sys.argv[1]), int(sys.argv[2])
os.environ["FAL_KEY"] = "id:secret"
send = httpx.AsyncHTTPTransport.handle_async_request


async def send_to_emulator(transport, request):
    """Sends a request to the emulator, which takes the host from the first segment of the path."""
    if request.url.host != base.host:
        request.url = base.copy_with(raw_path=f"/{request.url.host}".encode() + request.url.raw_path)
        request.headers["host"] = f"{base.host}:{base.port}"
    return await send(transport, request)


httpx.AsyncHTTPTransport.handle_async_request = send_to_emulator

import fal_client  # noqa: E402


async def follow(client):
    ids = []
    arguments = {"image_url": "https://example.com/a.png"}
    await client.subscribe("fal-ai/flux/dev/redux", arguments, on_enqueue=ids.append)
    return f"result {ids[0]} {time.monotonic_ns()}"


async def main():
    client = fal_client.AsyncClient()
    print("ready", flush=True)
    sys.stdin.readline()
    results = await asyncio.gather(*[follow(client) for _ in range(jobs)])
    print("done", flush=True)
    print("\n".join(results))
    print("end", flush=True)
    sys.stdin.readline()


asyncio.run(main())
