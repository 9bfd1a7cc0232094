import asyncio

import fal_client
from fal import expect

ENDPOINT = "fal-ai/fast-lcm-diffusion"
INPUT = {"prompt": "a fox", "image_size": "square"}


def check(result, seed):
    assert result["seed"] == seed
    assert result["prompt"] == "a fox"
    assert result["images"][0]["width"] == 512


client = fal_client.SyncClient()
with client.realtime(ENDPOINT, max_buffering=5) as connection:
    for seed in range(3):
        connection.send({**INPUT, "seed": seed})
        check(connection.recv(), seed)
    # fal reports an error, and closes the connection.
    connection.send({"seed": 7})
    with expect(fal_client.client.RealtimeError) as invalid:
        connection.recv()
    assert invalid.error.error == "INTERNAL_ERROR"
    assert connection.recv() is None

# With the key in the handshake, and without a token.
with client.realtime(ENDPOINT, use_jwt=False) as connection:
    connection.send({**INPUT, "seed": 7})
    check(connection.recv(), 7)


async def realtime():
    client = fal_client.AsyncClient()
    async with client.realtime(ENDPOINT, token_expiration=60) as connection:
        await connection.send({**INPUT, "seed": 7})
        check(await connection.recv(), 7)
    async with client.realtime(ENDPOINT, use_jwt=False) as connection:
        await connection.send({**INPUT, "seed": 8})
        check(await connection.recv(), 8)


asyncio.run(realtime())
