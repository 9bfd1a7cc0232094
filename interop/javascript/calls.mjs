import assert from "node:assert/strict";
import { ApiError, ValidationError, createFalClient, fal } from "@fal-ai/client";

const endpoint = "fal-ai/flux/dev/redux";
const input = { image_url: "https://example.com/fox.png", seed: 7, num_images: 2 };

function check({ data, requestId }, id = requestId) {
  assert.equal(data.seed, 7);
  assert.equal(data.images.length, 2);
  assert.match(data.images[0].url, /^https:\/\/v3\.fal\.media\/files\//);
  assert.equal(data.images[0].content_type, "image/jpeg");
  assert.ok(requestId);
  assert.equal(requestId, id);
}

check(await fal.run(endpoint, { input, startTimeout: 30, storageSettings: { expiresIn: "1h" } }));

const submitted = await fal.queue.submit(endpoint, {
  input,
  webhookUrl: "https://example.com/hook?a=b&c=d",
  hint: "fox",
  priority: "low",
  headers: { "x-fal-store-io": "0" },
});
assert.equal(submitted.status, "IN_QUEUE");
const requestId = submitted.request_id;
let status;
do {
  status = await fal.queue.status(endpoint, { requestId, logs: true });
  assert.equal(status.request_id, requestId);
} while (status.status !== "COMPLETED");
assert.equal(status.logs.length, 4);
assert.ok(status.metrics.inference_time > 0);
check(await fal.queue.result(endpoint, { requestId }), requestId);

for (const mode of ["polling", "streaming"]) {
  const seen = new Set();
  let enqueued;
  let logs = [];
  const result = await fal.subscribe(endpoint, {
    input,
    mode,
    pollInterval: 50,
    logs: true,
    onEnqueue: (id) => (enqueued = id),
    onQueueUpdate: (update) => {
      seen.add(update.status);
      logs = update.logs ?? logs;
    },
  });
  check(result, enqueued);
  assert.deepEqual([...seen], ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"], mode);
  assert.deepEqual(
    logs.map((log) => log.message),
    ["Loading the model", "Step 1 of 3", "Step 2 of 3", "Step 3 of 3"],
    mode,
  );
}

await assert.rejects(fal.run(endpoint, { input: {} }), (error) => {
  assert.ok(error instanceof ValidationError);
  assert.equal(error.status, 422);
  assert.equal(error.fieldErrors[0].type, "missing");
  assert.equal(error.getFieldErrors("image_url").length, 1);
  return true;
});
await assert.rejects(createFalClient({ credentials: "id:other" }).run(endpoint, { input }), (error) => {
  assert.ok(error instanceof ApiError);
  assert.equal(error.status, 401);
  return true;
});
await assert.rejects(fal.queue.status(endpoint, { requestId: "8a2b7a2e-0000-4000-8000-000000000000" }), { status: 404 });
