//! The upload policy for outputs in a caller's own S3 bucket.

use std::collections::BTreeMap;
use std::fmt;

use http::HeaderValue;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer, Serialize};

use super::s3_host::S3Host;
use crate::text::{is_sensitive, learn_signed, shown};
use crate::transport::is_object_of;

/// Maximum characters of the URL that fal accepts.
const MAX_URL: usize = 2048;

/// The placeholder that fal replaces by the name of each file.
const FILE_NAME: &str = "${filename}";

/// A presigned POST to an S3 bucket of yours, to which fal uploads the files of an output. Set with
/// [`Subscribe::output_to`](crate::Subscribe::output_to) and its siblings.
///
/// It has the form of what boto3's `generate_presigned_post()` returns, and can be parsed from it:
///
/// ```
/// use fal_client::S3Post;
///
/// # fn main() -> Result<(), serde_json::Error> {
/// let post: S3Post = serde_json::from_str(
///     r#"{
///         "url": "https://my-outputs.s3.eu-west-1.amazonaws.com/",
///         "fields": { "key": "foxes/${filename}", "policy": "eyJleHBp…", "x-amz-signature": "5f3c…" }
///     }"#,
/// )?;
/// assert!(post.contains("https://my-outputs.s3.eu-west-1.amazonaws.com/foxes/0f-fox.png"));
/// # Ok(())
/// # }
/// ```
///
/// A call checks these rules of fal's before anything is sent:
///
/// - `url` is an https URL of an S3 bucket on `amazonaws.com` or `amazonaws.com.cn`, with the bucket in the host
///   (`https://BUCKET.s3.REGION.amazonaws.com/`) or in the path (`https://s3.REGION.amazonaws.com/BUCKET`). Other services
///   (R2, Google, MinIO) and PrivateLink hosts (`vpce`) are not possible. A bucket whose name has a dot goes into the path.
/// - `fields` has a `key` with the text `${filename}`, which fal replaces by a unique prefix and the name of the file. The key
///   does not begin with `/`, and has no segment `.` or `..`.
/// - Leave `Content-Type` out of `fields`: it would have to equal the type of every file.
///
/// fal uploads in the background, after it has returned the output. A file is missing for a while, or for good if its upload
/// fails, for example because the policy has expired or does not allow the size. Downloads wait for such files:
/// see [`Download::wait_for_upload`](crate::Download::wait_for_upload).
///
/// Serialization includes the signature. `Debug`, errors and events do not.
///
/// Source: fal's page "Custom output storage", and the package `fal` (`toolkit/file/_upload_policy.py`).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3Post {
    /// The URL of the bucket.
    pub url: String,
    /// The form fields, such as `key`, `policy` and `x-amz-signature`.
    #[serde(deserialize_with = "fields")]
    pub fields: BTreeMap<String, String>,
}

impl S3Post {
    /// Returns true if a URL is that of an object in the bucket.
    pub fn contains(&self, url: impl AsRef<str>) -> bool {
        is_object_of(&self.url, url.as_ref())
    }

    /// Checks fal's rules. The error says what to change.
    pub(crate) fn check(&self) -> Result<(), String> {
        check_url(&self.url)?;
        self.check_fields()
    }

    fn check_fields(&self) -> Result<(), String> {
        for (name, value) in &self.fields {
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(format!(
                    "the field {name:?} is not a form field of S3: use printable ASCII without spaces"
                ));
            }
            let is_type = name.eq_ignore_ascii_case("content-type");
            if is_type && value.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
                return Err(format!("the field `{name}` has a control character: leave the field out"));
            }
        }
        for name in ["key", "content-type"] {
            let found: Vec<&str> =
                self.fields.keys().filter(|found| found.eq_ignore_ascii_case(name)).map(String::as_str).collect();
            match found[..] {
                [one] if name == "key" && one != "key" => {
                    return Err(format!("the field `{one}` is ignored by fal: write `key` in lower case"));
                }
                [_, _, ..] => {
                    return Err(format!("the fields `{}` are one field to S3: keep one", found.join("`, `")));
                }
                _ => {}
            }
        }
        let Some(key) = self.fields.get("key") else {
            return Err(format!("the field `key` is missing: set it to a template such as `outputs/{FILE_NAME}`"));
        };
        if !key.contains(FILE_NAME) {
            let key = shown(key);
            return Err(format!(
                "the key `{key}` has no `{FILE_NAME}`, so that files would replace each other: add it"
            ));
        }
        if key.starts_with('/') || key.split('/').any(|segment| matches!(segment, "." | "..")) {
            let key = shown(key);
            return Err(format!("the key `{key}` begins with `/` or has a segment `.` or `..`: remove it"));
        }
        Ok(())
    }

    /// Returns the value of the header. Its secrets are never printed from now on.
    pub(crate) fn header(&self) -> Result<HeaderValue, String> {
        for (name, value) in &self.fields {
            if name.eq_ignore_ascii_case("policy") || is_sensitive(name) && name != "key" {
                learn_signed(value);
            }
        }
        let json = serde_json::to_string(self).map_err(|error| error.to_string())?;
        let mut value = HeaderValue::from_str(&ascii(&json)).map_err(|error| error.to_string())?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Escapes everything but ASCII in JSON, because the service reads headers as Latin-1.
fn ascii(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        // JSON itself has escaped the other control characters.
        if c.is_ascii() && c != '\u{7f}' {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    escaped
}

/// The URL is checked as it is written, because parsers repair what fal refuses.
fn check_url(url: &str) -> Result<(), String> {
    if url.chars().count() > MAX_URL {
        return Err(format!("the URL is longer than {MAX_URL} characters: use the URL of the bucket"));
    }
    let is_forbidden = |c: char| c.is_control() || c == ' ' || matches!(c, '\u{2028}' | '\u{2029}');
    if url.chars().any(is_forbidden) {
        return Err("the URL has a space or a control character: remove it".to_owned());
    }
    let Some((scheme, rest)) = url.split_once("://").filter(|(scheme, _)| scheme.eq_ignore_ascii_case("https")) else {
        return Err("the URL does not begin with `https://`: use the https URL of an S3 bucket".to_owned());
    };
    if rest.contains(['?', '#']) {
        return Err("the URL has a query or a fragment: remove it".to_owned());
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err(format!("the URL has credentials: begin it with `{scheme}://` and the host"));
    }
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    if !matches!(port, "" | "443") {
        return Err(format!("the URL has the port {}: leave it out", shown(port)));
    }
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let s3 = S3Host::parse(&host)?;
    check_path(path, &s3)
}

/// Checks that the path is that of the bucket, and not of an object.
fn check_path(path: &str, s3: &S3Host<'_>) -> Result<(), String> {
    let decoded = percent_decode_str(path).decode_utf8_lossy().replace('\\', "/");
    let mut segments: Vec<&str> = decoded.split('/').skip(1).collect();
    // A slash that is written as such may end the path. fal removes it.
    if path.ends_with('/') {
        segments.pop();
    }
    if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
        return Err("the path of the URL has an empty segment, `.` or `..`: use the URL of the bucket".to_owned());
    }
    match (s3.bucket, segments.len()) {
        (Some(_), 0) | (None, 1) => Ok(()),
        (None, 0) => Err("the URL names no bucket: put it into the host or the path".to_owned()),
        _ => Err("the URL leads below the bucket: remove the path, and put it into the field `key`".to_owned()),
    }
}

/// Accepts scalars as fields, because a policy may have numbers. Their form value is their text.
fn fields<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a string, a number, a boolean or null")]
    enum Scalar {
        Text(String),
        Boolean(bool),
        Number(serde_json::Number),
        Null(()),
    }

    let fields = BTreeMap::<String, Scalar>::deserialize(deserializer)?;
    let text = |scalar| match scalar {
        Scalar::Text(text) => text,
        Scalar::Boolean(boolean) => boolean.to_string(),
        Scalar::Number(number) => number.to_string(),
        Scalar::Null(()) => String::new(),
    };
    Ok(fields.into_iter().map(|(name, scalar)| (name, text(scalar))).collect())
}

/// Shows the URL, the key and the names of the other fields.
impl fmt::Debug for S3Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.fields.keys().map(|name| shown(name)).collect();
        f.debug_struct("S3Post")
            .field("url", &shown(&self.url))
            .field("key", &self.fields.get("key").map(|key| shown(key)))
            .field("fields", &names)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(url: &str, fields: &[(&str, &str)]) -> S3Post {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        S3Post { url: url.to_owned(), fields }
    }

    #[test]
    fn urls_of_buckets_are_accepted() {
        for url in [
            "https://my-bucket.s3.eu-west-1.amazonaws.com/",
            "https://my-bucket.s3.eu-west-1.amazonaws.com",
            "https://MY-bucket.S3.amazonaws.com:443/",
            "https://my-bucket.s3-eu-west-1.amazonaws.com/",
            "https://my-bucket.s3.dualstack.eu-west-1.amazonaws.com/",
            "https://my-bucket.s3-accelerate.amazonaws.com/",
            "https://my-bucket.s3.cn-north-1.amazonaws.com.cn/",
            "https://b--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com/",
            "https://s3.eu-west-1.amazonaws.com/my-bucket",
            "https://s3.eu-west-1.amazonaws.com/my.bucket/",
            "https://s3.amazonaws.com/my-bucket",
            "https://vpce-logs.s3.eu-west-1.amazonaws.com/",
            "https://point.mrap.accesspoint.s3-global.amazonaws.com/",
            "https://alias.op-1.s3-outposts.us-east-1.amazonaws.com/",
        ] {
            assert_eq!(check_url(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn other_urls_are_refused() {
        let long = format!("https://{}.s3.amazonaws.com/", "x".repeat(2048));
        for (url, words) in [
            ("http://b.s3.amazonaws.com/", "https://"),
            ("s3://b/", "https://"),
            ("b.s3.amazonaws.com", "https://"),
            ("", "https://"),
            ("https://b.s3.amazonaws.com:8443/", "port 8443"),
            ("https://key:secret@b.s3.amazonaws.com/", "credentials"),
            ("https://b.s3.amazonaws.com/?a=b", "query"),
            ("https://b.s3.amazonaws.com/#a", "fragment"),
            ("https://b.s3.amazonaws.com /", "space"),
            ("https://b.s3.amazon\taws.com/", "control character"),
            ("https://b.s3.amazonaws.com/\u{2028}", "control character"),
            (&long, "longer than"),
            ("https://storage.googleapis.com/b", "not an S3 host"),
            ("https://b.account.r2.cloudflarestorage.com/", "not an S3 host"),
            ("https://127.0.0.1/b", "not an S3 host"),
            ("https://b.s3.amazonaws.com.evil.test/", "not an S3 host"),
            ("https://evilamazonaws.com/b", "not an S3 host"),
            ("https://amazonaws.com/b", "not an S3 host"),
            ("https://b.ec2.amazonaws.com/", "not an S3 host"),
            ("https://b.s3.a.b.c.amazonaws.com/", "not an S3 host"),
            ("https://%62.s3.amazonaws.com/", "not an S3 host"),
            ("https:\\\\b.s3.amazonaws.com/", "https://"),
            ("https://bucket.vpce-1a-b.s3.us-east-1.vpce.amazonaws.com/", "S3"),
            ("https://s3-vpce.amazonaws.com/b", "PrivateLink"),
            ("https://my.bucket.s3.eu-west-1.amazonaws.com/", "dot"),
            ("https://evil.mrap.accesspoint.s3.eu-west-1.amazonaws.com/", "dot"),
            ("https://point.mrap.accesspoint.s3-global.amazonaws.com.cn/", "dot"),
            ("https://b.s3.amazonaws.com/folder", "below the bucket"),
            ("https://s3.amazonaws.com/b/folder", "below the bucket"),
            ("https://s3.amazonaws.com/", "no bucket"),
            ("https://s3.amazonaws.com", "no bucket"),
            ("https://s3.amazonaws.com//b", "empty segment"),
            ("https://s3.amazonaws.com/b//", "empty segment"),
            ("https://s3.amazonaws.com/%2fb", "empty segment"),
            ("https://s3.amazonaws.com/b%2f", "empty segment"),
            ("https://s3.amazonaws.com/a/..", "`..`"),
            ("https://s3.amazonaws.com/%2e%2e", "`..`"),
            ("https://s3.amazonaws.com/a\\..", "`..`"),
        ] {
            let error = check_url(url).expect_err(url);
            assert!(error.contains(words), "{url}: {error}");
        }
    }

    #[test]
    fn fields_need_a_key_that_is_a_template() {
        const URL: &str = "https://b.s3.amazonaws.com/";
        for fields in [
            &[("key", "${filename}")][..],
            &[("key", "outputs/${filename}"), ("Content-Type", "image/png"), ("x-amz-meta-a", "ü")],
            &[("key", "a/${filename}/.b"), ("success_action_status", "201")],
        ] {
            assert_eq!(post(URL, fields).check(), Ok(()), "{fields:?}");
        }
        for (fields, words) in [
            (&[][..], "`key` is missing"),
            (&[("Key", "${filename}")], "lower case"),
            (&[("key", "fox.png")], "no `${filename}`"),
            (&[("key", "$filename")], "no `${filename}`"),
            (&[("key", "/${filename}")], "begins with `/`"),
            (&[("key", "a/../${filename}")], "`..`"),
            (&[("key", "./${filename}")], "`.`"),
            (&[("key", "${filename}"), ("KEY", "${filename}")], "one field to S3"),
            (&[("key", "${filename}"), ("content-type", "a/b"), ("Content-Type", "a/b")], "one field to S3"),
            (&[("key", "${filename}"), ("Content-Type", "a/b\r\nx: y")], "control character"),
            (&[("key", "${filename}"), ("key ", "${filename}")], "printable ASCII"),
            (&[("key", "${filename}"), ("ke\u{200b}y", "x")], "printable ASCII"),
            (&[("key", "${filename}"), ("\u{ff4b}ey", "x")], "printable ASCII"),
        ] {
            let error = post(URL, fields).check().expect_err(words);
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn the_header_is_json_in_ascii() {
        let post = post("https://b.s3.amazonaws.com/", &[("key", "füchse/🦊\u{7f}${filename}")]);
        let header = post.header().expect("a header");
        let text = header.to_str().expect("ASCII");
        assert!(text.contains(r"f\u00fcchse/\ud83e\udd8a\u007f${filename}"), "{text}");
        assert_eq!(serde_json::from_str::<S3Post>(text).expect("JSON"), post);
        assert!(header.is_sensitive());
    }

    #[test]
    fn a_presigned_post_is_parsed() {
        let json =
            r#"{"url":"https://b.s3.amazonaws.com/","fields":{"key":"${filename}","success_action_status":201}}"#;
        let post: S3Post = serde_json::from_str(json).expect("a policy");
        assert_eq!(post.fields["success_action_status"], "201");
        let nested = r#"{"url":"https://b.s3.amazonaws.com/","fields":{"key":["${filename}"]}}"#;
        let error = serde_json::from_str::<S3Post>(nested).expect_err("nested");
        assert!(error.to_string().contains("a string, a number"), "{error}");
    }
}
