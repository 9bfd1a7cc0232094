//! Uploads of one file: the choice of the repository, of the fallback, and of one request or several parts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderMap;

use super::cache::{Key, Reused, UploadCache};
use super::digest::Digest;
use super::policy::{Repository, UploadPolicy};
use super::source::{Data, Source};
use super::token::Tokens;
use super::{cdn, initiate};
use crate::error::{Error, ErrorKind};
use crate::files::Lifecycle;
use crate::media::File;
use crate::transport::{Context, Meter, OnProgress, TransferProgress, header_value};

/// Uploads one file with the client's context, upload token and policy.
pub(crate) struct Uploader<'a> {
    pub(super) context: &'a Context,
    pub(super) tokens: &'a Tokens,
    pub(super) policy: &'a UploadPolicy,
    /// The lifecycle headers of the first request.
    pub(super) lifecycle: HeaderMap,
    pub(super) meter: Arc<Meter>,
}

impl<'a> Uploader<'a> {
    pub(crate) fn new(context: &'a Context, tokens: &'a Tokens, policy: &'a UploadPolicy) -> Result<Self, Error> {
        let lifecycle = lifecycle_headers(&policy.lifecycle)?;
        Ok(Uploader { context, tokens, policy, lifecycle, meter: Arc::default() })
    }

    /// Uploads an open file.
    pub(crate) async fn upload(self, mut source: Source, on_progress: Option<OnProgress<'_>>) -> Result<File, Error> {
        let total = source.length();
        let work = self.send_with_fallback(&mut source);
        let url = match on_progress {
            Some(mut report) => self.meter.watch(work, |bytes| report(TransferProgress { bytes, total })).await?,
            None => work.await?,
        };
        let mut file = File::new(url);
        file.file_size = i64::try_from(source.sent()).ok();
        file.content_type = Some(source.about.content_type);
        file.file_name = source.about.name;
        Ok(file)
    }

    /// Uploads an open file, unless the cache has the same file, and returns its URL. Readers are always uploaded.
    pub(crate) async fn upload_once(
        self,
        source: Source,
        cache: &UploadCache,
        mut on_progress: OnProgress<'_>,
    ) -> Result<String, Error> {
        let (Data::Whole(payload), false) = (&source.data, source.is_reader) else {
            return self.upload(source, Some(on_progress)).await.map(|file| file.url);
        };
        let (total, policy) = (payload.len(), self.policy);
        let key = Key {
            digest: Digest::of(payload, Some(cache)).await?,
            name: source.about.name.clone(),
            content_type: source.about.content_type.clone(),
            account: self.context.credentials.authorization().await?,
            repository: policy.repository,
            fallback: policy.fallback,
            lifecycle: policy.lifecycle.clone(),
        };
        let lost_files = &self.context.lost_files;
        let upload = async |steps: Arc<AtomicU64>| {
            let report = |progress| {
                steps.fetch_add(1, Ordering::Relaxed);
                on_progress(progress);
            };
            self.upload(source, Some(Box::new(report))).await.map(|file| file.url)
        };
        let Reused { url, is_reused } = cache.url(key, policy, lost_files, upload).await?;
        if is_reused {
            on_progress(TransferProgress { bytes: total, total: Some(total) });
        }
        Ok(url)
    }

    /// Sends a file to the repository. If that fails, sends it to the fallback.
    async fn send_with_fallback(&self, source: &mut Source) -> Result<String, Error> {
        let (repository, fallback) = self.repositories();
        let first = match self.send_to(repository, source).await {
            Ok(url) => return Ok(url),
            Err(error) => error,
        };
        // Another repository does not help if the file cannot be read, or if fal refuses the key or the account.
        let is_final = first.is_about_account() || matches!(first.kind(), ErrorKind::File | ErrorKind::InvalidInput);
        let Some(fallback) = fallback.filter(|_| !is_final && source.is_whole()) else { return Err(first) };
        let (kind, status) = (first.kind(), first.status());
        tracing::warn!(?kind, ?status, repository = ?fallback, "upload failed; trying the fallback");
        self.meter.restart();
        self.send_to(fallback, source).await.map_err(|second| {
            let is_reason = second.kind() == ErrorKind::File || second.is_about_account();
            match is_reason {
                true => second.after(repository.name(), first),
                // The first error is about the repository that the caller chose.
                false => first.with_fallback(fallback.name(), second),
            }
        })
    }

    /// Returns the repository and the fallback. A server proxy issues signed URLs of the CDN only, because it does not hand
    /// out tokens for the storage.
    fn repositories(&self) -> (Repository, Option<Repository>) {
        let UploadPolicy { repository, fallback, .. } = *self.policy;
        match self.context.proxy_url {
            Some(_) => (Repository::Signed, None),
            None => (repository, fallback.filter(|fallback| *fallback != repository)),
        }
    }

    async fn send_to(&self, repository: Repository, source: &mut Source) -> Result<String, Error> {
        let Source { about, data, .. } = source;
        let in_one_request = match data {
            Data::Whole(payload) if payload.len() <= self.policy.multipart_above => Some(payload),
            _ => None,
        };
        match (repository, in_one_request) {
            (Repository::Cdn, Some(payload)) => cdn::direct(self, about, payload).await,
            (Repository::Cdn, None) => cdn::in_parts(self, about, data).await,
            (Repository::Signed, Some(payload)) => initiate::direct(self, about, payload, "fal-cdn-v3").await,
            (Repository::Signed, None) => initiate::in_parts(self, about, data).await,
            (Repository::Gcs, Some(payload)) => initiate::direct(self, about, payload, "gcs").await,
            (Repository::Gcs, None) => initiate::in_parts_to_gcs(self, about, data).await,
        }
    }
}

/// Creates the lifecycle headers. The name depends on the CDN's version, so both are sent.
fn lifecycle_headers(lifecycle: &Lifecycle) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    if let Some(preference) = lifecycle.header() {
        let value = header_value(&preference)?;
        headers.insert("x-fal-object-lifecycle", value.clone());
        headers.insert("x-fal-object-lifecycle-preference", value);
    }
    Ok(headers)
}
