// The client is used as it is installed: its environment leads it to the emulator.
import WebSocket from "ws";

// The client uses the WebSocket of browsers, which Node 20 does not have.
globalThis.WebSocket = class extends WebSocket {
  binaryType = "arraybuffer";
};

// Returns a token, as the server of a web page would do.
export async function token(app) {
  const response = await fetch("https://rest.fal.ai/tokens/", {
    method: "POST",
    headers: { Authorization: `Key ${process.env.FAL_KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify({ allowed_apps: [app], token_expiration: 60 }),
  });
  return response.json();
}
