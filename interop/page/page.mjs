// Drives the emulator's page in headless Chromium: `node page.mjs BASE_URL CHROMIUM SCREENSHOTS`. Fails at the first check that
// does not hold. Screenshots are for people to look at.
import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [base, executablePath, screenshots] = process.argv.slice(2);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
await mkdir(screenshots, { recursive: true });
const endpoint = "fal-ai/fast-sdxl-controlnet-canny/inpainting";
const urls = Object.fromEntries(["image_url", "control_image_url", "mask_url"].map((name) => [name, "https://example.com/a.png"]));

const submit = async (input, id = endpoint) => {
  const response = await fetch(`${base}/queue.fal.run/${id}`, {
    method: "POST",
    headers: { authorization: "Key id:secret", "content-type": "application/json" },
    body: JSON.stringify(input),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()).request_id;
};

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });

// Opens a page that fails the test on any error, on a violation of its policy, and on a request elsewhere.
const open = async (options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(base) && !url.startsWith("data:")) problems.push(`a request to ${url}`);
  });
  return { page, context, problems };
};

// `expected` matches messages of the browser that belong to the test.
const test = async (name, { expected, ...options }, body) => {
  const { page, context, problems } = await open(options);
  await body(page);
  assert.deepEqual(problems.filter((problem) => !expected?.test(problem)), [], name);
  await context.close();
  console.log(`ok: ${name}`);
};

const isWithin = async (page, what) => {
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wider <= 0, `${what} is ${wider} px too wide`);
};

// Rules that a browser without sources from elsewhere can check. The script bypasses the policy of the page.
const isAccessible = async (page, what) => {
  await page.evaluate(`${axe}; undefined`);
  const { violations } = await page.evaluate(() => axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  const found = violations.map((violation) => `${violation.id}: ${violation.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`).join("\n  ")}`);
  assert.deepEqual(found, [], what);
};

await test("empty pages invite to a first request", {}, async (page) => {
  await page.goto(`${base}/`);
  assert.ok(await page.getByText("No requests yet.").isVisible());
  await page.screenshot({ path: `${screenshots}/empty.png`, fullPage: true });
  await isAccessible(page, "empty overview");
});

await test("a request appears in the open list and progresses", {}, async (page) => {
  await page.goto(`${base}/requests`);
  await page.getByText("No requests yet.").waitFor();
  const id = await submit({ prompt: "A lighthouse above a stormy sea", ...urls });
  const row = page.locator(`#r-${id}`);
  await row.waitFor();
  await row.getByText("Completed").waitFor();
  await row.locator("img").waitFor();
  assert.ok(await row.locator("img").evaluate((image) => image.decode().then(() => image.naturalWidth > 0)));
});

await test("the page of a request follows it, and keeps what a person opened", {}, async (page) => {
  const id = await submit({ prompt: "مدينة قديمة عند الغروب 🌇", ...urls });
  await page.goto(`${base}/requests/${id}`);
  const exchange = page.locator("details.exchange").first();
  await exchange.locator("summary").click();
  await page.getByText("Step 3 of 3").waitFor();
  const image = page.locator("#output img").first();
  await image.waitFor();
  assert.ok(await image.evaluate((image) => image.decode().then(() => image.naturalWidth > 0)));
  assert.ok(await exchange.evaluate((details) => details.open));
  assert.match(await page.locator("#announcement").textContent(), /completed/);
});

await test("a text is shown as the model writes it", {}, async (page) => {
  const id = await submit({ prompt: "Tell me about lamps", model: "google/gemini-2.5-flash" }, "openrouter/router");
  await page.goto(`${base}/requests/${id}`);
  await page.getByText("Output so far").waitFor();
  await page.locator("#output-title", { hasText: /^Output$/ }).waitFor();
});

const form = async (page) => {
  await page.goto(`${base}/endpoints/${endpoint}`);
  await page.getByLabel("prompt required", { exact: false }).first().fill("A fox in snow\nat dawn");
  await page.getByLabel("num_images").fill("2");
  await page.getByRole("button", { name: "Submit", exact: true }).click();
  await page.waitForURL(/\/requests\/[0-9a-f-]{36}$/);
};

await test("a form submits a request, and its images are shown", {}, async (page) => {
  await form(page);
  await page.locator("#output img").nth(1).waitFor();
  await page.screenshot({ path: `${screenshots}/request.png`, fullPage: true });
});

await test("everything works without scripts", { javaScriptEnabled: false }, async (page) => {
  await form(page);
  while (!(await page.locator("#output img").count())) await page.reload();
  await page.goto(`${base}/faults`);
  await page.getByRole("switch", { name: "Submissions get status 503" }).click();
  assert.equal(await page.getByRole("switch", { name: "Submissions get status 503" }).getAttribute("aria-checked"), "true");
  await page.getByRole("button", { name: "Remove all" }).click();
  await page.getByText("No faults.").waitFor();
});

await test("a refused form shows what is wrong", { expected: /status of 422/ }, async (page) => {
  await page.goto(`${base}/endpoints/${endpoint}`);
  await page.getByLabel("loras").fill("[{}");
  await page.getByRole("button", { name: "Submit", exact: true }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("loras").getAttribute("aria-invalid"), "true");
  assert.equal(await page.getByLabel("loras").inputValue(), "[{}");
  await isAccessible(page, "refused form");
});

await test("a switched fault is shown by the page that is open", {}, async (page) => {
  await page.goto(`${base}/faults`);
  const control = page.getByRole("switch", { name: "Submissions get status 429" });
  await control.focus();
  await page.keyboard.press("Enter");
  await page.locator("#switch-submit-429[aria-checked=true]").waitFor();
  const other = await page.context().newPage();
  await other.goto(`${base}/faults`);
  await other.getByRole("button", { name: "Remove all" }).click();
  await page.locator("#switch-submit-429[aria-checked=false]").waitFor();
});

await test("an uploaded page runs no script on the emulator's origin", { expected: /sandbox/ }, async (page) => {
  const token = await fetch(`${base}/rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3`, {
    method: "POST",
    headers: { authorization: "Key id:secret", "content-type": "application/json" },
    body: "{}",
  }).then((response) => response.json());
  const upload = await fetch(`${base}/v3.fal.media/files/upload`, {
    method: "POST",
    headers: { authorization: `${token.token_type} ${token.token}`, "content-type": "text/html" },
    body: "<title>before</title><script>document.title = 'after'</script>",
  }).then((response) => response.json());
  for (const url of [upload.access_url, upload.access_url.replace(base, `${base}/media`)]) {
    await page.goto(url);
    assert.equal(await page.title(), "before");
  }
});

// Content of every size, for the screenshots and the checks of all pages.
await submit({ prompt: "word ".repeat(20_000), ...urls, num_images: 4 });
await submit({ prompt: 7 });
await submit({ prompt: "x".repeat(5_000), ...urls, image_size: "landscape_16_9", sync_mode: true });
const router = await submit({ prompt: "Tell me about lamps", model: "google/gemini-2.5-flash", system_prompt: JSON.stringify({ a: Array(5_000).fill("b") }) }, "openrouter/router");
for (let number = 0; number < 150; number += 1) await submit({ prompt: `Number ${number}`, ...urls });
const last = await submit({ prompt: "The last one 🦊 ".repeat(30), ...urls });
await new Promise((resolve) => setTimeout(resolve, 1500));

const pages = {
  overview: "/", endpoints: "/endpoints", endpoint: `/endpoints/${endpoint}`, router: "/endpoints/openrouter/router",
  requests: "/requests", "page-2": "/requests?page=2", image: `/requests/${last}`, text: `/requests/${router}`,
  http: "/http", files: "/files", faults: "/faults", account: "/account", missing: "/requests/none",
};
for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 768, 320]) {
    const { page, context } = await open({ colorScheme, viewport: { width, height: 800 }, reducedMotion: "reduce" });
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(base + path);
      await page.evaluate(() => Promise.all([...document.images].map((image) => image.loading === "lazy" || image.decode().catch(() => {}))));
      await isWithin(page, `${name} at ${width} px`);
      if (width !== 768) await isAccessible(page, `${name}, ${colorScheme}, ${width} px`);
      await page.screenshot({ path: `${screenshots}/${name}-${colorScheme}-${width}.png`, fullPage: !["requests", "page-2", "http"].includes(name) });
    }
    await context.close();
    console.log(`ok: every page at ${width} px, ${colorScheme}`);
  }
}

await test("the keyboard reaches the content first, and every control in turn", {}, async (page) => {
  await page.goto(`${base}/endpoints/${endpoint}`);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => location.hash), "#main");
  for (let tabs = 0; tabs < 40; tabs += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement === document.body)) break;
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(outline, "none", await page.evaluate(() => document.activeElement.outerHTML.slice(0, 200)));
  }
});

await browser.close();
