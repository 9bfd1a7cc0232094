import fal_client
from fal import expect, value, values, with_both_clients

ENDPOINT = "fal-ai/flux/dev/redux"
INPUT = {"image_url": "https://example.com/fox.png", "seed": 7, "num_images": 2}


def check(data):
    assert data["seed"] == 7
    assert len(data["images"]) == 2
    assert data["images"][0]["url"].startswith("https://v3.fal.media/files/")
    assert data["images"][0]["content_type"] == "image/jpeg"


@with_both_clients
async def calls(client):
    check(await value(client.run(ENDPOINT, INPUT, start_timeout=30, headers={"x-fal-store-io": "0"})))

    handle = await value(
        client.submit(
            ENDPOINT, INPUT, hint="fox", priority="low", webhook_url="https://example.com/hook?a=b&c=d", start_timeout=45.5
        )
    )
    statuses = await values(handle.iter_events(with_logs=True))
    kinds = list(dict.fromkeys(type(status) for status in statuses))
    assert kinds == [fal_client.Queued, fal_client.InProgress, fal_client.Completed], kinds
    assert statuses[0].position in (0, 1, 2)
    completed = statuses[-1]
    assert [log["message"] for log in completed.logs] == ["Loading the model", *(f"Step {n} of 3" for n in (1, 2, 3))]
    assert completed.metrics["inference_time"] > 0
    assert completed.error is None
    check(await value(handle.get()))

    # The same URLs are built from the request id.
    assert isinstance(await value(client.status(ENDPOINT, handle.request_id)), fal_client.Completed)
    check(await value(client.result(ENDPOINT, handle.request_id)))

    seen = []
    enqueued = []
    data = await value(
        client.subscribe(
            ENDPOINT,
            INPUT,
            with_logs=True,
            on_enqueue=enqueued.append,
            on_queue_update=lambda update: seen.append(type(update)),
        )
    )
    check(data)
    assert len(enqueued) == 1
    assert list(dict.fromkeys(seen)) == [fal_client.Queued, fal_client.InProgress, fal_client.Completed]

    with expect(fal_client.FalClientHTTPError) as invalid:
        await value(client.run(ENDPOINT, {}))
    assert invalid.error.status_code == 422
    assert '"missing"' in invalid.error.response.text
    with expect(fal_client.FalClientHTTPError) as denied:
        await value(type(client)(key="id:other").run(ENDPOINT, INPUT))
    assert denied.error.status_code == 401
    with expect(fal_client.FalClientHTTPError) as unknown:
        await value(client.status(ENDPOINT, "8a2b7a2e-0000-4000-8000-000000000000"))
    assert unknown.error.status_code == 404
