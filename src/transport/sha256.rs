//! SHA-256. The TLS provider computes it if there is one, because it is fast in unoptimised programs, too, and adds nothing to a
//! build.

#[cfg(feature = "rustls-no-provider")]
use rustls::crypto::hash::Context;

/// The SHA-256 hash of bytes that come in parts.
pub(crate) struct Sha256(State);

enum State {
    #[cfg(feature = "rustls-no-provider")]
    Provider(Box<dyn Context>),
    Portable(hmac_sha256::Hash),
}

impl Sha256 {
    pub(crate) fn new() -> Self {
        #[cfg(feature = "rustls-no-provider")]
        if let Some(hash) = super::tls::sha256() {
            return Sha256(State::Provider(hash.start()));
        }
        Sha256(State::Portable(hmac_sha256::Hash::new()))
    }

    /// Returns the hash of bytes that are all there.
    pub(crate) fn of(bytes: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(bytes);
        hash.finish()
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            #[cfg(feature = "rustls-no-provider")]
            State::Provider(context) => context.update(bytes),
            State::Portable(hash) => hash.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        match self.0 {
            #[cfg(feature = "rustls-no-provider")]
            State::Provider(context) => {
                let mut hash = [0; 32];
                hash.copy_from_slice(context.finish().as_ref());
                hash
            }
            State::Portable(hash) => hash.finalize(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn hex(hash: [u8; 32]) -> String {
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn parts_have_the_hash_of_the_whole() {
        for mut hash in [Sha256::new(), Sha256(State::Portable(hmac_sha256::Hash::new()))] {
            hash.update(b"a");
            hash.update(b"");
            hash.update(b"bc");
            assert_eq!(hex(hash.finish()), ABC);
        }
        assert_eq!(hex(Sha256::of(b"abc")), ABC);
    }

    #[cfg(any(feature = "ring", feature = "rustls"))]
    #[test]
    fn the_tls_provider_hashes() {
        assert!(matches!(Sha256::new().0, State::Provider(_)));
    }
}
