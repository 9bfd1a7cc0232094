//! The URLs of uploaded files, which later jobs and processes use again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fal_client::serde_json::Value;
use fal_client::{Client, OpenFile};
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::store::Store;

/// The time for which an upload is used again, if the client's policy does not set its expiry. fal keeps files for seven days at
/// least, unless the account has another setting.
const REUSE: Duration = Duration::from_secs(86_400);

/// Files that expire earlier are not used again, because a request may wait in the queue.
const MIN_LIFETIME: Duration = Duration::from_secs(600);

/// The time after which a URL is checked again before it is used.
const CHECK_EVERY: Duration = Duration::from_secs(300);

/// Maximum number of URLs whose last check is known.
const MAX_CHECKED: usize = 10_000;

/// The uploads of a journal.
#[derive(Debug)]
pub(crate) struct Uploads {
    store: Store,
    /// By URL, the time at which this process has found the file there.
    checked: Mutex<HashMap<String, Instant>>,
}

impl Uploads {
    pub(crate) fn new(store: Store) -> Self {
        Uploads { store, checked: Mutex::default() }
    }

    /// Returns the URL of a file: of an earlier upload that is still there, or of a new one. A file that the client's policy
    /// inlines becomes a data URI.
    pub(super) async fn url(&self, client: &Client, file: OpenFile, field: &str) -> Result<String, Error> {
        let failed = |error| {
            let message = format!("cannot upload the file of the field `{field}`; nothing was sent");
            Error::new(ErrorKind::Request, message).caused_by(error)
        };
        if file.is_inlined() {
            return file.upload().await.map_err(failed);
        }
        let id = file.upload_id().await.map_err(failed)?;
        if let Some(url) = self.store.upload(&id).await?
            && self.is_there(client, &url).await
        {
            return Ok(url);
        }
        let reuse = match file.lifetime() {
            None => REUSE,
            Some(lifetime) if lifetime < MIN_LIFETIME => Duration::ZERO,
            // The client itself may have uploaded it earlier, and uses it again for half its lifetime.
            Some(lifetime) => REUSE.min(lifetime / 4),
        };
        let url = file.upload().await.map_err(failed)?;
        if !reuse.is_zero() {
            self.store.keep_upload(&id, &url, reuse).await?;
            self.checked(&url);
        }
        Ok(url)
    }

    /// Returns true if a URL still has its file, as far as is known.
    async fn is_there(&self, client: &Client, url: &str) -> bool {
        if self.lock().get(url).is_some_and(|checked| checked.elapsed() < CHECK_EVERY) {
            return true;
        }
        match client.storage().has(url).await {
            Ok(true) => self.checked(url),
            Ok(false) => return false,
            // A host that cannot be reached says nothing about the file.
            Err(_) => {}
        }
        true
    }

    fn checked(&self, url: &str) {
        let mut checked = self.lock();
        if checked.len() >= MAX_CHECKED {
            checked.clear();
        }
        checked.insert(url.to_owned(), Instant::now());
    }

    /// Forgets the uploads of a request whose model could not download a file, so that the next request uploads the files again.
    pub(crate) async fn forget_lost(
        &self,
        client: &Client,
        request: Option<&str>,
        error: &fal_client::Error,
    ) -> Result<(), Error> {
        if !error.is_about_lost_file() {
            return Ok(());
        }
        let request = request.and_then(|request| serde_json::from_str(request).ok());
        let (mut urls, mut values): (Vec<String>, Vec<Value>) = (Vec::new(), request.into_iter().collect());
        while let Some(value) = values.pop() {
            match value {
                Value::String(text) if text.starts_with("http") => urls.push(text),
                Value::Array(items) => values.extend(items),
                Value::Object(fields) => values.extend(fields.into_iter().map(|(_, value)| value)),
                _ => {}
            }
        }
        for url in self.store.forget_uploads(&urls).await? {
            self.lock().remove(&url);
            // The client forgets its own upload if the file is missing.
            let _ = client.storage().has(url).await;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
