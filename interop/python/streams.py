import fal_client
import httpx_sse
from fal import expect, value, values, with_both_clients

ENDPOINT = "openrouter/router"
INPUT = {"prompt": "Write a haiku about a fox.", "model": "example/model"}


@with_both_clients
async def streams(client):
    events = await values(client.stream(ENDPOINT, INPUT, headers={"x-fal-store-io": "0"}))
    assert len(events) > 1
    for before, after in zip(events, events[1:]):
        assert after["output"].startswith(before["output"])
    assert [event["partial"] for event in events] == [True] * (len(events) - 1) + [False]

    # The client does not look at the status of an error, but at its content type.
    with expect(httpx_sse.SSEError) as refused:
        await values(client.stream(ENDPOINT, {"prompt": "a"}))
    assert "got 'application/json'" in str(refused.error)
