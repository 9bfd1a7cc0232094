//! The hosts of S3: `[BUCKET.]s3[.QUALIFIER][.REGION].amazonaws.com`.

/// Parts of the names of S3's endpoints between the service and the region.
const QUALIFIERS: [&str; 7] =
    ["dualstack", "accelerate", "accesspoint", "object-lambda", "outposts", "fips", "website"];

/// A host of S3, with the bucket if the host has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct S3Host<'a> {
    pub(super) bucket: Option<&'a str>,
}

impl<'a> S3Host<'a> {
    /// Parses a host in lower case. The error says what to change.
    pub(super) fn parse(host: &'a str) -> Result<Self, String> {
        let shown = crate::text::shown(host);
        let not_s3 = || {
            format!(
                "`{shown}` is not an S3 host: expected `BUCKET.s3.REGION.amazonaws.com` or `s3.REGION.amazonaws.com`; fal \
                 uploads to no other service"
            )
        };
        let name = host.strip_suffix(".cn").unwrap_or(host).strip_suffix(".amazonaws.com").ok_or_else(not_s3)?;
        // The longest bucket comes first, as fal reads it.
        let ends = name.rmatch_indices('.').map(|(end, _)| end);
        let split = ends.map(|end| (Some(&name[..end]), &name[end + 1..])).chain([(None, name)]);
        let (bucket, endpoint) = { split }
            .find(|(bucket, endpoint)| bucket.is_none_or(is_bucket) && is_endpoint(endpoint))
            .ok_or_else(not_s3)?;
        if endpoint.split(['.', '-']).any(|part| part == "vpce") {
            return Err(format!(
                "`{shown}` is a PrivateLink host, which fal cannot reach: use the public host of the bucket"
            ));
        }
        match bucket {
            Some(bucket) if bucket.contains('.') && !has_dot_by_design(bucket, endpoint, host) => Err(format!(
                "the bucket `{}` has a dot, so that its host has no valid certificate: put it into the path, as in \
                 `https://{endpoint}.amazonaws.com/BUCKET`",
                crate::text::shown(bucket)
            )),
            bucket => Ok(S3Host { bucket }),
        }
    }
}

fn is_bucket(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    name.bytes().all(is_allowed) && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// Returns true for the name of an endpoint without its domain, such as `s3.eu-west-1` or `s3express-use1-az4.us-east-1`.
fn is_endpoint(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("s3") else { return false };
    match rest.strip_prefix("express-") {
        // The zone is followed by the region.
        Some(zone) => (1..=zone.len()).any(|end| is_label(&zone[..end]) && is_rest(&zone[end..])),
        None => is_rest(rest),
    }
}

/// Returns true for `[.QUALIFIER][.REGION]`, with dots or hyphens.
fn is_rest(rest: &str) -> bool {
    let is_region = |rest: &str| rest.is_empty() || rest.strip_prefix(['.', '-']).is_some_and(is_label);
    let after = |qualifier: &&str| rest.strip_prefix(['.', '-']).and_then(|rest| rest.strip_prefix(*qualifier));
    is_region(rest) || QUALIFIERS.iter().filter_map(after).any(is_region)
}

fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Returns true for access points of several regions and of Outposts, whose names always have a dot.
fn has_dot_by_design(bucket: &str, endpoint: &str, host: &str) -> bool {
    let is_multi_region =
        || host.ends_with(".s3-global.amazonaws.com") && bucket.strip_suffix(".mrap.accesspoint").is_some_and(is_label);
    let is_outpost = || {
        endpoint.starts_with("s3-outposts.")
            && bucket.split_once('.').is_some_and(|(point, outpost)| is_label(point) && is_label(outpost))
    };
    is_multi_region() || is_outpost()
}
