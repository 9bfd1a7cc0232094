import assert from "node:assert/strict";
import { fal } from "@fal-ai/client";
import { token } from "./fal.mjs";

const endpoint = "fal-ai/fast-lcm-diffusion";
const input = { prompt: "a fox", seed: 7, image_size: "square" };

/** Opens a connection, of which `next` resolves to the next result, or rejects with the next error. */
function connect(options = {}) {
  const waiting = [];
  const arrived = [];
  const deliver = (item) => (waiting.length > 0 ? waiting.shift()(item) : arrived.push(item));
  const connection = fal.realtime.connect(endpoint, {
    throttleInterval: 0,
    onResult: (result) => deliver(Promise.resolve(result)),
    onError: (error) => deliver(Promise.reject(error)),
    ...options,
  });
  const next = async () => (arrived.length > 0 ? arrived.shift() : new Promise((resolve) => waiting.push(resolve)));
  // The client closes without a code, and reports that as an error.
  const close = async () => {
    connection.close();
    await assert.rejects(next(), { status: 1005 });
  };
  return { send: connection.send, next, close };
}

const connection = connect();
connection.send(input);
const first = await connection.next();
assert.equal(first.seed, 7);
assert.equal(first.prompt, "a fox");
assert.equal(first.images[0].width, 512);
// On the same connection, with the same token.
for (let seed = 8; seed < 11; seed++) {
  connection.send({ ...input, seed });
  assert.equal((await connection.next()).seed, seed);
}
// The next input opens another connection, with another token.
await connection.close();
connection.send(input);
assert.equal((await connection.next()).seed, 7);
await connection.close();

// Only the last of the inputs is sent that come before the connection is open.
const buffered = connect({ maxBuffering: 5 });
buffered.send({ ...input, seed: 1 });
buffered.send({ ...input, seed: 2 });
assert.equal((await buffered.next()).seed, 2);
await buffered.close();

const apps = [];
const authorized = connect({
  path: "/realtime",
  tokenProvider: (app) => {
    apps.push(app);
    return token(app.split("/")[1]);
  },
});
authorized.send(input);
assert.equal((await authorized.next()).seed, 7);
assert.deepEqual(apps, ["fal-ai/fast-lcm-diffusion/realtime"]);
await authorized.close();

// fal reports an error, and closes the connection.
const invalid = connect();
invalid.send({ seed: 7 });
await assert.rejects(invalid.next(), (error) => {
  assert.equal(error.status, 400);
  assert.equal(error.body.error, "INTERNAL_ERROR");
  return true;
});
