// No job of this emulator ends.
import assert from "node:assert/strict";
import { fal } from "@fal-ai/client";

const endpoint = "fal-ai/flux/dev/redux";
const input = { image_url: "https://example.com/fox.png" };

const { request_id: requestId } = await fal.queue.submit(endpoint, { input });
assert.equal((await fal.queue.status(endpoint, { requestId })).queue_position, 1);
await assert.rejects(fal.queue.result(endpoint, { requestId }), (error) => {
  assert.equal(error.status, 400);
  assert.equal(error.body.detail, "Request is still in progress");
  return true;
});
await fal.queue.cancel(endpoint, { requestId });
await assert.rejects(fal.queue.cancel(endpoint, { requestId }), (error) => {
  assert.equal(error.status, 400);
  assert.deepEqual(error.body, { status: "ALREADY_COMPLETED" });
  return true;
});
