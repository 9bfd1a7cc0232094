"""Takes the steps of a section of `steps.json` with fal's client for Python, and prints what it received, a JSON line each."""

import asyncio
import hashlib
import inspect
import json
import sys
from pathlib import Path

import fal_client
import httpx
from fal_client.client import RealtimeError, StorageACL, StorageSettings
from httpx_sse import SSEError

STATUSES = {fal_client.Queued: "IN_QUEUE", fal_client.InProgress: "IN_PROGRESS", fal_client.Completed: "COMPLETED"}
# The request ids of submissions, and the outputs of other steps.
saved = {"none": "8a2b7a2e-0000-4000-8000-000000000000"}


async def value(result):
    return await result if inspect.isawaitable(result) else result


async def values(results):
    return [item async for item in results] if inspect.isasyncgen(results) else list(results)


def without_none(fields):
    return {name: value for name, value in fields.items() if value is not None}


def status_of(status):
    error = getattr(status, "error", None)
    return without_none(
        {
            "status": STATUSES[type(status)],
            "position": getattr(status, "position", None),
            "logs": [log["message"] for log in getattr(status, "logs", None) or []],
            "has_metrics": True if getattr(status, "metrics", None) else None,
            "error": error,
            "error_type": getattr(status, "error_type", None),
        }
    )


def seen(statuses):
    """Describes the statuses of a request, whose logs are repeated in each."""
    kinds = list(dict.fromkeys(STATUSES[type(status)] for status in statuses))
    return {"statuses": kinds, "logs": status_of(statuses[-1])["logs"]}


def options(step, *names):
    return {name: step[name] for name in names if name in step}


async def downloaded(client, url):
    response = httpx.get(url)
    if response.status_code != 200:
        return {"url": url, "status": response.status_code}
    sha256 = hashlib.sha256(response.content).hexdigest()
    return {"url": url, "status": 200, "content_type": response.headers["content-type"], "sha256": sha256}


async def run(client, step):
    data = await value(client.run(step["endpoint"], step["input"], **options(step, "start_timeout", "hint", "headers")))
    saved[step.get("as")] = data
    return {"data": data}


async def submit(client, step):
    handle = await value(
        client.submit(
            step["endpoint"],
            step["input"],
            **options(step, "start_timeout", "hint", "priority", "headers", "webhook_url"),
        )
    )
    saved[step["as"]] = handle.request_id
    return {"request_id": handle.request_id}


async def status(client, step):
    return status_of(await value(client.status(step["endpoint"], saved[step["of"]], with_logs=step.get("logs", False))))


async def follow(client, step):
    handle = await value(client.get_handle(step["endpoint"], saved[step["of"]]))
    return seen(await values(handle.iter_events(with_logs=True, interval=0.05)))


async def result(client, step):
    return {"data": await value(client.result(step["endpoint"], saved[step["of"]]))}


async def cancel(client, step):
    await value(client.cancel(step["endpoint"], saved[step["of"]]))


async def subscribe(client, step):
    if step.get("mode") == "streaming":
        return NotImplemented
    statuses = []
    enqueued = []
    data = await value(
        client.subscribe(
            step["endpoint"],
            step["input"],
            with_logs=True,
            interval=0.05,
            on_enqueue=enqueued.append,
            on_queue_update=statuses.append,
            **options(step, "priority", "client_timeout", "start_timeout"),
        )
    )
    assert len(enqueued) == 1
    return {"data": data, **seen(statuses)}


async def stream(client, step):
    return {"events": await values(client.stream(step["endpoint"], step["input"]))}


async def realtime(client, step):
    arguments = {"use_jwt": step["auth"] == "token", **options(step, "max_buffering")}
    results = []
    if isinstance(client, fal_client.SyncClient):
        with client.realtime(step["endpoint"], **arguments) as connection:
            for message in step["inputs"]:
                connection.send(message)
                results.append(connection.recv())
    else:
        async with client.realtime(step["endpoint"], **arguments) as connection:
            for message in step["inputs"]:
                await connection.send(message)
                results.append(await connection.recv())
    return {"results": results}


async def upload(client, step):
    lifecycle = None
    if "access" in step:
        lifecycle = StorageSettings(expires_in=step["expires_in"], initial_acl=StorageACL(default=step["access"]))
    data = step["text"].encode() * step.get("repeat", 1)
    return await downloaded(client, await value(client.upload(data, step["content_type"], step["name"], lifecycle=lifecycle)))


async def upload_in_input(client, step):
    return NotImplemented


async def encode(client, step):
    data = await value(client.run(step["endpoint"], {**step["input"], step["field"]: fal_client.encode(step["text"], step["content_type"])}))
    return {"data": data}


async def download(client, step):
    return await downloaded(client, saved[step["of"]]["images"][0]["url"])


def error_of(error):
    if isinstance(error, fal_client.FalClientHTTPError):
        return {"status": error.status_code, "body": error.response.json()}
    if isinstance(error, fal_client.FalClientTimeoutError):
        return "timeout"
    if isinstance(error, RealtimeError):
        return error.error
    if isinstance(error, SSEError):
        return "not an event stream"
    raise error


async def take(client, step):
    """Returns what the client of a step received."""
    if "key" in step:
        client = type(client)(key=step["key"])
    try:
        received = await globals()[step["call"]](client, step)
    except Exception as error:
        return {"error": error_of(error)}
    return "no such call" if received is NotImplemented else received


async def main():
    _, client, section = sys.argv
    client = {"sync": fal_client.SyncClient, "async": fal_client.AsyncClient}[client]()
    sections = json.loads(Path(__file__).with_name("steps.json").read_text())
    for step in sections[int(section)]["steps"]:
        print(json.dumps({"step": step["step"], "received": await take(client, step)}), flush=True)


asyncio.run(main())
