import json

import fal_client
from fal import expect


client = fal_client.SyncClient()


def stream():
    return list(client.stream("openrouter/router", {"prompt": "a", "model": "example/model"}))


a = {"a": 1}
assert stream() == [a], "lines of data"
assert stream() == [a], "CR LF"
assert stream() == [a], "other fields and comments"
assert stream() == [0, False, {"z": 1}], "falsy values"
assert stream() == [a], "the last event is lost without a blank line"
assert stream() == [{"e": 1}], "the name of an event does not matter"
with expect(json.JSONDecodeError):
    stream()
assert stream() == [], "the first event is lost with a byte order mark"
assert stream() == [{"x": 1}], "the status does not matter"
