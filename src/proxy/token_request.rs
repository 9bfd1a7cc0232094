//! Requests for tokens. A token is valid for applications, and its scope must not exceed the allowed endpoints.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::allowed::Allowed;
use super::refusal::Refusal;

/// Maximum applications of a token.
const MAX_APPS: usize = 100;

/// The body of a request for a token, in both forms that fal's clients and documentation have. Other fields are dropped.
#[derive(Deserialize, Serialize)]
struct TokenRequest {
    allowed_apps: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_expiration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
}

/// Checks the body of a request for a token, and returns the body to forward.
pub(super) fn check(body: &[u8], allowed: &Allowed, max_seconds: u64) -> Result<Bytes, Refusal> {
    let invalid = |why: &str| Refusal::bad_request(format!("invalid request for a token: {why}"));
    let request: TokenRequest = serde_json::from_slice(body)
        .map_err(|_| invalid("expected `allowed_apps` and `token_expiration` (or `duration`) in seconds"))?;
    let seconds = match (request.token_expiration, request.duration) {
        (Some(seconds), None) | (None, Some(seconds)) => seconds,
        _ => return Err(invalid("expected either `token_expiration` or `duration`")),
    };
    if !(1..=max_seconds).contains(&seconds) {
        return Err(Refusal::forbidden(format!("this proxy issues tokens for 1 to {max_seconds} seconds")));
    }
    if request.allowed_apps.is_empty() || request.allowed_apps.len() > MAX_APPS {
        return Err(invalid("expected 1 to 100 applications"));
    }
    if !request.allowed_apps.iter().all(|app| allowed.token(app)) {
        return Err(Refusal::forbidden("this proxy does not allow an application of the token"));
    }
    serde_json::to_vec(&request).map(Bytes::from).map_err(|_| invalid("it cannot be serialized"))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::super::pattern::Pattern;
    use super::*;

    #[test]
    fn scopes_and_lifetimes_are_limited() {
        let mut allowed = Allowed::default();
        for pattern in ["acme/painter/**", "acme/brush/fine", "acme/lens", "workflows/me/flow"] {
            allowed.push(Pattern::parse(pattern).expect(pattern));
        }
        for (body, expected) in [
            (r#"{"allowed_apps":["painter"],"token_expiration":120}"#, Ok(())),
            (r#"{"allowed_apps":["lens","flow"],"token_expiration":300}"#, Ok(())),
            (r#"{"allowed_apps":["acme/lens/realtime"],"duration":1}"#, Ok(())),
            (r#"{"allowed_apps":["acme/lens","acme/painter/fast"],"duration":1}"#, Ok(())),
            (r#"{"allowed_apps":["brush"],"token_expiration":120}"#, Err(403)),
            (r#"{"allowed_apps":["painter","brush"],"token_expiration":120}"#, Err(403)),
            (r#"{"allowed_apps":["me"],"token_expiration":120}"#, Err(403)),
            (r#"{"allowed_apps":["*"],"token_expiration":120}"#, Err(403)),
            (r#"{"allowed_apps":[""],"token_expiration":120}"#, Err(403)),
            (r#"{"allowed_apps":["acme/other/realtime"],"duration":1}"#, Err(403)),
            (r#"{"allowed_apps":["acme/lens/../other"],"duration":1}"#, Err(403)),
            (r#"{"allowed_apps":["painter"],"token_expiration":301}"#, Err(403)),
            (r#"{"allowed_apps":["painter"],"token_expiration":0}"#, Err(403)),
            (r#"{"allowed_apps":["painter"],"token_expiration":-1}"#, Err(400)),
            (r#"{"allowed_apps":["painter"],"token_expiration":120,"duration":9999}"#, Err(400)),
            (r#"{"allowed_apps":["painter"]}"#, Err(400)),
            (r#"{"allowed_apps":[],"token_expiration":120}"#, Err(400)),
            (r#"{"allowed_apps":"painter","token_expiration":120}"#, Err(400)),
            (r#"{"allowed_apps":["painter"],"allowed_apps":["brush"],"token_expiration":120}"#, Err(400)),
            ("", Err(400)),
            ("[]", Err(400)),
        ] {
            let checked = check(body.as_bytes(), &allowed, 300);
            let status = checked.map(drop).map_err(|refusal| refusal.status);
            assert_eq!(status, expected.map_err(|status| StatusCode::from_u16(status).expect("a status")), "{body}");
        }
        allowed.push(Pattern::parse("**").expect("a pattern"));
        for app in ["*", "**", "a*", ".", "..", "a b", "a,b", "a%2fb", "é", "/a", "a/", "a//b", "https://fal.run/a"] {
            let body = serde_json::json!({ "allowed_apps": [app], "duration": 1 }).to_string();
            let refusal = check(body.as_bytes(), &allowed, 300).expect_err(app);
            assert_eq!(refusal.status, StatusCode::FORBIDDEN, "{app}");
        }
        let body = br#"{"allowed_apps":["lens"],"token_expiration":9,"owner":"other"}"#;
        let checked = check(body, &allowed, 300).expect("a body");
        assert_eq!(&checked[..], br#"{"allowed_apps":["lens"],"token_expiration":9}"#);
    }
}
