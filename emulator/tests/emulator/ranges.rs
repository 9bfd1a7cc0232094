use fal_emulator::{Fault, Operation};
use reqwest::Response;

use crate::fal::{Fal, INPAINTING, inpainting};

async fn get(fal: &Fal, url: &str, headers: &[(&str, &str)]) -> Response {
    let request = headers.iter().fold(fal.http.get(url), |request, (name, value)| request.header(*name, *value));
    request.send().await.unwrap()
}

#[tokio::test]
async fn range_of_a_file_is_read() {
    let fal = Fal::instant().await;
    let url = fal.uploaded("text/plain", "0123456789").await;
    for (range, expected, content_range) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=0-99", "0123456789", "bytes 0-9/10"),
    ] {
        let part = get(&fal, &url, &[("range", range)]).await;
        assert_eq!(part.status(), 206, "{range}");
        assert_eq!(part.headers()["content-range"], content_range);
        assert_eq!(part.headers()["content-length"], expected.len().to_string());
        assert_eq!(part.headers()["content-type"], "text/plain");
        assert_eq!(part.text().await.unwrap(), expected);
    }
    for range in ["bytes=3-1", "bytes=0-1,4-5", "lines=1-2"] {
        let whole = get(&fal, &url, &[("range", range)]).await;
        assert_eq!((whole.status().as_u16(), whole.headers().get("content-range")), (200, None), "{range}");
        assert_eq!(whole.text().await.unwrap(), "0123456789");
    }
    let beyond = get(&fal, &url, &[("range", "bytes=10-")]).await;
    assert_eq!(beyond.status(), 416);
    assert_eq!(beyond.headers()["content-range"], "bytes */10");
}

#[tokio::test]
async fn range_is_ignored_if_the_file_has_changed() {
    let fal = Fal::instant().await;
    let (upload_url, file_url) = fal.initiate("fal-cdn-v3", "text/plain").await;
    let put = |body: &'static str| fal.http.put(&upload_url).header("content-type", "text/plain").body(body).send();
    put("0123456789").await.unwrap();
    let etag = get(&fal, &file_url, &[]).await.headers()["etag"].to_str().unwrap().to_owned();
    let resumed = get(&fal, &file_url, &[("range", "bytes=5-"), ("if-range", &etag)]).await;
    assert_eq!((resumed.status().as_u16(), resumed.text().await.unwrap()), (206, "56789".to_owned()));

    put("9876543210").await.unwrap();
    let other = get(&fal, &file_url, &[("range", "bytes=5-"), ("if-range", &etag)]).await;
    assert_eq!(other.status(), 200);
    assert_ne!(other.headers()["etag"], etag);
    assert_eq!(other.text().await.unwrap(), "9876543210");
}

#[tokio::test]
async fn range_of_a_generated_file_is_read() {
    let fal = Fal::instant().await;
    let output = fal.run(INPAINTING, &inpainting()).await.body;
    let url = output["images"][0]["url"].as_str().unwrap();
    let whole = get(&fal, url, &[]).await.bytes().await.unwrap();
    let part = get(&fal, url, &[("range", "bytes=100-199")]).await;
    assert_eq!(part.status(), 206);
    assert_eq!(part.bytes().await.unwrap(), whole[100..200]);
}

#[tokio::test]
async fn broken_transfer_is_resumed_unless_ranges_are_ignored() {
    let fal = Fal::instant().await;
    let url = fal.uploaded("text/plain", "0123456789").await;
    fal.inject_fault(Operation::Media, Fault::drop_response_after(4));
    let torn = get(&fal, &url, &[]).await;
    assert_eq!(torn.content_length(), Some(10));
    torn.bytes().await.unwrap_err();
    assert_eq!(get(&fal, &url, &[("range", "bytes=4-")]).await.text().await.unwrap(), "456789");

    fal.inject_fault(Operation::Media, Fault::ignore_range());
    let whole = get(&fal, &url, &[("range", "bytes=4-")]).await;
    assert_eq!((whole.status().as_u16(), whole.headers().get("accept-ranges")), (200, None));
    assert_eq!(whole.text().await.unwrap(), "0123456789");
}

#[tokio::test]
async fn copy_that_is_the_same_is_not_sent_again() {
    let fal = Fal::instant().await;
    let file = fal.add_file("a.txt", "text/plain", b"abc").unwrap();
    let get = |etag: &str| fal.http.get(file.url()).header("if-none-match", etag).send();
    let etag = fal.http.get(file.url()).send().await.unwrap().headers()["etag"].to_str().unwrap().to_owned();
    for same in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
        let reply = get(&same).await.unwrap();
        assert_eq!((reply.status().as_u16(), &reply.headers()["etag"]), (304, &etag.parse().unwrap()), "{same}");
        assert_eq!(reply.text().await.unwrap(), "");
    }
    assert_eq!(get("\"x\"").await.unwrap().text().await.unwrap(), "abc");
    let head = fal.http.head(file.url()).send().await.unwrap();
    assert_eq!((head.status().as_u16(), &head.headers()["content-length"]), (200, &"3".parse().unwrap()));
}
