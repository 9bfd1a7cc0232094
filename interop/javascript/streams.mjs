import assert from "node:assert/strict";
import { createFalClient, fal } from "@fal-ai/client";
import { token } from "./fal.mjs";

const endpoint = "openrouter/router";
const input = { prompt: "Write a haiku about a fox.", model: "example/model" };

async function check(options, from = fal) {
  const stream = await from.stream(endpoint, { input, ...options });
  const events = [];
  for await (const event of stream) {
    events.push(event);
  }
  assert.ok(events.length > 1);
  for (let i = 1; i < events.length; i++) {
    assert.ok(events[i].output.startsWith(events[i - 1].output));
    assert.equal(events[i].partial, i < events.length - 1);
  }
  assert.deepEqual(await stream.done(), events.at(-1));
  assert.ok(stream.requestId);
}

await check({});
// Browsers have no key. They send a token as a query parameter.
await check({ connectionMode: "client" });
const apps = [];
const tokenProvider = (app) => {
  apps.push(app);
  return token(app.split("/")[1]);
};
await check({ connectionMode: "client", tokenProvider }, createFalClient({ credentials: "" }));
assert.deepEqual(apps, ["openrouter/router/stream"]);

const refused = await fal.stream(endpoint, { input: { prompt: "a" } });
await assert.rejects(refused.done(), (error) => {
  assert.equal(error.status, 422);
  assert.equal(error.fieldErrors[0].type, "missing");
  return true;
});
