# No job of this emulator ends.
import fal_client
from fal import expect, value, with_both_clients

ENDPOINT = "fal-ai/flux/dev/redux"
INPUT = {"image_url": "https://example.com/fox.png"}


@with_both_clients
async def cancel(client):
    handle = await value(client.submit(ENDPOINT, INPUT))
    assert await value(handle.status()) == fal_client.Queued(position=1)
    await value(handle.cancel())
    with expect(fal_client.FalClientHTTPError) as completed:
        await value(client.cancel(ENDPOINT, handle.request_id))
    assert completed.error.status_code == 400
    assert completed.error.response.json() == {"status": "ALREADY_COMPLETED"}
