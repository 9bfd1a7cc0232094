import assert from "node:assert/strict";
import { fal } from "@fal-ai/client";

/** Returns the events, and the final value or the error. */
async function stream() {
  const stream = await fal.stream("openrouter/router", { input: { prompt: "a", model: "example/model" } });
  const done = stream.done().then(
    (value) => value,
    (error) => error.name ?? error,
  );
  const events = [];
  for await (const event of stream) {
    events.push(event);
  }
  return [events, await done];
}

const a = { a: 1 };
assert.deepEqual(await stream(), [[a], a], "lines of data");
assert.deepEqual(await stream(), [[a], a], "CR LF");
assert.deepEqual(await stream(), [[a], a], "other fields and comments");
assert.deepEqual(await stream(), [[{ z: 1 }], { z: 1 }], "the iterator leaves out falsy values");
assert.deepEqual(await stream(), [[a], a], "the last event is lost without a blank line");
assert.deepEqual(await stream(), [[{ e: 1 }], { e: 1 }], "the name of an event does not matter");
assert.deepEqual(await stream(), [[a], "SyntaxError"], "not JSON");
assert.deepEqual(await stream(), [[a], a], "a byte order mark");
assert.deepEqual(await stream(), [[], "ApiError"], "an error");
