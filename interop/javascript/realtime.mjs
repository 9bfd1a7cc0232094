import assert from "node:assert/strict";
import { fal } from "./fal.mjs";

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
  return { ...connection, next };
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
// An invalid input is an error of its message, not of the connection.
connection.send({ seed: 7 });
await assert.rejects(connection.next(), { status: 400 });
connection.send(input);
assert.equal((await connection.next()).seed, 7);
connection.close();
