# The queue of this emulator responds with 503 and 429 first.
from fal import value, with_both_clients


@with_both_clients
async def retries(client):
    data = await value(client.subscribe("fal-ai/flux/dev/redux", {"image_url": "https://example.com/fox.png", "seed": 7}))
    assert data["seed"] == 7
