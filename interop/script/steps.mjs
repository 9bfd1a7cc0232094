// Takes the steps of a section of `steps.json` with fal's client for JavaScript, and prints what it received, a JSON line each.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createFalClient } from "../javascript/node_modules/@fal-ai/client/src/index.js";
import "../javascript/fal.mjs";

// The request ids of submissions, and the outputs of other steps.
const saved = { none: "8a2b7a2e-0000-4000-8000-000000000000" };

const messages = (logs) => (logs ?? []).map((log) => log.message);

const statusOf = (status) => ({
  status: status.status,
  position: status.queue_position,
  logs: messages(status.logs),
  has_metrics: status.metrics && Object.keys(status.metrics).length > 0 ? true : undefined,
  error: status.error,
  error_type: status.error_type,
});

async function downloaded(url) {
  const response = await fetch(url);
  if (response.status !== 200) {
    return { url, status: response.status };
  }
  const sha256 = createHash("sha256").update(Buffer.from(await response.arrayBuffer())).digest("hex");
  return { url, status: 200, content_type: response.headers.get("content-type"), sha256 };
}

const options = (step) => ({
  input: step.input,
  startTimeout: step.start_timeout,
  hint: step.hint,
  priority: step.priority,
  headers: step.headers,
  webhookUrl: step.webhook_url,
});

const named = ({ data, requestId }) => ({ data, request_id: requestId });

/** Collects the statuses of a request, whose logs are repeated in each. */
function watch() {
  const seen = { statuses: [], logs: [] };
  const onQueueUpdate = (update) => {
    if (!seen.statuses.includes(update.status)) {
      seen.statuses.push(update.status);
    }
    seen.logs = messages(update.logs);
  };
  return [seen, onQueueUpdate];
}

const calls = {
  async run(fal, step) {
    const received = named(await fal.run(step.endpoint, options(step)));
    saved[step.as] = received.data;
    return received;
  },
  async submit(fal, step) {
    saved[step.as] = (await fal.queue.submit(step.endpoint, options(step))).request_id;
    return { request_id: saved[step.as] };
  },
  async status(fal, step) {
    return statusOf(await fal.queue.status(step.endpoint, { requestId: saved[step.of], logs: step.logs }));
  },
  async follow(fal, step) {
    const [seen, onQueueUpdate] = watch();
    await fal.queue.subscribeToStatus(step.endpoint, {
      requestId: saved[step.of],
      logs: true,
      pollInterval: 50,
      onQueueUpdate,
    });
    return seen;
  },
  async result(fal, step) {
    return named(await fal.queue.result(step.endpoint, { requestId: saved[step.of] }));
  },
  async cancel(fal, step) {
    await fal.queue.cancel(step.endpoint, { requestId: saved[step.of] });
    return null;
  },
  async subscribe(fal, step) {
    const [seen, onQueueUpdate] = watch();
    const result = await fal.subscribe(step.endpoint, {
      ...options(step),
      mode: step.mode,
      logs: true,
      pollInterval: 50,
      timeout: step.client_timeout && step.client_timeout * 1000,
      onQueueUpdate,
    });
    return { ...named(result), ...seen };
  },
  async stream(fal, step) {
    const stream = await fal.stream(step.endpoint, { input: step.input });
    const done = stream.done();
    // It may fail before it is awaited.
    done.catch(() => {});
    const events = [];
    for await (const event of stream) {
      events.push(event);
    }
    await done;
    return { events, request_id: stream.requestId };
  },
  async realtime(fal, step) {
    if (step.auth !== "token") {
      return "no such call";
    }
    const results = [];
    let deliver;
    const connection = fal.realtime.connect(step.endpoint, {
      throttleInterval: 0,
      maxBuffering: step.max_buffering,
      onResult: (result) => deliver([result]),
      onError: (error) => deliver([undefined, error]),
    });
    for (const input of step.inputs) {
      const arrived = new Promise((resolve) => (deliver = resolve));
      connection.send(input);
      const [result, error] = await arrived;
      if (error) {
        throw error;
      }
      results.push(result);
    }
    deliver = () => {};
    connection.close();
    return { results };
  },
  async upload(fal, step) {
    const file = new File([Buffer.from(step.text.repeat(step.repeat ?? 1))], step.name, { type: step.content_type });
    const lifecycle = step.access && { expiresIn: step.expires_in, initialAcl: { default: step.access } };
    return downloaded(await fal.storage.upload(file, { lifecycle }));
  },
  async upload_in_input(fal, step) {
    const file = new File([step.text], step.name, { type: step.content_type });
    return named(await fal.run(step.endpoint, { input: { ...step.input, [step.field]: file } }));
  },
  async encode() {
    return "no such call";
  },
  async download(fal, step) {
    return downloaded(saved[step.of].images[0].url);
  },
};

function errorOf(error) {
  if (error.body?.type === "x-fal-error") {
    return error.body.error;
  }
  if (error.name === "ApiError" || error.name === "ValidationError") {
    return { status: error.status, body: error.body };
  }
  if (error.message.startsWith("Client timed out")) {
    return "timeout";
  }
  if (error.message === "fetch failed") {
    return "lost connection";
  }
  throw error;
}

const [, , section] = process.argv;
const sections = JSON.parse(readFileSync(new URL("steps.json", import.meta.url)));
for (const step of sections[section].steps) {
  const fal = createFalClient(step.key ? { credentials: step.key } : {});
  let received;
  try {
    received = await calls[step.call](fal, step);
  } catch (error) {
    received = { error: errorOf(error) };
  }
  console.log(JSON.stringify({ step: step.step, received }));
}
process.exit(0);
