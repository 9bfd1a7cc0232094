// fal's client, calling the emulator whose base URL is the first argument.
import { createFalClient } from "@fal-ai/client";
import WebSocket from "ws";

const base = process.argv[2];

// The client knows fal's hosts only. The emulator serves them all: the first segment of a path is the host.
const local = (url) =>
  String(url)
    .replace(/^https:\/\//, `${base}/`)
    .replace(/^wss:\/\//, `${base.replace("http", "ws")}/`);

// The client uses the WebSocket of browsers, which Node 20 does not have.
globalThis.WebSocket = class extends WebSocket {
  constructor(url) {
    super(local(url));
    this.binaryType = "arraybuffer";
  }
};

export const client = (options) =>
  createFalClient({
    credentials: "id:secret",
    fetch: (url, init) => fetch(local(url), init),
    ...options,
  });

export const fal = client({});

// Returns a token, as the server of a web page would do.
export async function token(app) {
  const response = await fetch(`${base}/rest.fal.ai/tokens/`, {
    method: "POST",
    headers: { Authorization: "Key id:secret", "Content-Type": "application/json" },
    body: JSON.stringify({ allowed_apps: [app], token_expiration: 60 }),
  });
  return response.json();
}
