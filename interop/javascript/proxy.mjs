// All calls go through the proxy of the second argument. This client has no key, but a session that the proxy checks.
import assert from "node:assert/strict";
import { createFalClient } from "@fal-ai/client";

const [, , proxyUrl] = process.argv;

const session = (token) =>
  createFalClient({
    credentials: undefined,
    proxyUrl: { url: proxyUrl, when: "always" },
    requestMiddleware: async (request) => ({
      ...request,
      headers: { ...request.headers, Authorization: `Bearer ${token}`, Cookie: "session=1" },
    }),
  });

const fal = session("session");
const redux = "fal-ai/flux/dev/redux";
const image = { image_url: "https://example.com/fox.png", seed: 7 };
const router = "openrouter/router";
const text = { prompt: "Write a haiku about a fox.", model: "example/model" };

const { data, requestId } = await fal.run(redux, { input: image, startTimeout: 30 });
assert.equal(data.seed, 7);
assert.ok(requestId);

for (const mode of ["polling", "streaming"]) {
  const seen = new Set();
  const { data } = await fal.subscribe(redux, {
    input: image,
    mode,
    logs: true,
    priority: "low",
    onQueueUpdate: (update) => seen.add(update.status),
  });
  assert.equal(data.seed, 7);
  assert.ok(seen.has("COMPLETED"));
}

const submitted = await fal.queue.submit(redux, { input: image });
await assert.rejects(fal.queue.cancel(redux, { requestId: submitted.request_id }), {
  status: 400,
  body: { status: "ALREADY_COMPLETED" },
});

// With a token, the browser calls fal itself.
for (const connectionMode of ["server", "client"]) {
  const stream = await fal.stream(router, { input: text, connectionMode });
  const events = [];
  for await (const event of stream) {
    events.push(event);
  }
  assert.ok(events.length > 1);
  assert.equal(events.at(-1).partial, false);
  assert.deepEqual(await stream.done(), events.at(-1));
}

// The proxy sees where a file goes, but not the file.
const bytes = Buffer.alloc((91 << 20) + 1, "0123456789abcdef!");
for (const file of [new File(["a fox"], "fox.txt"), new File([bytes], "large.bin")]) {
  const url = await fal.storage.upload(file);
  const stored = await (await fetch(url)).arrayBuffer();
  assert.equal(stored.byteLength, file.size);
}

await assert.rejects(fal.run(redux, { input: {} }), (error) => {
  assert.equal(error.status, 422);
  assert.equal(error.getFieldErrors("image_url").length, 1);
  return true;
});
await assert.rejects(fal.run("fal-ai/flux/dev/image-to-image", { input: {} }), { status: 403 });
await assert.rejects(session("other").run(redux, { input: image }), { status: 401 });
