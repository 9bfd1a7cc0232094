// Packages of others that call fal, and fal's client before its version 1.
import assert from "node:assert/strict";
import { fal } from "@ai-sdk/fal";
import * as former from "@fal-ai/serverless-client";
import { generateImage } from "ai";

const { images } = await generateImage({
  model: fal.image("fal-ai/fast-sdxl"),
  prompt: "a fox",
  seed: 7,
  n: 2,
  size: "512x512",
});
assert.deepEqual(
  images.map((image) => image.mediaType),
  ["image/png", "image/png"],
);
assert.deepEqual(images[0].uint8Array.slice(0, 4), Uint8Array.from([0x89, 0x50, 0x4e, 0x47]));
await assert.rejects(generateImage({ model: fal.image("acme/unknown"), prompt: "a fox", maxRetries: 0 }), {
  statusCode: 404,
});

const output = await former.subscribe("fal-ai/fast-sdxl", {
  input: { prompt: "a fox", seed: 7 },
  logs: true,
  pollInterval: 50,
});
assert.equal(output.seed, 7);
const stream = await former.stream("fal-ai/any-llm", { input: { prompt: "a fox" } });
assert.equal((await stream.done()).partial, false);
// It uploads to the storage of Google.
const url = await former.storage.upload(new File(["a fox"], "fox.txt", { type: "text/plain" }));
assert.match(url, /^https:\/\/storage\.googleapis\.com\//);
assert.equal(await (await fetch(url)).text(), "a fox");
