// The queue of this emulator responds with 503 and 429 first.
import assert from "node:assert/strict";
import { fal } from "@fal-ai/client";

const input = { image_url: "https://example.com/fox.png", seed: 7 };
const { data } = await fal.subscribe("fal-ai/flux/dev/redux", { input, pollInterval: 1 });
assert.equal(data.seed, 7);
