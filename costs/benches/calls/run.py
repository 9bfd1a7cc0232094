"""Direct runs with fal_client: `python run.py BASE CALLS IN_FLIGHT` prints the seconds."""

import asyncio
import sys
import time

import fal_client
import httpx

base, calls, in_flight = httpx.URL(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])


class Redirected(httpx.AsyncBaseTransport):
    """Sends every request to the server, because the client always uses https."""

    def __init__(self, transport):
        self.transport = transport

    async def handle_async_request(self, request):
        request.url = base.copy_with(raw_path=f"/{request.url.host}".encode() + request.url.raw_path)
        return await self.transport.handle_async_request(request)


client = fal_client.AsyncClient(key="id:secret")


async def run():
    arguments = {
        "prompt": "Ice fortress, aurora skies, polar wildlife, twilight",
        "control_image_url": "https://example.com/canny.png",
        "image_url": "https://example.com/room.png",
        "mask_url": "https://example.com/mask.png",
        "image_size": {"width": 1280, "height": 720},
        "num_inference_steps": 30,
        "guidance_scale": 7.0,
        "strength": 0.9,
        "seed": 42,
        "num_images": 2,
    }
    output = await client.run("fal-ai/fast-sdxl-controlnet-canny/inpainting", arguments)
    assert len(output["images"]) == 2


async def runs(calls):
    async def share():
        for _ in range(calls // in_flight):
            await run()

    await asyncio.gather(*[share() for _ in range(in_flight)])


async def main():
    http = await client._client
    http._transport = Redirected(http._transport)
    await runs(2 * in_flight)
    start = time.perf_counter()
    await runs(calls)
    print(time.perf_counter() - start)


asyncio.run(main())
