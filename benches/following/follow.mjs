// node follow.mjs BASE JOBS MODE: follows jobs with fal's JavaScript client.
import { once } from "node:events";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [base, jobs, mode] = process.argv.slice(2);
const require = createRequire(new URL("../../interop/javascript/package.json", import.meta.url));
const { createFalClient } = await import(pathToFileURL(require.resolve("@fal-ai/client")).href);

// The emulator takes the host from the first segment of the path.
function local(address) {
  const url = new URL(address);
  return url.origin === base ? url.href : `${base}/${url.host}${url.pathname}${url.search}`;
}

const fal = createFalClient({
  credentials: "id:secret",
  fetch: (address, options) => fetch(local(String(address)), options),
});

async function follow() {
  const input = { image_url: "https://example.com/a.png" };
  const { requestId } = await fal.subscribe("fal-ai/flux/dev/redux", { input, mode });
  return `result ${requestId} ${process.hrtime.bigint()}`;
}

console.log("ready");
await once(process.stdin, "data");
const results = await Promise.all(Array.from({ length: Number(jobs) }, follow));
console.log("done");
console.log(results.join("\n"));
console.log("end");
await once(process.stdin, "data");
