use std::collections::HashMap;
use std::sync::Mutex;

use tokio::time::Instant;

use crate::random;
use crate::sync::lock;

/// Secrets that allow something for a time: CDN tokens, and the signatures in signed URLs.
#[derive(Debug, Default)]
pub(super) struct Grants(Mutex<Issued>);

#[derive(Debug, Default)]
struct Issued {
    /// What each secret allows, and until when.
    grants: HashMap<String, (Grant, Instant)>,
    /// How many of them there were when those that are over were forgotten.
    kept: usize,
}

/// What a secret allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// Any upload: a CDN token.
    Upload,
    /// Putting the file of a path.
    Put(String),
    /// The parts of a multipart upload, and its completion.
    Parts(String),
    /// Reading the file of a path.
    Read(String),
}

/// Why a secret does not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// It is none, or allows something else.
    Wrong,
    Expired,
}

/// Fewer than that are not worth looking through.
const MANY: usize = 10_000;

impl Grants {
    /// A new secret.
    pub(super) fn issue(&self, grant: Grant, now: Instant, until: Instant) -> String {
        let mut issued = lock(&self.0);
        if issued.grants.len() > 2 * issued.kept.max(MANY) {
            issued.grants.retain(|_, (_, until)| *until > now);
            issued.kept = issued.grants.len();
        }
        let secret = random::secret();
        issued.grants.insert(secret.clone(), (grant, until));
        secret
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
