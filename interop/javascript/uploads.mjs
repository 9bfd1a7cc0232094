import assert from "node:assert/strict";
import { fal } from "@fal-ai/client";

async function download(url) {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  return [response.headers.get("content-type"), Buffer.from(await response.arrayBuffer())];
}

const text = new File(["a fox"], "fox.txt", { type: "text/plain" });
const url = await fal.storage.upload(text, {
  lifecycle: { expiresIn: "1h", initialAcl: { default: "allow" } },
});
assert.match(url, /\/v3\.fal\.media\/files\/.*fox\.txt$/);
assert.deepEqual(await download(url), ["text/plain", Buffer.from("a fox")]);

const empty = await fal.storage.upload(new File([], "empty.bin"));
assert.deepEqual((await download(empty))[1], Buffer.alloc(0));

// More than 90 MiB are sent in parts of 10 MiB.
const bytes = Buffer.alloc((91 << 20) + 1, "0123456789abcdef!");
const large = await fal.storage.upload(new File([bytes], "large.bin", { type: "application/zip" }));
const [type, received] = await download(large);
assert.equal(type, "application/zip");
assert.ok(bytes.equals(received));

// Files of an input are uploaded before the call.
const image = new File([Buffer.from("89504e470d0a1a0a", "hex")], "fox.png", { type: "image/png" });
const input = await fal.storage.transformInput({ nested: [{ image }], url: "https://example.com/a.png" });
assert.equal((await download(input.nested[0].image))[0], "image/png");
assert.equal(input.url, "https://example.com/a.png");
