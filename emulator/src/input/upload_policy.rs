//! The upload policy in the header `x-app-fal-upload-policy`: a presigned POST to a bucket in S3, to which fal uploads the
//! files of an output. The rules are those of fal's own server.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

pub(crate) const HEADER: &str = "x-app-fal-upload-policy";

const PLACEHOLDER: &str = "${filename}";
const MAX_URL_CHARS: usize = 2048;

/// A valid policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UploadPolicy {
    /// The host and the path of the bucket, without slashes at the end. The emulator serves the bucket at this path.
    bucket: String,
    /// The template of a file's key.
    key: String,
}

impl UploadPolicy {
    /// Parses the value of the header. The error is the detail of fal's response.
    pub(crate) fn parse(header: &[u8]) -> Result<Self, String> {
        // Headers are Latin-1.
        let header: String = header.iter().map(|byte| char::from(*byte)).collect();
        let invalid = |reason: String| format!("Invalid {HEADER} {reason}");
        let policy: Value =
            serde_json::from_str(&header).map_err(|error| invalid(format!("header: not valid JSON ({error})")))?;
        let policy = policy.as_object().ok_or_else(|| invalid("header: expected a JSON object".to_owned()))?;
        let url = policy.get("url").and_then(Value::as_str);
        let url = url.ok_or_else(|| invalid("header: must contain string 'url'".to_owned()))?;
        let fields = policy.get("fields").and_then(Value::as_object);
        let fields = fields.ok_or_else(|| invalid("header: must contain object 'fields'".to_owned()))?;
        let bucket = bucket(url).map_err(|reason| invalid(format!("'url': {reason}")))?;
        let key = key(fields).map_err(|reason| invalid(format!("header: {reason}")))?;
        Ok(UploadPolicy { bucket, key: key.to_owned() })
    }

    /// Returns the path of a file: the host, the bucket and the key.
    pub(crate) fn path(&self, unique: &str, file_name: &str) -> String {
        format!("{}/{}", self.bucket, self.key.replace(PLACEHOLDER, &format!("{unique}-{file_name}")))
    }
}

/// Returns the host and the path of a bucket.
pub(crate) fn bucket(url: &str) -> Result<String, &'static str> {
    if url.chars().count() > MAX_URL_CHARS {
        return Err("longer than 2048 characters");
    }
    if url.contains(|c: char| c.is_control() || matches!(c, ' ' | '\u{2028}' | '\u{2029}')) {
        return Err("must not contain control characters or spaces");
    }
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, address) = authority.rsplit_once('@').map_or((None, authority), |(user, address)| (Some(user), address));
    let (name, port) = address.rsplit_once(':').unwrap_or((address, "443"));
    let host = name.to_ascii_lowercase();
    let host = host.trim_end_matches('.');
    let in_host = match s3(host) {
        Some(in_host) if scheme.eq_ignore_ascii_case("https") => in_host,
        _ => return Err("must be an HTTPS S3 upload URL"),
    };
    if !matches!(port, "443" | "") {
        return Err("this port is not allowed");
    }
    if user.is_some_and(|user| !user.is_empty()) {
        return Err("must not contain credentials");
    }
    if path.contains(['?', '#']) {
        return Err("must not have a query or fragment");
    }
    let decoded = percent_decode_str(path).decode_utf8_lossy().replace('\\', "/");
    let inner = decoded.strip_prefix('/').unwrap_or(&decoded);
    let inner = if path.ends_with('/') { inner.strip_suffix('/').unwrap_or(inner) } else { inner };
    let segments: Vec<&str> =
        if inner.is_empty() && decoded.len() < 2 { Vec::new() } else { inner.split('/').collect() };
    if segments.iter().any(|segment| matches!(*segment, "." | "..")) {
        return Err("must not contain '.' or '..' path segments");
    }
    if segments.contains(&"") {
        return Err("must not contain empty path segments");
    }
    match (in_host, &segments[..]) {
        (InHost::Bucket, []) => Ok(host.to_owned()),
        (InHost::DottedBucket, _) => Err("the bucket contains a dot, so it must be addressed path style"),
        (InHost::NoBucket, [bucket]) => Ok(format!("{host}/{bucket}")),
        (InHost::NoBucket, []) => Err("must name a bucket, either in the host or as the first path segment"),
        _ => Err("must point at the bucket root"),
    }
}

/// The bucket in a host of S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InHost {
    NoBucket,
    Bucket,
    DottedBucket,
}

/// Returns whether a host is one of S3.
pub(crate) fn is_s3(host: &str) -> bool {
    s3(host).is_some()
}

/// Returns where a host of S3 has the bucket, or `None` for any other host.
fn s3(host: &str) -> Option<InHost> {
    let name = [".amazonaws.com", ".amazonaws.com.cn"].iter().find_map(|domain| host.strip_suffix(domain))?;
    let labels: Vec<&str> = name.split('.').collect();
    let is_label =
        |label: &&str| !label.is_empty() && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if !labels.iter().all(is_label) {
        return None;
    }
    // An endpoint has at most three labels. The shortest one leaves the longest bucket.
    let start = (labels.len().saturating_sub(3)..labels.len()).rev().find(|start| is_endpoint(&labels[*start..]))?;
    let (bucket, endpoint) = labels.split_at(start);
    if endpoint.iter().any(|label| label.split('-').any(|word| word == "vpce")) {
        return None;
    }
    Some(match bucket {
        [] => InHost::NoBucket,
        [bucket, ..] if bucket.starts_with('-') => return None,
        [_] => InHost::Bucket,
        [_, "mrap", "accesspoint"] if host.ends_with(".s3-global.amazonaws.com") => InHost::Bucket,
        [_, _] if endpoint[0] == "s3-outposts" && endpoint.len() > 1 => InHost::Bucket,
        _ => InHost::DottedBucket,
    })
}

fn is_endpoint(labels: &[&str]) -> bool {
    const QUALIFIERS: [&str; 7] =
        ["dualstack", "accelerate", "accesspoint", "object-lambda", "outposts", "fips", "website"];
    let is_plain = |label: &str| label == "s3" || label.strip_prefix("s3express-").is_some_and(|zone| !zone.is_empty());
    let is_qualified = |label: &str| label.strip_prefix("s3-").is_some_and(|after| QUALIFIERS.contains(&after));
    match labels {
        [one] => is_plain(one) || one.strip_prefix("s3-").is_some_and(|region| !region.is_empty()),
        [first, _] => is_plain(first) || is_qualified(first),
        [first, second, _] => is_plain(first) && QUALIFIERS.contains(second),
        _ => false,
    }
}

/// Returns the template of the key, once all fields are valid.
fn key(fields: &Map<String, Value>) -> Result<&str, String> {
    let mut reserved: Vec<(String, &String, &Value)> = Vec::new();
    for (name, value) in fields {
        let folded = fold(name);
        let is_reserved = matches!(folded.as_str(), "key" | "content-type");
        let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        if value.is_object() || is_reserved && !value.is_string() {
            return Err(format!("fields.{name:?} must be a string"));
        }
        if items.iter().any(|item| item.is_object() || item.is_array()) {
            return Err(format!("fields.{name:?} must not contain nested values"));
        }
        if is_reserved {
            reserved.push((folded, name, value));
        }
    }
    for wanted in ["key", "content-type"] {
        let found: Vec<_> = reserved.iter().filter(|(folded, ..)| folded == wanted).collect();
        let agree = wanted == "content-type" && found.windows(2).all(|pair| pair[0].2 == pair[1].2);
        if found.len() > 1 && !agree {
            return Err(format!("duplicate '{wanted}' fields"));
        }
    }
    let key = fields.get("key").and_then(Value::as_str).filter(|key| key.contains(PLACEHOLDER));
    let key = key.ok_or_else(|| format!("fields.key must contain '{PLACEHOLDER}'"))?;
    if key.starts_with('/') || key.split('/').any(|segment| segment == "." || segment == "..") {
        return Err("fields.key must not start with '/' or contain '.' or '..' path segments".to_owned());
    }
    for (folded, name, value) in &reserved {
        let has_control = |text: &str| text.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'));
        if folded == "content-type" && value.as_str().is_some_and(has_control) {
            return Err("content type contains a control character".to_owned());
        }
        if name.to_lowercase() != *folded {
            return Err(format!("fields.{name:?} reads as '{folded}' but S3 would not treat it as that field"));
        }
    }
    Ok(key)
}

/// Folds the name of a field: upper case, surrounding spaces and invisible characters do not count. Unlike fal, the
/// emulator does not fold compatible characters.
fn fold(name: &str) -> String {
    const INVISIBLE: [char; 8] =
        ['\u{ad}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{2060}', '\u{feff}'];
    name.replace(INVISIBLE, "").trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str, fields: &str) -> Result<UploadPolicy, String> {
        UploadPolicy::parse(format!(r#"{{"url":"{url}","fields":{fields}}}"#).as_bytes())
    }

    const KEY: &str = r#"{"key":"a b/${filename}"}"#;

    #[test]
    fn buckets_are_found_in_the_host_or_the_path() {
        for (url, bucket) in [
            ("https://b.s3.eu-west-1.amazonaws.com/", "b.s3.eu-west-1.amazonaws.com"),
            ("https://B.s3.amazonaws.com.:443", "b.s3.amazonaws.com"),
            ("https://b.s3-eu-west-1.amazonaws.com", "b.s3-eu-west-1.amazonaws.com"),
            ("https://b.s3.dualstack.eu-west-1.amazonaws.com", "b.s3.dualstack.eu-west-1.amazonaws.com"),
            ("https://b.s3-accelerate.amazonaws.com", "b.s3-accelerate.amazonaws.com"),
            ("https://b.s3.cn-north-1.amazonaws.com.cn", "b.s3.cn-north-1.amazonaws.com.cn"),
            ("https://b.s3express-use1-az4.us-east-1.amazonaws.com", "b.s3express-use1-az4.us-east-1.amazonaws.com"),
            ("https://s3.eu-west-1.amazonaws.com/a.b/", "s3.eu-west-1.amazonaws.com/a.b"),
            ("https://a.mrap.accesspoint.s3-global.amazonaws.com", "a.mrap.accesspoint.s3-global.amazonaws.com"),
            ("https://a.op.s3-outposts.us-east-1.amazonaws.com", "a.op.s3-outposts.us-east-1.amazonaws.com"),
        ] {
            let policy = parse(url, KEY).expect(url);
            assert_eq!(policy.path("u", "fox.png"), format!("{bucket}/a b/u-fox.png"));
        }
    }

    #[test]
    fn invalid_policies_are_refused() {
        for url in [
            "http://b.s3.amazonaws.com",
            "https://b.s3.amazonaws.com:8443",
            "https://u:p@b.s3.amazonaws.com",
            "https://b.s3.amazonaws.com/?a",
            "https://b.s3.amazonaws.com/#a",
            "https://b.s3.amazonaws.com/ ",
            "https://a.b.s3.amazonaws.com",
            "https://a.mrap.accesspoint.s3-global.amazonaws.com.cn",
            "https://b.s3.amazonaws.com/a",
            "https://s3.amazonaws.com",
            "https://s3.amazonaws.com/a/b",
            "https://s3.amazonaws.com//a",
            "https://s3.amazonaws.com/%2e%2e",
            "https://s3.amazonaws.com/a%2f",
            "https://s3-vpce.amazonaws.com/a",
            "https://b.s3.us-east-1.vpce.amazonaws.com",
            "https://b.r2.cloudflarestorage.com",
            "https://amazonaws.com/a",
            "https://b.s3.amazonaws.com.evil.test",
        ] {
            assert!(parse(url, KEY).is_err(), "{url}");
        }
        for fields in [
            "[]",
            "{}",
            r#"{"key":"a"}"#,
            r#"{"key":1}"#,
            r#"{"Key":"${filename}"}"#,
            r#"{"key":"/${filename}"}"#,
            r#"{"key":"../${filename}"}"#,
            r#"{"key":"${filename}","KEY":"${filename}"}"#,
            r#"{"key":"${filename}"," key":"x"}"#,
            r#"{"key":"${filename}","a":{}}"#,
            r#"{"key":"${filename}","a":[[]]}"#,
            r#"{"key":"${filename}","Content-Type":"a\nb"}"#,
            r#"{"key":"${filename}","Content-Type":"a/b","content-type":"c/d"}"#,
        ] {
            let error = parse("https://b.s3.amazonaws.com", fields).expect_err(fields);
            assert!(error.starts_with("Invalid x-app-fal-upload-policy "), "{error}");
        }
        for header in ["", "1", "{", r#"{"fields":{}}"#] {
            assert!(UploadPolicy::parse(header.as_bytes()).is_err(), "{header}");
        }
    }
}
