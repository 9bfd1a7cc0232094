use std::collections::HashMap;
use std::sync::Mutex;

use tokio::time::Instant;

use crate::random;
use crate::response::exceeded::Exceeded;
use crate::sync::lock;

/// Secrets that grant a permission for a time: CDN tokens, and the signatures of signed URLs.
#[derive(Debug, Default)]
pub(super) struct Grants(Mutex<Issued>);

#[derive(Debug, Default)]
struct Issued {
    /// The permission of each secret, and its expiry.
    grants: HashMap<String, (Grant, Instant)>,
    /// The number of grants after expired ones were last removed.
    live: usize,
}

/// The permission of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// Upload any file. A CDN token grants it.
    Upload,
    /// Upload the file of a path.
    Put(String),
    /// Upload the parts of a multipart upload, and complete it.
    Parts(String),
    /// Read the file of a path.
    Read(String),
}

/// The reason why a secret is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// The secret is unknown, or grants another permission.
    Wrong,
    Expired,
}

/// The number of grants from which on expired ones are removed.
const MIN_CLEANUP: usize = 10_000;
/// The most grants that have not expired.
const MAX_GRANTS: usize = 100_000;

impl Grants {
    /// Issues a new secret.
    pub(super) fn issue(&self, grant: Grant, now: Instant, until: Instant) -> Result<String, Exceeded> {
        let mut issued = lock(&self.0);
        let cleanup = (2 * issued.live.max(MIN_CLEANUP)).min(MAX_GRANTS);
        if issued.grants.len() >= cleanup {
            issued.grants.retain(|_, (_, until)| *until > now);
            issued.live = issued.grants.len();
        }
        if issued.grants.len() >= MAX_GRANTS {
            return Err(Exceeded { max: MAX_GRANTS, of: "tokens and signatures" });
        }
        let secret = random::secret();
        issued.grants.insert(secret.clone(), (grant, until));
        Ok(secret)
    }

    pub(super) fn check(&self, secret: &str, grant: &Grant, now: Instant) -> Result<(), Denied> {
        match lock(&self.0).grants.get(secret) {
            Some((granted, _)) if granted != grant => Err(Denied::Wrong),
            Some((_, until)) if now >= *until => Err(Denied::Expired),
            Some(_) => Ok(()),
            None => Err(Denied::Wrong),
        }
    }
}
