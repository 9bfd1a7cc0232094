//! Presigned POST uploads to a bucket.

use std::fmt::Write;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fal_emulator::Operation;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::fal::Fal;

const BUCKET: &str = "/fox.s3.eu-west-1.amazonaws.com/";

/// Returns a policy as the field of a form.
fn policy(conditions: &Value) -> String {
    BASE64_STANDARD.encode(json!({ "expiration": "2999-01-02T03:04:05.000Z", "conditions": conditions }).to_string())
}

fn usual() -> Value {
    json!([
        { "bucket": "fox" },
        ["starts-with", "$key", "in/"],
        ["starts-with", "$Content-Type", "image/"],
        ["content-length-range", 2, 10],
        ["eq", "$success_action_status", "201"],
    ])
}

fn fields(conditions: &Value) -> Vec<(&'static str, String)> {
    let usual = [
        ("key", "in/${filename}"),
        ("Content-Type", "image/png"),
        ("success_action_status", "201"),
        ("x-amz-signature", "0a"),
    ];
    let mut fields: Vec<_> = usual.map(|(name, value)| (name, value.to_owned())).into();
    fields.push(("policy", policy(conditions)));
    fields
}

async fn post(fal: &Fal, path: &str, fields: &[(&str, String)], file: Option<&str>) -> Response {
    let mut body = String::new();
    for (name, value) in fields {
        write!(body, "--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").unwrap();
    }
    if let Some(bytes) = file {
        let header = "Content-Disposition: form-data; name=\"file\"; filename=\"a & b.png\"";
        write!(body, "--x\r\n{header}\r\nContent-Type: text/plain\r\n\r\n{bytes}\r\n").unwrap();
    }
    body.push_str("--x--\r\n");
    let request = fal.http.post(format!("{}{path}", fal.base_url()));
    request.header("content-type", "multipart/form-data; boundary=x").body(body).send().await.unwrap()
}

/// Returns the status and the code of an error.
async fn error(response: Response) -> (u16, String) {
    assert_eq!(response.headers()["content-type"], "application/xml");
    let (status, text) = (response.status().as_u16(), response.text().await.unwrap());
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).unwrap().0;
    (status, code.to_owned())
}

#[tokio::test]
async fn uploaded_object_is_read() {
    let fal = Fal::instant().await;
    let created = post(&fal, BUCKET, &fields(&usual()), Some("pixels")).await;
    assert_eq!(created.status(), 201);
    let (etag, location) = (created.headers()["etag"].clone(), created.headers()["location"].clone());
    let location = location.to_str().unwrap().to_owned();
    assert_eq!(location, format!("{}{BUCKET}in/a%20%26%20b.png", fal.base_url()));
    let text = created.text().await.unwrap();
    assert!(text.contains("<Bucket>fox</Bucket><Key>in/a &amp; b.png</Key>"), "{text}");

    let object = fal.http.get(&location).send().await.unwrap();
    assert_eq!(
        (object.headers()["etag"].clone(), &object.headers()["content-type"]),
        (etag, &"image/png".parse().unwrap())
    );
    assert_eq!(object.text().await.unwrap(), "pixels");
    assert_eq!(fal.files()[0].name(), "a & b.png");
    assert_eq!(fal.requests()[0].operation(), Operation::PostObject);
}

#[tokio::test]
async fn form_says_how_success_is_told() {
    let fal = Fal::instant().await;
    let conditions = json!([["starts-with", "$key", ""], ["starts-with", "$success_action_redirect", ""]]);
    let common = [("x-amz-signature", "0a".to_owned()), ("policy", policy(&conditions)), ("key", "a/b".to_owned())];
    let plain = post(&fal, "/s3.eu-west-1.amazonaws.com/a.fox", &common, Some("x")).await;
    assert_eq!(plain.status(), 204);
    let location = plain.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(location, format!("{}/s3.eu-west-1.amazonaws.com/a.fox/a/b", fal.base_url()));
    assert_eq!(fal.http.get(location).send().await.unwrap().headers()["content-type"], "binary/octet-stream");

    let mut with_page = common.to_vec();
    with_page.push(("success_action_redirect", "https://shop.test/done?x=1".to_owned()));
    let no_redirect = reqwest::redirect::Policy::none();
    let http = reqwest::Client::builder().no_proxy().redirect(no_redirect).build().unwrap();
    let fal = Fal { emulator: fal.emulator, http };
    let redirect = post(&fal, BUCKET, &with_page, Some("x")).await;
    assert_eq!(redirect.status(), 303);
    let page = redirect.headers()["location"].to_str().unwrap();
    assert!(page.starts_with("https://shop.test/done?x=1&bucket=fox&key=a%2Fb&etag=%22"), "{page}");
}

#[tokio::test]
async fn forms_that_break_their_policy_are_refused() {
    let fal = Fal::instant().await;
    let refused = async |fields: &[(&str, String)], file| error(post(&fal, BUCKET, fields, file).await).await;
    let with = |name: &'static str, value: &str| {
        let mut fields = fields(&usual());
        fields.retain(|(field, _)| *field != name);
        fields.push((name, value.to_owned()));
        fields
    };
    let denied = (403, "AccessDenied".to_owned());
    assert_eq!(refused(&with("key", "out/x"), Some("pixels")).await, denied);
    assert_eq!(refused(&with("Content-Type", "text/html"), Some("pixels")).await, denied);
    assert_eq!(refused(&with("acl", "public-read"), Some("pixels")).await, denied);
    assert_eq!(refused(&fields(&json!([{ "bucket": "hen" }])), Some("pixels")).await, denied);
    assert_eq!(refused(&fields(&usual()), Some("12345678901")).await, (400, "EntityTooLarge".to_owned()));
    assert_eq!(refused(&fields(&usual()), Some("1")).await, (400, "EntityTooSmall".to_owned()));
    let invalid = (400, "InvalidPolicyDocument".to_owned());
    for document in ["p", "bnVsbA==", "e30="] {
        assert_eq!(refused(&with("policy", document), Some("pixels")).await, invalid, "{document}");
    }
    for conditions in [json!({}), json!([1]), json!([["near", "$key", "a"]]), json!([{ "a": "1", "b": "2" }])] {
        assert_eq!(refused(&fields(&conditions), Some("pixels")).await, invalid, "{conditions}");
    }
    let without = |name: &str| fields(&usual()).into_iter().filter(|(field, _)| *field != name).collect::<Vec<_>>();
    assert_eq!(refused(&without("policy"), Some("pixels")).await, denied);
    for fields in [without("key"), without("x-amz-signature"), with("key", "")] {
        assert_eq!(refused(&fields, Some("pixels")).await, (400, "InvalidArgument".to_owned()));
    }
    assert_eq!(refused(&fields(&usual()), None).await, (400, "InvalidArgument".to_owned()));
    fal.advance_time(Duration::from_secs(90 * 365 * 86_400));
    assert_eq!(fal.files().len(), 0);
}

#[tokio::test]
async fn expired_policy_is_refused() {
    let fal = Fal::instant().await;
    let document = json!({ "expiration": "2001-01-02T03:04:05Z", "conditions": [] });
    let mut fields = fields(&json!([]));
    fields.retain(|(name, _)| *name != "policy");
    fields.push(("policy", BASE64_STANDARD.encode(document.to_string())));
    let response = post(&fal, BUCKET, &fields, Some("x")).await;
    assert_eq!(response.status(), 403);
    assert!(response.text().await.unwrap().contains("Policy expired."));
}

#[tokio::test]
async fn other_posts_to_a_bucket_are_refused() {
    let fal = Fal::instant().await;
    let json = fal.http.post(format!("{}{BUCKET}", fal.base_url())).json(&json!({})).send().await.unwrap();
    assert_eq!(error(json).await, (412, "PreconditionFailed".to_owned()));
    let malformed = fal.http.post(format!("{}{BUCKET}", fal.base_url()));
    let malformed =
        malformed.header("content-type", "multipart/form-data; boundary=x").body("--y").send().await.unwrap();
    assert_eq!(error(malformed).await, (400, "MalformedPOSTRequest".to_owned()));
    for path in ["/fox.s3.eu-west-1.amazonaws.com/a/b", "/s3.eu-west-1.amazonaws.com"] {
        assert_eq!(post(&fal, path, &fields(&usual()), Some("x")).await.status(), 404, "{path}");
    }
    let get = fal.anonymous(Method::GET, &format!("{BUCKET}none")).send().await.unwrap();
    assert_eq!(error(get).await, (404, "NoSuchKey".to_owned()));
}
