use std::time::Duration;

use fal_emulator::{Emulator, Fault, Operation, Pace};
use futures_util::StreamExt;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, inpainting, raw};

const MARKUP: &str = "\"><img src=x onerror=alert(1)><script>alert(2)</script>";

/// A response of the page.
struct Page {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Page {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    fn has(&self, text: &str) -> &Self {
        assert!(self.text.contains(text), "{text} is missing in {}", self.text);
        self
    }

    #[track_caller]
    fn lacks(&self, text: &str) -> &Self {
        assert!(!self.text.contains(text), "{text} is in {}", self.text);
        self
    }
}

async fn open(request: RequestBuilder) -> Page {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Page { status, headers, text: response.text().await.unwrap() }
}

async fn get(fal: &Fal, path: &str) -> Page {
    open(fal.anonymous(Method::GET, path)).await
}

/// Posts a form, as a browser that shows the page does. Does not follow redirects.
async fn post(fal: &Fal, path: &str, form: &str) -> Page {
    let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let request = client.post(format!("{}{path}", fal.base_url())).header("origin", fal.base_url());
    open(request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned())).await
}

/// Posts the form of an endpoint, with fields and files.
async fn post_parts(fal: &Fal, id: &str, fields: &[(&str, &str)], files: &[(&str, &str, &str, &str)]) -> Page {
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    for (name, file_name, content_type, content) in files {
        body += &format!(
            "--x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\n\
             Content-Type: {content_type}\r\n\r\n{content}\r\n"
        );
    }
    let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let request = client.post(format!("{}/endpoints/{id}", fal.base_url())).header("origin", fal.base_url());
    open(request.header("content-type", "multipart/form-data; boundary=x").body(body + "--x--\r\n")).await
}

fn fields(prompt: &str) -> Vec<(&str, &str)> {
    let url = "https://example.com/a.png";
    vec![("field.prompt", prompt), ("field.control_image_url", url), ("field.image_url", url), ("field.mask_url", url)]
}

#[tokio::test]
async fn pages_render_with_strict_policies() {
    let fal = Fal::instant().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    fal.add_file("a.png", "image/png", b"x").unwrap();
    let of_request = format!("/requests/{}", job.id);
    let of_endpoint = format!("/endpoints/{INPAINTING}");
    let paths = ["/", "/endpoints", &of_endpoint, "/requests", &of_request, "/http", "/files", "/faults", "/account"];
    for path in paths {
        let page = get(&fal, path).await;
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let policy = page.header("content-security-policy");
        for rule in ["default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'"] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert_eq!(page.text.matches("<h1").count(), 1, "{path}");
        page.has("<html lang=\"en\">").has("<title>").lacks(" style=").lacks("<style").lacks("javascript:");
        assert_eq!(page.text.matches("<script").count(), 1, "{path}");
    }
    for path in ["/endpoints/no/such", "/requests/none", "/requests/none/output", "/media/v3.fal.media/none", "/page/x"]
    {
        let page = get(&fal, path).await;
        assert_eq!((page.status, page.text.matches("<h1").count()), (404, 1), "{path}");
    }
    assert_eq!(open(fal.anonymous(Method::HEAD, "/")).await.status, 200);
    assert_eq!(open(fal.anonymous(Method::DELETE, "/requests").header("origin", fal.base_url())).await.status, 405);
}

#[tokio::test]
async fn assets_are_embedded_and_revalidated() {
    let fal = Fal::instant().await;
    for (path, content_type) in [
        ("/page/style.css", "text/css; charset=utf-8"),
        ("/page/script.js", "text/javascript; charset=utf-8"),
        ("/page/icon.svg", "image/svg+xml"),
    ] {
        let asset = get(&fal, path).await;
        assert_eq!((asset.status, asset.header("content-type")), (200, content_type));
        let again = open(fal.anonymous(Method::GET, path).header("if-none-match", asset.header("etag"))).await;
        assert_eq!((again.status, again.text.as_str()), (304, ""));
        for external in ["https://", "url(", "@import"] {
            asset.lacks(external);
        }
    }
}

#[tokio::test]
async fn untrusted_texts_are_escaped() {
    let fal = Fal::instant().await;
    let mut input = inpainting();
    input["prompt"] = json!(MARKUP);
    input[MARKUP] = json!(MARKUP);
    let url =
        format!("/queue.fal.run/{INPAINTING}?fal_webhook=http://localhost:1/%22%3E%3Cscript%3Ealert(2)%3C/script%3E");
    let request = fal.request(Method::POST, &url).header("x-fal-tags", MARKUP).json(&input);
    let reply = crate::fal::send(request).await;
    let id = reply.body["request_id"].as_str().unwrap().to_owned();
    fal.answer(
        INPAINTING,
        &json!({
            "images": [{ "url": format!("https://example.com/{MARKUP}"), "width": 1, "height": 1 }], "seed": 1, "has_nsfw_concepts": [false],
            "timings": {}, "prompt": MARKUP,
        }),
    )
    .unwrap();
    let scripted = fal.submit(INPAINTING, &input).await;
    fal.add_file(MARKUP, MARKUP, b"x").unwrap();
    fal.get("/queue.fal.run/%22%3E%3Cscript%3Ealert(2)%3C/script%3E").await;
    let encoded = "%22%3E%3Cscript%3Ealert(2)%3C%2Fscript%3E";
    let mut pages = vec!["/".to_owned(), "/requests".into(), "/http".into(), "/files".into()];
    pages.extend([id.as_str(), &scripted.id].map(|id| format!("/requests/{id}")));
    pages.push(format!("/endpoints/{INPAINTING}?from={id}"));
    pages.extend(["requests", "endpoints"].map(|list| format!("/{list}?q={encoded}&state={encoded}")));
    pages.push(format!("/requests/{encoded}"));
    for path in pages {
        let page = get(&fal, &path).await;
        page.lacks("<script>alert").lacks("<img src=x");
    }
    let page = post_parts(&fal, INPAINTING, &[("field.prompt", MARKUP), ("field.num_images", MARKUP)], &[]).await;
    assert_eq!(page.status, 422);
    page.has("&lt;script&gt;").lacks("<script>alert").lacks("<img src=x");
    let plain = get(&fal, &format!("/requests/{id}/input")).await;
    assert_eq!(plain.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(plain.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn visits_are_not_recorded_and_take_no_faults() {
    let fal = Fal::instant().await;
    let file = fal.add_file("a.txt", "text/plain", b"content").unwrap();
    for operation in [Operation::Other, Operation::Media] {
        fal.inject_fault(operation, Fault::respond(503));
    }
    let media = file.url().replace(fal.base_url(), "/media");
    for path in ["/", "/requests", "/endpoints", "/page/style.css", "/nothing-of-the-page", &media] {
        let page = get(&fal, path).await;
        assert_eq!(page.status, if path.starts_with("/nothing") { 503 } else { 200 }, "{path}");
    }
    assert_eq!((fal.requests().len(), fal.pending_faults()), (1, 1));
}

#[tokio::test]
async fn paths_of_hosts_are_not_the_page() {
    let fal = Fal::instant().await;
    for path in ["/fal.ai/", "/fal.ai/requests", "/queue.fal.run/", "/v3.fal.media/"] {
        let reply = get(&fal, path).await;
        assert_eq!((reply.status, reply.header("content-type")), (404, "application/json"), "{path}");
    }
}

#[tokio::test]
async fn form_submits_a_job() {
    let fal = Fal::instant().await;
    fal.set_price(INPAINTING, fal_emulator::Price::usd(fal_emulator::Decimal::new(25, 3), "images"));
    let mut form = fields("a fox\r\nin snow");
    form.extend([("field.num_images", "2"), ("field.strength", "0.5"), ("field.sync_mode", "on"), ("field.seed", "")]);
    let page = post_parts(&fal, INPAINTING, &form, &[]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    let requests = fal.requests();
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!(
        (request.operation(), request.path()),
        (Operation::Submit, format!("/queue.fal.run/{INPAINTING}").as_str())
    );
    let expected = json!({
        "prompt": "a fox\nin snow", "num_images": 2, "strength": 0.5, "sync_mode": true,
        "control_image_url": "https://example.com/a.png", "image_url": "https://example.com/a.png",
        "mask_url": "https://example.com/a.png",
    });
    assert_eq!(*request.input(), expected);
    assert_eq!(page.header("location"), format!("/requests/{}", request.request_id().unwrap()));
    let page = get(&fal, page.header("location")).await;
    page.has("Completed").has("a fox").has("0.05 USD").has("<img src=\"data:image/png;base64,").has("Step 1 of 1");
    assert_eq!(fal.billed().jobs(), 1);
    // The input of an earlier request fills the form.
    let again = format!("/endpoints/{INPAINTING}?from={}", request.request_id().unwrap());
    get(&fal, &again).await.has("a fox\nin snow").has("name=\"field.strength\" value=\"0.5\"");
}

#[tokio::test]
async fn invalid_form_shows_errors_next_to_fields() {
    let fal = Fal::instant().await;
    let mut form = fields("kept text");
    form.extend([("field.num_images", "9"), ("field.loras", "[{}"), ("field.image_size", "huge")]);
    form.retain(|(name, _)| *name != "field.mask_url");
    let page = post_parts(&fal, INPAINTING, &form, &[]).await;
    assert_eq!((page.status, fal.jobs().len()), (422, 0));
    page.has("role=\"alert\"").has("Field required").has("less than or equal to 8").has("This is not JSON");
    page.has("kept text").has("value=\"9\"").has("[{}").has("aria-invalid=\"true\"");
    // Text that is not JSON is never sent.
    page.lacks("name=\"force\"");

    form.retain(|(name, _)| *name != "field.loras");
    post_parts(&fal, INPAINTING, &form, &[]).await.has("name=\"force\"");
    form.push(("force", "1"));
    let page = post_parts(&fal, INPAINTING, &form, &[]).await;
    assert_eq!((page.status, fal.jobs().len()), (303, 1));
    get(&fal, page.header("location")).await.has("Failed, 422").has("body.mask_url");
}

#[tokio::test]
async fn input_is_submitted_as_json() {
    let fal = Fal::instant().await;
    let path = format!("/endpoints/{INPAINTING}");
    let page = post(&fal, &path, "raw=%7B%22prompt%22").await;
    assert_eq!((page.status, fal.jobs().len()), (422, 0));
    page.has("not JSON").has("{&quot;prompt&quot;");
    let input: String = inpainting().to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
    let form = format!("raw={input}&webhook=http%3A%2F%2Flocalhost%3A1%2Fhook%3Ftoken%3Ds3cret");
    let page = post(&fal, &path, &form).await;
    assert_eq!(page.status, 303);
    assert_eq!(*fal.jobs()[0].request().input(), inpainting());
    assert_eq!(fal.webhooks().len(), 1);
    get(&fal, page.header("location")).await.has("http://localhost:1/hook").lacks("s3cret");
}

#[tokio::test]
async fn uploaded_files_become_urls() {
    let fal = Fal::instant().await;
    let mut form = fields("a fox");
    form[2].1 = "";
    let files = [("upload.image_url", "fox.png", "image/png", "content"), ("upload.mask_url", "", "", "")];
    let page = post_parts(&fal, INPAINTING, &form, &files).await;
    assert_eq!(page.status, 303, "{}", page.text);
    let files = fal.files();
    assert_eq!((files.len(), files[0].name(), files[0].bytes().unwrap().as_slice()), (1, "fox.png", &b"content"[..]));
    assert_eq!(fal.jobs()[0].request().input()["image_url"], files[0].url());
    get(&fal, "/files").await.has("fox.png").has("image/png");
}

#[tokio::test]
async fn faults_of_submissions_are_shown() {
    let fal = Fal::instant().await;
    fal.inject_fault(Operation::Submit, Fault::respond(503));
    fal.inject_fault(Operation::Submit, Fault::drop_connection());
    fal.inject_fault(Operation::Submit, Fault::stall_request_after(1));
    for reason in ["status 503", "fault broke the connection", "fault broke the connection"] {
        let page = post_parts(&fal, INPAINTING, &fields("kept text"), &[]).await;
        assert_eq!(page.status, 422);
        page.has(reason).has("kept text");
    }
    fal.lock_account(fal_client::LockReason::AdminLock);
    post_parts(&fal, INPAINTING, &fields("a"), &[]).await.has("User is locked");
    assert_eq!((fal.jobs().len(), fal.pending_faults(), fal.requests().len()), (0, 0, 4));
}

#[tokio::test]
async fn changes_from_other_origins_are_refused() {
    let fal = Fal::manual().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let own = fal.base_url().to_owned();
    let port: u16 = own.rsplit(':').next().unwrap().parse().unwrap();
    let other = format!("http://127.0.0.1:{}", port ^ 1);
    let paths = [format!("/requests/{}/cancel", job.id), format!("/endpoints/{INPAINTING}"), "/account/unlock".into()];
    for path in &paths {
        for headers in [
            vec![],
            vec![("origin", other.as_str())],
            vec![("origin", "http://localhost:3000")],
            vec![("origin", &own), ("sec-fetch-site", "same-site")],
            vec![("sec-fetch-site", "same-site")],
            vec![("sec-fetch-site", "none")],
            vec![("referer", &own)],
            vec![("origin", "null")],
            vec![("origin", "https://evil.test")],
        ] {
            let request = headers
                .iter()
                .fold(fal.anonymous(Method::POST, path), |request, (name, value)| request.header(*name, *value));
            let page = open(request.header("authorization", "Key id:secret").body("raw={}&force=1")).await;
            assert_eq!(page.status, 403, "{path} {headers:?}");
        }
    }
    assert_eq!((fal.jobs().len(), fal.jobs()[0].was_cancelled()), (1, false));
    // A host that is not a loopback name, as after DNS rebinding.
    let head = format!("POST {} HTTP/1.1\r\nhost: evil.test\r\norigin: http://evil.test\r\n", paths[0]);
    assert_eq!(raw(&fal, &format!("{head}connection: close\r\ncontent-length: 0\r\n\r\n")).await.0, 421);
    assert_eq!(open(fal.anonymous(Method::POST, &paths[0]).header("sec-fetch-site", "same-origin")).await.status, 200);
    assert!(fal.jobs()[0].was_cancelled());
}

#[tokio::test]
async fn other_pages_cannot_embed_the_page() {
    let fal = Fal::instant().await;
    let file = fal.add_file("a.png", "image/png", b"x").unwrap();
    let media = file.url().replace(fal.base_url(), "/media");
    for path in ["/", "/events?of=%2F", &media] {
        let request = fal.anonymous(Method::GET, path).header("sec-fetch-site", "same-site");
        assert_eq!(open(request.header("sec-fetch-mode", "no-cors")).await.status, 403, "{path}");
    }
    let link = fal.anonymous(Method::GET, "/").header("sec-fetch-site", "same-site");
    assert_eq!(open(link.header("sec-fetch-mode", "navigate")).await.status, 200);
}

#[tokio::test]
async fn files_run_no_scripts() {
    let fal = Fal::instant().await;
    for content_type in ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml"] {
        let file = fal.add_file("a", content_type, b"<script>alert(1)</script>").unwrap();
        for path in [file.url().replace(fal.base_url(), ""), file.url().replace(fal.base_url(), "/media")] {
            let page = get(&fal, &path).await;
            assert_eq!((page.status, page.header("content-type")), (200, content_type));
            assert!(page.header("content-security-policy").ends_with("sandbox"), "{path}");
            assert_eq!(page.header("x-content-type-options"), "nosniff");
        }
    }
}

#[tokio::test]
async fn private_files_are_shown_to_the_page_only() {
    let fal = Fal::instant().await;
    let lifecycle = json!({ "initial_acl": { "default": "forbid" } }).to_string();
    let upload = fal.upload(&fal.token().await, "text/plain", "secret").header("x-fal-object-lifecycle", lifecycle);
    let url = crate::fal::send(upload).await.body["access_url"].as_str().unwrap().replace(fal.base_url(), "");
    assert_eq!(get(&fal, &url).await.status, 403);
    assert_eq!(get(&fal, &format!("/media{url}")).await.text, "secret");
    for path in
        ["/media/v3.fal.media/files/../../requests", "/media/fal.ai/x", "/media/", "/media/v3.fal.media/files/%2e%2e/x"]
    {
        assert_eq!(get(&fal, path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn media_is_shown_with_ranges() {
    let fal = Fal::instant().await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    let page = get(&fal, &format!("/requests/{}", job.id)).await;
    let source = page.text.split("<img src=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(source.starts_with("/media/v3.fal.media/files/emulator/"), "{source}");
    let part = open(fal.anonymous(Method::GET, &source).header("range", "bytes=1-3")).await;
    assert_eq!((part.status, part.text.as_str(), part.header("content-type")), (206, "PNG", "image/png"));
    let thumbnail = fal.anonymous(Method::GET, &format!("/requests/{}/thumbnail", job.id)).send().await.unwrap();
    assert_eq!(
        (thumbnail.status().as_u16(), &thumbnail.headers()["content-type"]),
        (200, &"image/png".parse().unwrap())
    );
    get(&fal, "/requests").await.has(&format!("/requests/{}/thumbnail", job.id));
}

#[tokio::test]
async fn files_of_others_are_not_loaded() {
    let fal = Fal::instant().await;
    for url in [
        "https://example.com/a.png",
        "https://v3.fal.media/files/a/b.png",
        "https://a.s3.us-east-1.amazonaws.com/a.mp4",
    ] {
        let output = json!({
            "images": [{ "url": url, "width": 1, "height": 1 }], "seed": 1, "has_nsfw_concepts": [false], "timings": {}, "prompt": "",
        });
        fal.answer(INPAINTING, &output).unwrap();
        let job = fal.submit(INPAINTING, &inpainting()).await;
        get(&fal, &format!("/requests/{}", job.id))
            .await
            .has("Not a file of the emulator")
            .lacks("<img")
            .lacks("href=\"http");
    }
}

#[tokio::test]
async fn requests_are_moved_by_buttons() {
    let fal = Fal::manual().await;
    let jobs = [fal.submit(INPAINTING, &inpainting()).await, fal.submit(INPAINTING, &inpainting()).await];
    let path = format!("/requests/{}", jobs[0].id);
    get(&fal, &path).await.has("Queued, 1 ahead").has("Advance a step");
    assert_eq!(post(&fal, &format!("{path}/advance"), "").await.header("location"), path);
    get(&fal, &path).await.has("Queued, next");
    post(&fal, &format!("{path}/advance"), "").await;
    get(&fal, &path).await.has("Running");
    post(&fal, &format!("{path}/complete"), "").await;
    get(&fal, &path).await.has("Completed").lacks("Advance a step").has("Submit again".to_lowercase().as_str());
    post(&fal, &format!("/requests/{}/cancel", jobs[1].id), "").await;
    get(&fal, &format!("/requests/{}", jobs[1].id)).await.has("Cancelled");
    get(&fal, "/requests?state=cancelled").await.has(&jobs[1].id).lacks(&jobs[0].id);
    get(&fal, "/requests?q=nothing-like-it").await.has("No request matches").lacks(&jobs[1].id);
    assert_eq!(post(&fal, "/requests/unknown/cancel", "").await.status, 404);
}

#[tokio::test]
async fn account_and_clock_are_set() {
    let fal = Fal::start(Emulator::builder().pace(Pace::default().waiting(Duration::from_secs(3600)))).await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    post(&fal, "/account/lock", "reason=budget").await;
    assert_eq!(fal.post(&format!("/queue.fal.run/{INPAINTING}"), &inpainting()).await.status, 403);
    get(&fal, "/account").await.has("Locked").has("budget is exceeded");
    post(&fal, "/account/unlock", "").await;
    post(&fal, "/account/balance", "balance=12.50").await;
    assert_eq!(fal.balance().to_string(), "12.50");
    get(&fal, "/account").await.has("Not locked").has("$12.5");
    for form in ["seconds=86400", "seconds=18446744073709551615"] {
        assert_eq!(post(&fal, "/account/clock", form).await.status, 303);
    }
    get(&fal, &format!("/requests/{}", job.id)).await.has("Completed");
    for (path, form) in
        [("balance", "balance=x"), ("balance", "balance=1e99"), ("lock", "reason=x"), ("clock", "seconds=-1")]
    {
        assert_eq!(post(&fal, &format!("/account/{path}"), form).await.status, 400, "{path} {form}");
    }
    assert_eq!(post(&fal, "/account/other", "").await.status, 404);
}

#[tokio::test]
async fn secrets_are_masked() {
    let fal = Fal::start(Emulator::builder().pace(Pace::instant()).key("key-id:key-secret")).await;
    let url = format!("/queue.fal.run/{INPAINTING}?fal_jwt_token=hidden-token&logs=1");
    let request = fal.anonymous(Method::POST, &url).header("authorization", "Key key-id:key-secret");
    let reply = crate::fal::send(request.header("cookie", "hidden-cookie").json(&inpainting())).await;
    let path = format!("/requests/{}", reply.body["request_id"].as_str().unwrap());
    for path in ["/", "/http", &path] {
        let page = get(&fal, path).await;
        page.lacks("key-secret").lacks("hidden-token").lacks("hidden-cookie");
    }
    get(&fal, "/http").await.has("Key ••••").has("logs=1");
    assert_eq!(post_parts(&fal, INPAINTING, &fields("a fox"), &[]).await.status, 303);
    get(&fal, "/http").await.lacks("key-secret");
}

#[tokio::test]
async fn long_texts_are_bounded() {
    let fal = Fal::instant().await;
    let mut input = inpainting();
    input["prompt"] = json!("🦊x ".repeat(300_000));
    let job = fal.submit(INPAINTING, &input).await;
    for path in ["/", "/requests", "/http", &format!("/requests/{}", job.id)] {
        let page = get(&fal, path).await;
        assert!(page.text.len() < 400_000, "{path} has {} bytes", page.text.len());
    }
    let whole = get(&fal, &format!("/requests/{}/input", job.id)).await;
    assert_eq!(serde_json::from_str::<Value>(&whole.text).unwrap(), input);
    get(&fal, &format!("/requests/{}", job.id)).await.has(&format!("/requests/{}/input", job.id));
    let output = get(&fal, &format!("/requests/{}/output", job.id)).await;
    assert_eq!(serde_json::from_str::<Value>(&output.text).unwrap()["seed"], fal.get(&job.path).await.body["seed"]);
}

#[tokio::test]
async fn list_has_pages() {
    let fal = Fal::instant().await;
    for _ in 0..120 {
        fal.submit(INPAINTING, &inpainting()).await;
    }
    let rows = |page: &Page| page.text.matches("<tr id=\"r-").count();
    let first = get(&fal, "/requests?q=fast").await;
    assert_eq!(rows(&first), 50);
    first.has("120 requests").has("Page 1 of 3").has("/requests?q=fast&amp;state=&amp;page=2");
    assert_eq!(rows(&get(&fal, "/requests?page=3").await), 20);
    for page in ["99", "18446744073709551615", "0", "-1", "x"] {
        assert_eq!(get(&fal, &format!("/requests?page={page}")).await.status, 200);
    }
}

/// Opens a stream of updates.
async fn updates(fal: &Fal, of: &str, last: Option<&str>) -> reqwest::Response {
    let request = fal.anonymous(Method::GET, &format!("/events?of={of}"));
    let request = last.into_iter().fold(request, |request, last| request.header("last-event-id", last));
    request.send().await.unwrap()
}

/// Reads events until one has a text. Returns its id.
async fn event_with(
    stream: &mut (impl futures_util::Stream<Item = reqwest::Result<bytes::Bytes>> + Unpin),
    text: &str,
) -> String {
    let mut seen = String::new();
    while let Some(chunk) = stream.next().await {
        seen.push_str(&String::from_utf8_lossy(&chunk.unwrap()));
        if let Some(event) =
            seen.split("\n\n").filter(|event| event.contains(text)).last().filter(|_| seen.ends_with("\n\n"))
        {
            return event.split_once("id: ").unwrap().1.lines().next().unwrap().to_owned();
        }
    }
    panic!("the stream ended: {seen}");
}

#[tokio::test]
async fn pages_are_updated() {
    let fal = Fal::manual().await;
    let mut list = updates(&fal, "%2Frequests", None).await.bytes_stream();
    event_with(&mut list, "No requests yet").await;
    let job = fal.submit(INPAINTING, &inpainting()).await;
    event_with(&mut list, &job.id).await;
    let response = updates(&fal, &format!("%2Frequests%2F{}", job.id), None).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut page = response.bytes_stream();
    event_with(&mut page, "Queued, 1 ahead").await;
    fal.complete(&job.id);
    let last = event_with(&mut page, "Completed").await;
    event_with(&mut list, "Completed").await;
    // After a reconnection, only what is new is sent.
    let mut again = updates(&fal, &format!("%2Frequests%2F{}", job.id), Some(&last)).await.bytes_stream();
    fal.get(&job.status()).await;
    event_with(&mut again, "/status").await;
    for (of, status) in [("%2Faccount", 404), ("%2Frequests%2Fnone", 404), ("", 200), ("%2Fhttp", 200)] {
        assert_eq!(updates(&fal, of, None).await.status(), status, "{of}");
    }
}

#[tokio::test]
async fn text_is_shown_as_it_is_written() {
    let fal = Fal::start(
        Emulator::builder().pace(Pace::default().waiting(Duration::ZERO).running(Duration::from_secs(3600))),
    )
    .await;
    let job = fal.submit("openrouter/router", &json!({ "prompt": "lamps", "model": "a" })).await;
    let mut page = updates(&fal, &format!("%2Frequests%2F{}", job.id), None).await.bytes_stream();
    event_with(&mut page, "Running").await;
    fal.advance_time(Duration::from_secs(1800));
    event_with(&mut page, "Output so far").await;
    fal.complete(&job.id);
    event_with(&mut page, ">Output</h2>").await;
}

#[tokio::test]
async fn streams_of_updates_are_limited() {
    let fal = Fal::instant().await;
    let mut streams = Vec::new();
    for _ in 0..64 {
        streams.push(updates(&fal, "%2F", None).await);
    }
    assert!(streams.iter().all(|stream| stream.status() == 200));
    assert_eq!(updates(&fal, "%2F", None).await.status(), 503);
    // A page that is closed gives its stream back.
    drop(streams);
    while updates(&fal, "%2F", None).await.status() == 503 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn faults_are_switched_added_and_removed() {
    let fal = Fal::instant().await;
    get(&fal, "/faults").await.has("No faults");
    assert_eq!(post(&fal, "/faults/switch", "switch=submit-503&on=true").await.header("location"), "/faults");
    post(&fal, "/faults/switch", "switch=submit-503&on=true").await;
    get(&fal, "/faults").await.has("aria-checked=\"true\"").has("respond(503)").has("every request");
    for _ in 0..2 {
        assert_eq!(fal.post(&format!("/queue.fal.run/{INPAINTING}"), &inpainting()).await.status, 503);
    }
    post(&fal, "/faults/switch", "switch=submit-503&on=false").await;
    get(&fal, "/faults").await.lacks("aria-checked=\"true\"").has("No faults");

    let form =
        |count: &str| format!("operation=Submit&kind=respond&status=418&wait=0&endpoint={INPAINTING}&count={count}");
    assert_eq!(post(&fal, "/faults/add", &form("2")).await.status, 303);
    post(&fal, "/faults/add", "operation=Result&kind=cut&status=503&wait=1.5&endpoint=&count=25%25").await;
    post(&fal, "/faults/webhook", "webhook=Lost").await;
    let page = get(&fal, "/faults").await;
    page.has("respond(418)").has("the next 2 requests").has(INPAINTING).has("25% of requests").has("1 deliveries");
    assert_eq!(
        fal.post("/queue.fal.run/fal-ai/flux/dev/redux", &json!({ "image_url": "https://x.test/" })).await.status,
        200
    );
    assert_eq!(fal.post(&format!("/queue.fal.run/{INPAINTING}"), &inpainting()).await.status, 418);
    let number = page.text.split("name=\"number\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    post(&fal, "/faults/remove", &format!("number={number}")).await;
    assert_eq!(fal.post(&format!("/queue.fal.run/{INPAINTING}"), &inpainting()).await.status, 200);
    post(&fal, "/faults/clear", "").await;
    assert_eq!(fal.pending_faults(), 0);
    get(&fal, "/faults").await.has("No faults");

    for invalid in [
        "",
        "kind=respond",
        &form("x"),
        &form("-1"),
        &form("1").replace("418", "999"),
        &form("1").replace("wait=0", "wait=-1"),
    ] {
        assert_eq!(post(&fal, "/faults/add", invalid).await.status, 400, "{invalid}");
    }
    for (path, form) in [("switch", "switch=x"), ("webhook", "webhook=x"), ("remove", "number=x")] {
        assert_eq!(post(&fal, &format!("/faults/{path}"), form).await.status, 400);
    }
    assert_eq!(post(&fal, "/faults/other", "").await.status, 404);
}

#[tokio::test]
async fn faults_of_tests_are_listed() {
    let fal = Fal::instant().await;
    fal.inject_fault(Operation::Meta, Fault::respond(500).on("fal-ai/flux/dev").nth(3));
    fal.inject_fault(Operation::Submit, Fault::none().delay(Duration::from_millis(1500)).times(u64::MAX));
    get(&fal, "/faults").await.has("request number 3").has("fal-ai/flux/dev").has("after 1.5 s").has("Meta");
}
