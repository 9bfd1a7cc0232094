//! Submitting and fetching, against scripted responses of the queue.

use std::sync::Mutex;
use std::time::Duration;

use fal_client::{Cancellation, ErrorKind, ErrorType, Job, Priority, QueueUpdate};
use serde_json::{Value, json};

use crate::support::queue::{COMPLETED, QUEUED, SUBMITTED, completed, followed, result, running, server, submitted};
use crate::support::server::Reply;

#[tokio::test]
async fn subscribe_submits_follows_and_fetches() {
    let stream = Reply::events(&[QUEUED, QUEUED, &running(""), &running("ab"), &running("c"), &completed("d")]);
    let server = server(&[submitted(), ("stream", vec![stream]), result()]).await;
    let events = Mutex::new(Vec::new());
    let response = server
        .client()
        .endpoint("fal-ai/flux/dev")
        .subscribe(json!({ "prompt": "a" }))
        .logs(true)
        .on_enqueue(|job| events.lock().expect("not poisoned").push(format!("enqueued {}", job.request_id)))
        .on_update(|update| {
            let text: String = update.logs().iter().map(|line| line.message.as_str()).collect();
            let word = match &update {
                QueueUpdate::InQueue { position, .. } => format!("queued {position:?}"),
                QueueUpdate::InProgress { .. } => format!("running {text}"),
                QueueUpdate::Completed { .. } => format!("completed {text}"),
                other => format!("{other:?}"),
            };
            events.lock().expect("not poisoned").push(word);
        })
        .await
        .expect("a result");
    assert_eq!((response.data, response.request_id.as_deref()), (json!({ "ok": 1 }), Some("R1")));
    assert_eq!(
        *events.lock().expect("not poisoned"),
        ["enqueued R1", "queued Some(2)", "running ", "running ab", "running c", "completed d"]
    );
    assert_eq!(
        server.lines(),
        [
            "POST /queue/fal-ai/flux/dev",
            "GET /queue/fal-ai/flux/requests/R1/status/stream?logs=1",
            "GET /queue/fal-ai/flux/requests/R1",
        ]
    );
    assert_eq!(server.seen()[1].header("accept"), Some("text/event-stream"));
}

#[tokio::test]
async fn the_response_has_metrics() {
    let server = server(&[submitted(), ("stream", vec![Reply::events(&[COMPLETED])]), result()]).await;
    let response = server.client().endpoint("a/b").subscribe(json!({})).await.expect("a result");
    assert_eq!(response.metrics.inference_time, Some(1.5));
    assert_eq!(server.lines()[1], "GET /queue/a/b/requests/R1/status/stream?logs=0");
}

#[tokio::test]
async fn status_result_and_cancel_need_only_the_request_id() {
    let script = [
        ("status", vec![Reply::json(202, QUEUED)]),
        ("cancel", vec![Reply::json(202, r#"{"status":"CANCELLATION_REQUESTED"}"#)]),
        result(),
    ];
    let server = server(&script).await;
    let client = server.client();
    for (id, app) in [
        ("fal-ai/flux/dev", "fal-ai/flux"),
        ("workflows/me/wf/sub", "workflows/me/wf"),
        ("comfy/me/wf", "comfy/me/wf"),
        ("110602490-lcm", "110602490/lcm"),
    ] {
        let endpoint = client.endpoint(id);
        let status = endpoint.status("R-1_a.b~").logs(true).await.expect("a status");
        assert!(matches!(status, QueueUpdate::InQueue { position: Some(2), .. }));
        endpoint.result("R1").await.expect("a result");
        assert_eq!(endpoint.cancel("R1").await.expect("a response"), Cancellation::Requested);
        let lines = server.lines();
        assert_eq!(
            lines[lines.len() - 3..],
            [
                format!("GET /queue/{app}/requests/R-1_a.b~/status?logs=1"),
                format!("GET /queue/{app}/requests/R1"),
                format!("PUT /queue/{app}/requests/R1/cancel"),
            ]
        );
    }
}

#[tokio::test]
async fn a_job_survives_a_round_trip_through_json() {
    let server = server(&[submitted(), ("stream", vec![Reply::events(&[COMPLETED])]), result()]).await;
    let job = server.client().endpoint("fal-ai/flux/dev").submit(json!({})).await.expect("a job");
    let saved = serde_json::to_string(&job).expect("JSON");
    assert_eq!(saved, r#"{"endpoint":"fal-ai/flux/dev","request_id":"R1"}"#);
    let job: Job<Value> = serde_json::from_str(&saved).expect("a job");
    let handle = server.client().resume(job);
    assert_eq!(handle.wait().await.expect("a result").data, json!({ "ok": 1 }));
    assert_eq!(handle.result().await.expect("a result").request_id.as_deref(), Some("R1"));
}

#[tokio::test]
async fn queue_options_are_sent_as_headers_and_query_parameters() {
    let server = server(&[submitted()]).await;
    let endpoint = server.client().endpoint("a/b");
    endpoint
        .submit(json!({}))
        .webhook("https://x.y/z?a=b&c=d")
        .priority(Priority::Low)
        .max_queue_length(3)
        .no_retry(true)
        .await
        .expect("a job");
    let seen = &server.seen()[0];
    assert_eq!(seen.target, "/queue/a/b?fal_webhook=https%3A%2F%2Fx.y%2Fz%3Fa%3Db%26c%3Dd&fal_max_queue_length=3");
    assert_eq!((seen.header("x-fal-queue-priority"), seen.header("x-fal-no-retry")), (Some("low"), Some("1")));
    endpoint.submit(json!({})).await.expect("a job");
    assert_eq!(server.seen()[1].header("x-fal-queue-priority"), None);
    let error = endpoint.submit(json!({})).webhook("x.y/z").await.expect_err("not a URL");
    assert_eq!((error.kind(), server.seen().len()), (ErrorKind::InvalidInput, 2));
}

#[tokio::test]
async fn a_submission_is_retried_only_after_a_429_without_max_queue_length() {
    for (first, bounded, attempts) in [
        (Reply::dropped(), false, 1),
        (Reply::json(200, "{\"request_id\"").torn(), false, 1),
        (Reply::json(503, "nginx"), false, 1),
        (Reply::json(500, "{}"), false, 1),
        (Reply::json(504, "{}"), false, 1),
        (Reply::json(429, "{}"), false, 2),
        (Reply::json(429, "{}"), true, 1),
    ] {
        let server = server(&[("submit", vec![first.clone(), Reply::json(200, SUBMITTED)])]).await;
        let endpoint = server.client().endpoint("a/b");
        let mut call = endpoint.submit(json!({}));
        if bounded {
            call = call.max_queue_length(1);
        }
        let done = call.await;
        assert_eq!((server.seen().len(), done.is_ok()), (attempts, attempts == 2), "{first:?}");
    }
}

#[tokio::test]
async fn status_result_and_cancel_are_retried_after_transient_failures() {
    for (first, attempts) in [
        (Reply::dropped(), 2),
        (Reply::json(200, "{").torn(), 2),
        (Reply::json(429, "{}"), 2),
        (Reply::json(502, "nginx"), 2),
        (Reply::json(503, "nginx"), 2),
        (Reply::json(504, "nginx"), 2),
        (Reply::json(404, r#"{"status":"NOT_FOUND"}"#), 1),
        (Reply::json(401, r#"{"detail":"no"}"#), 1),
    ] {
        for name in ["status", "result", "cancel"] {
            let last = Reply::json(200, COMPLETED);
            let server = server(&[(name, vec![first.clone(), last])]).await;
            let endpoint = server.client().endpoint("a/b");
            match name {
                "status" => drop(endpoint.status("R1").await),
                "result" => drop(endpoint.result("R1").await),
                _ => drop(endpoint.cancel("R1").await),
            }
            assert_eq!(server.seen().len(), attempts, "{name}: {first:?}");
        }
    }
}

#[tokio::test]
async fn a_failure_of_the_model_is_not_retried() {
    for status in [500, 502, 503, 504, 422] {
        let reply = Reply::json(status, r#"{"detail":"the model failed"}"#).header("x-fal-request-id", "R1");
        let server = server(&[("result", vec![reply])]).await;
        let error = server.client().endpoint("a/b").result("R1").await.expect_err("a failure");
        assert_eq!((server.seen().len(), error.request_id()), (1, Some("R1")), "{status}");
    }
}

#[tokio::test]
async fn a_failed_request_is_an_error_with_type_ids_and_fields() {
    let failed = r#"{"status":"COMPLETED","error":"Invalid status code: 422","error_type":"bad_request"}"#;
    let body = r#"{"detail":[{"loc":["body","prompt"],"msg":"no","type":"content_policy_violation"}]}"#;
    let script = [submitted(), ("stream", vec![Reply::events(&[failed])]), ("result", vec![Reply::json(422, body)])];
    let server = server(&script).await;
    let (_, outcome) = followed(&server).await;
    let error = outcome.expect_err("a failure");
    assert_eq!(error.error_type(), Some(&ErrorType::ContentPolicyViolation));
    assert_eq!((error.request_id(), error.endpoint()), (Some("R1"), Some("fal-ai/flux/dev")));
    assert_eq!(error.field_errors()[0].path(), "prompt");
}

#[tokio::test]
async fn the_last_of_an_option_and_its_header_wins() {
    let server = server(&[submitted()]).await;
    let endpoint = server.client().endpoint("a/b");
    let (name, minute) = ("X-Fal-Request-Start-Timeout", Duration::from_secs(60));
    endpoint.submit(json!({})).header(name, "10").header("x-a", "b").start_timeout(minute).await.expect("a job");
    endpoint.submit(json!({})).start_timeout(minute).header(name, "10").await.expect("a job");
    endpoint.submit(json!({})).tags([("a", "b")]).tags([("c", "d")]).await.expect("a job");
    endpoint.submit(json!({})).tags([("a", "b")]).tags(Vec::<(String, String)>::new()).await.expect("a job");
    let seen = server.seen();
    let header = |index: usize, name: &str| seen[index].header(name).map(str::to_owned);
    assert_eq!(
        (header(0, "x-fal-request-start-timeout").as_deref(), header(0, "x-a").as_deref()),
        (Some("60"), Some("b"))
    );
    assert_eq!(header(1, "x-fal-request-start-timeout").as_deref(), Some("10"));
    assert_eq!((header(2, "x-fal-tags").as_deref(), header(3, "x-fal-tags")), (Some("c=d"), None));
}

#[tokio::test]
async fn job_of_another_endpoint_is_rejected_and_nothing_is_sent() {
    let server = server(&[]).await;
    let client = server.client();
    let job: Job<Value> = Job::new("fal-ai/flux/dev/redux", "R1");
    let handle = client.endpoint("fal-ai/flux/dev");
    let expected = "the job belongs to the endpoint fal-ai/flux/dev/redux, not to fal-ai/flux/dev: use a handle of \
                    fal-ai/flux/dev/redux";
    let errors = [
        handle.resume(job.clone()).expect_err("another endpoint"),
        handle.wait(&job).await.expect_err("another endpoint"),
        handle.result(&job).await.expect_err("another endpoint"),
        handle.cancel(job.clone()).await.expect_err("another endpoint"),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::EndpointId);
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert_eq!(server.lines(), [""; 0]);
}

#[tokio::test]
async fn job_of_the_handles_endpoint_is_resumed() {
    let server = server(&[("stream", vec![Reply::events(&[COMPLETED])]), result()]).await;
    let handle = server.client().endpoint("a/b/c");
    let response = handle.resume(Job::new("a/b/c", "R1")).expect("a job of it").wait().await.expect("a result");
    assert_eq!(response.data, json!({ "ok": 1 }));
}
