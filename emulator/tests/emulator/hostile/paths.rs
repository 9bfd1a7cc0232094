use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::{assert_serves, send};
use crate::fal::{Fal, send as send_request};

const TRICKS: [&str; 20] = [
    "../../../../../../etc/passwd",
    "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%252e%252e%252f%252e%252e%252fetc%252fpasswd",
    "..\\..\\..\\etc\\passwd",
    "%5c..%5c..%5cetc%5cpasswd",
    "....//....//etc/passwd",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "uploads/../../../etc/passwd",
    "emulator/../uploads/x",
    "%00",
    "emulator/0000000000000007-8x8.png%00",
    "emulator/%000000000000007-8x8.png",
    "%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
    "%e0%80%ae%e0%80%ae/etc/passwd",
    "%ff%fe",
    "%",
    "%zz",
    "~/.ssh/id_rsa",
];

#[tokio::test]
async fn files_elsewhere_are_not_reachable() {
    let fal = Fal::instant().await;
    for folder in [
        "/v3.fal.media/files/",
        "/storage.googleapis.com/",
        "/bucket.s3.amazonaws.com/",
        "/fal.run/",
        "/queue.fal.run/fal-ai/flux/requests/",
        "/api.fal.ai/",
        "/",
    ] {
        for trick in TRICKS {
            for method in ["GET", "HEAD", "PUT", "DELETE", "POST"] {
                let head =
                    format!("{method} {folder}{trick} HTTP/1.1\r\nhost: localhost\r\nauthorization: Key a:b\r\n");
                let request = format!("{head}connection: close\r\ncontent-length: 0\r\n\r\n");
                let (status, response) = send(&fal, request.as_bytes()).await;
                assert!((400..500).contains(&status), "{method} {folder}{trick}: {response}");
                assert!(!response.contains("root:"), "{response}");
            }
        }
    }
    assert!(fal.files().is_empty() && fal.jobs().is_empty());
    assert_serves(&fal).await;
}

#[tokio::test]
async fn names_of_uploads_stay_in_their_folder() {
    let fal = Fal::instant().await;
    let token = fal.token().await;
    let long = "x".repeat(1_000);
    for name in [
        "../../../etc/passwd",
        "/etc/passwd",
        "..\\..\\windows\\win.ini",
        "C:\\a.txt",
        "a\0b",
        "a\r\nx: y",
        "..",
        ".",
        "",
        "a?b#c%2f..%2f",
        "\u{202e}gnp.exe",
        &long,
    ] {
        let path = "/rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3";
        let reply = fal.post(path, &json!({ "content_type": "text/plain", "file_name": name })).await;
        assert_eq!(reply.status, 200, "{name:?}: {reply:?}");
        let url = reply.body["file_url"].as_str().unwrap();
        let below = url.strip_prefix(&format!("{}/v3.fal.media/files/uploads/", fal.base_url())).unwrap();
        assert!(!below.contains('/') && !below.contains("%2F") && !below.contains("%5C"), "{url}");
        assert!(!below.contains("%00") && !below.contains("%0D") && !below.contains("%0A"), "{url}");
        let put = fal.http.put(reply.body["upload_url"].as_str().unwrap()).header("content-type", "text/plain");
        assert_eq!(send_request(put.body("text")).await.status, 200, "{name:?}");
        let read = fal.http.get(url).send().await.unwrap();
        assert_eq!(read.text().await.unwrap(), "text", "{name:?}");
    }
    let named = fal.upload(&token, "text/plain", "text").header("x-fal-file-name", "../../x");
    let url = send_request(named).await.body["access_url"].as_str().unwrap().to_owned();
    assert!(!url.rsplit_once("/uploads/").unwrap().1.contains('/'), "{url}");
    let metadata = json!({ "content_type": "a\r\nset-cookie: b", "file_name": "a" });
    let reply = fal.post("/rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3", &metadata).await;
    // The type is a header of the file. One that cannot be a header is not sent.
    assert!([200, 400, 422].contains(&reply.status), "{reply:?}");
}

#[tokio::test]
async fn long_and_repeated_parts_of_urls_are_served() {
    let fal = Fal::instant().await;
    let paths = [
        format!("/{}", "a/".repeat(10_000)),
        format!("/fal.run/{}", "%61".repeat(10_000)),
        format!("/queue.fal.run/a/b/requests/{}", "x".repeat(30_000)),
        format!("/v3.fal.media/files/x?{}", "a=b&".repeat(10_000)),
        format!("/v3.fal.media/files/x?{}", "%".repeat(10_000)),
        "/api.fal.ai/v1/models?limit=99999999999999999999&cursor=%00".to_owned(),
    ];
    let statuses = join_all(paths.iter().map(async |path| send_request(fal.request(Method::GET, path)).await.status));
    for status in statuses.await {
        assert!((200..500).contains(&status), "{status}");
    }
    assert_serves(&fal).await;
}
