// Direct runs with @fal-ai/client: `node run.mjs BASE CALLS IN_FLIGHT` prints the seconds.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [base, calls, inFlight] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const require = createRequire(new URL("../../../interop/javascript/package.json", import.meta.url));
const { createFalClient } = await import(pathToFileURL(require.resolve("@fal-ai/client")).href);

// The client has no setting for its hosts.
const fal = createFalClient({
  credentials: "id:secret",
  fetch: (url, options) => fetch(String(url).replace("https://", `${base}/`), options),
});

async function run() {
  const { data } = await fal.run("fal-ai/fast-sdxl-controlnet-canny/inpainting", {
    input: {
      prompt: "Ice fortress, aurora skies, polar wildlife, twilight",
      control_image_url: "https://example.com/canny.png",
      image_url: "https://example.com/room.png",
      mask_url: "https://example.com/mask.png",
      image_size: { width: 1280, height: 720 },
      num_inference_steps: 30,
      guidance_scale: 7.0,
      strength: 0.9,
      seed: 42,
      num_images: 2,
    },
  });
  if (data.images.length !== 2) throw new Error("unexpected response");
}

async function runs(calls) {
  const share = async () => {
    for (let call = 0; call < calls / inFlight; call++) await run();
  };
  await Promise.all(Array.from({ length: inFlight }, share));
}

await runs(2 * inFlight);
const start = performance.now();
await runs(calls);
console.log((performance.now() - start) / 1000);
