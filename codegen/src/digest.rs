//! The digest that detects changed documents.

/// FNV-1a with 64 bits. CRLF counts as LF, so that a checkout on Windows has the same digest.
pub(crate) fn digest(text: &[u8]) -> u64 {
    let mut digest = 0xcbf2_9ce4_8422_2325;
    for (index, byte) in text.iter().enumerate() {
        if *byte == b'\r' && text.get(index + 1) == Some(&b'\n') {
            continue;
        }
        digest = (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    digest
}
