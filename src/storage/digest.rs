use std::fmt;

use bytes::Bytes;
use futures_util::StreamExt;

use super::cache::UploadCache;
use crate::error::{Error, ErrorKind};
use crate::transport::{Payload, Sha256};

/// Bytes in memory that are hashed in place. More would block the runtime.
const MAX_IN_PLACE: usize = 256 << 10;

/// The hash (SHA-256) and the length of a file's bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Digest {
    hash: [u8; 32],
    length: u64,
}

impl Digest {
    /// Hashes a file. A local file whose version is known is not read again.
    pub(super) async fn of(payload: &Payload, cache: Option<&UploadCache>) -> Result<Self, Error> {
        let length = payload.len();
        match payload {
            Payload::Bytes(bytes) => Ok(Digest { hash: hash(bytes.clone()).await?, length }),
            Payload::File(slice) => {
                let version = slice.version();
                if let Some(known) = cache.and_then(|cache| cache.digest(&version)) {
                    return Ok(known);
                }
                let mut hasher = Sha256::new();
                let mut chunks = std::pin::pin!(slice.clone().chunks());
                while let Some(chunk) = chunks.next().await {
                    hasher.update(&chunk?);
                }
                let digest = Digest { hash: hasher.finish(), length };
                // A file that has just changed may change again within the resolution of its times.
                if let Some(cache) = cache.filter(|_| version.is_settled()) {
                    cache.keep_digest(version, &digest);
                }
                Ok(digest)
            }
        }
    }
}

/// Shows the hash in hexadecimal.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

async fn hash(bytes: Bytes) -> Result<[u8; 32], Error> {
    let hash = |bytes: Bytes| Sha256::of(&bytes);
    if bytes.len() <= MAX_IN_PLACE {
        return Ok(hash(bytes));
    }
    let failed = |error| Error::new(ErrorKind::File, "cannot hash a file").caused_by(error);
    tokio::task::spawn_blocking(move || hash(bytes)).await.map_err(failed)
}
