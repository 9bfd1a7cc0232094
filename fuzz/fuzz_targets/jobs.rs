//! Saved jobs that were edited. The key is only sent to fal's hosts for requests, or to the configured ones.
//!
//! `cargo +nightly fuzz run jobs`

#![no_main]

use std::sync::LazyLock;

use arbitrary::{Arbitrary, Result, Unstructured};
use fal_client::{Client, Job, fuzzing};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

#[derive(Debug)]
struct Saved(Vec<u8>);

const ENDPOINTS: &[&str] =
    &["fal-ai/flux/dev", "a/b", "workflows/a/b/c", "a", "", "../..", "a/b?c", "a/b#c", "a//b", "https://evil.test/a/b"];
const IDS: &[&str] = &["0a1b", "a/../b", "..", ".", "", "a?b", "a#b", "a@b", "a%2fb", "//evil.test", "a\\b", "a\nb"];
const URLS: &[&str] = &[
    "https://queue.fal.run/a/b/requests/0a1b",
    "https://fal.run/x",
    "http://queue.fal.run/x",
    "https://queue.fal.run:444/x",
    "https://queue.fal.run.evil.test/x",
    "https://user:password@queue.fal.run/x",
    "https://queue.fal.run@evil.test/x",
    "https://evil.test\\@queue.fal.run/x",
    "https://rest.fal.ai/tokens/",
    "https://QUEUE.FAL.RUN./x",
    "http://localhost:9/queue.fal.run/x",
    "http://localhost:9/queue.fal.run/../rest.fal.ai",
    "http://localhost:9@evil.test/",
    "http://localhost:90/queue.fal.run/x",
    "file:///etc/passwd",
    "data:text/plain,x",
    "//evil.test",
    "",
];

impl<'a> Arbitrary<'a> for Saved {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        if u.ratio(1, 20)? {
            return Ok(Saved(u.arbitrary()?));
        }
        let job = json!({
            "endpoint": text(u, ENDPOINTS)?,
            "request_id": text(u, IDS)?,
            "status_url": url(u)?,
            "response_url": url(u)?,
            "cancel_url": url(u)?,
        });
        Ok(Saved(job.to_string().into_bytes()))
    }
}

/// Returns one of `choices`, sometimes with a part replaced.
fn text(u: &mut Unstructured<'_>, choices: &[&str]) -> Result<String> {
    let mut text: Vec<char> = u.choose(choices)?.chars().collect();
    for _ in 0..u.int_in_range(0..=2)? {
        let at = u.int_in_range(0..=text.len())?;
        let end = u.int_in_range(at..=text.len().min(at + 4))?;
        let other: &str = if u.ratio(1, 3)? { u.arbitrary()? } else { u.choose(choices)? };
        text.splice(at..end, other.chars());
    }
    Ok(text.into_iter().collect())
}

fn url(u: &mut Unstructured<'_>) -> Result<Option<String>> {
    if u.ratio(1, 3)? { Ok(None) } else { text(u, URLS).map(Some) }
}

static FAL: LazyLock<Client> = LazyLock::new(|| Client::builder().key("id:secret").build().expect("a client"));
static CONFIGURED: LazyLock<Client> = LazyLock::new(|| {
    let builder = Client::builder().key("id:secret").run_host("http://localhost:9/fal.run");
    builder.queue_host("http://localhost:9/queue.fal.run").build().expect("a client")
});

fuzz_target!(|saved: Saved| {
    let Ok(job) = serde_json::from_slice::<Job<Value>>(&saved.0) else { return };
    let written = serde_json::to_string(&job).expect("JSON");
    assert!(serde_json::from_str::<Job<Value>>(&written).expect("a job") == job);
    for (client, configured) in [(&FAL, None), (&CONFIGURED, Some(("localhost", 9)))] {
        for url in fuzzing::urls(client, &job) {
            assert!(url.username().is_empty() && url.password().is_none(), "{url}");
            let host = url.host_str().expect("a host");
            let is_fal = url.scheme() == "https"
                && url.port().is_none()
                && matches!(host, "fal.run" | "queue.fal.run" | "falrun.com" | "queue.falrun.com");
            let is_configured = configured.is_some_and(|(name, port)| {
                let below = ["/fal.run", "/queue.fal.run"];
                host == name && url.port() == Some(port) && below.iter().any(|base| url.path().starts_with(base))
            });
            assert!(is_fal || is_configured, "{url}");
        }
    }
});
