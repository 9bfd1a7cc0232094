// fal's client, calling the emulator whose base URL is the first argument.
import { createFalClient } from "@fal-ai/client";

const base = process.argv[2];

// The client knows fal's hosts only. The emulator serves them all: the first segment of a path is the host.
const local = (url) => String(url).replace(/^https:\/\//, `${base}/`);

export const client = (options) =>
  createFalClient({
    credentials: "id:secret",
    fetch: (url, init) => fetch(local(url), init),
    ...options,
  });

export const fal = client({});
