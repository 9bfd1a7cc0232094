use serde_json::json;

use super::cache::UploadCache;
use super::digest::Digest;
use super::policy::{Repository, UploadPolicy};
use super::source::{About, Data, Source};
use crate::error::{Error, ErrorKind};
use crate::transport::{Payload, Sha256};

/// An open file with its hash.
pub(crate) struct Hashed {
    about: About,
    payload: Payload,
    digest: Digest,
    is_reader: bool,
}

/// A file to be hashed again, because a change may not show in its times.
pub(crate) struct Again(Option<(Payload, Digest)>);

impl Hashed {
    /// Hashes a file.
    pub(crate) async fn new(source: Source, cache: Option<&UploadCache>) -> Result<Self, Error> {
        let Source { about, data, is_reader } = source;
        let Data::Whole(payload) = data else {
            let message = "a file's reader is too large to be hashed before it is sent: save it to a file, and use \
                           `FileInput::path`";
            return Err(Error::new(ErrorKind::File, message));
        };
        let digest = Digest::of(&payload, cache).await?;
        Ok(Hashed { about, payload, digest, is_reader })
    }

    pub(crate) fn sha256(&self) -> String {
        self.digest.to_string()
    }

    pub(crate) fn len(&self) -> u64 {
        self.payload.len()
    }

    /// Returns the hash of everything that two uploads must share for one to stand for the other.
    pub(crate) fn upload_id(&self, policy: &UploadPolicy, host: &str, account: &str) -> String {
        let UploadPolicy { repository, fallback, lifecycle, .. } = policy;
        let About { name, content_type } = &self.about;
        let storage = (repository.name(), fallback.map(Repository::name), lifecycle.header(), host);
        let parts = json!([self.sha256(), name, content_type, storage, account]);
        let hash = Sha256::of(parts.to_string().as_bytes());
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Returns what is needed to find out after an upload whether the file was changed meanwhile.
    pub(crate) fn again(&self) -> Again {
        let is_settled = match &self.payload {
            Payload::Bytes(_) => true,
            Payload::File(slice) => slice.version().is_settled(),
        };
        Again((!is_settled).then(|| (self.payload.clone(), self.digest.clone())))
    }

    pub(crate) fn into_source(self) -> Source {
        Source { about: self.about, data: Data::Whole(self.payload), is_reader: self.is_reader }
    }

    pub(crate) async fn into_data_uri(self) -> Result<String, Error> {
        let again = self.again();
        let uri = self.into_source().into_data_uri().await?;
        match again.unchanged().await? {
            true => Ok(uri),
            false => Err(Error::new(ErrorKind::File, "a file changed while it was being read")),
        }
    }
}

impl Again {
    pub(crate) async fn unchanged(self) -> Result<bool, Error> {
        match self.0 {
            Some((payload, digest)) => Ok(Digest::of(&payload, None).await? == digest),
            None => Ok(true),
        }
    }
}
