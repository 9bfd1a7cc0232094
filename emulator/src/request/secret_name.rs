/// Returns whether a header or a query parameter has a secret: a key, a token, a signature, or a part of one.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_part = |word: &str| name.split(['-', '_', '.']).any(|part| part == word);
    ["token", "signature", "credential", "secret", "password", "policy", "cookie", "identity"]
        .iter()
        .any(|word| name.contains(word))
        || ["sig", "key", "jwt", "auth", "hmac", "authorization"].iter().any(|word| is_part(word))
        || ["accesskeyid", "awsaccesskeyid", "googleaccessid", "apikey"].contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known() {
        for name in [
            "Authorization",
            "proxy-authorization",
            "Set-Cookie",
            "fal_jwt_token",
            "X-Goog-Signature",
            "x-fal-api-key",
            "x-app-fal-upload-policy",
            "AWSAccessKeyId",
            "key",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["x-fal-tags", "content-type", "monkey", "x-fal-queue-priority", "author"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
