//! The escapes of JSON pointers (RFC 6901).

/// Escapes a key for use in a JSON pointer.
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Undoes [`escape`].
pub fn unescape(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}
