//! Uploads the files of an input before the input is sent.

use std::sync::{Mutex, PoisonError};

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::any_input::AnyInput;
use crate::client::Client;
use crate::error::Error;
use crate::files::FileInput;
use crate::storage::{Source, UploadPolicy};
use crate::transport::{OnProgress, OnUpload, TransferProgress, UploadProgress};

/// Uploads each file that is not a URL and replaces it by its URL. Uploads run in parallel, and equal files are uploaded
/// once. The first failure stops the others.
pub(crate) async fn upload(
    client: &Client,
    input: &mut dyn AnyInput,
    inline_below: Option<u64>,
    on_upload: Option<OnUpload>,
) -> Result<(), Error> {
    let mut files: Vec<(String, FileInput)> = Vec::new();
    input.visit_files(&mut |field, file| {
        if file.as_url().is_none() && files.iter().all(|(_, known)| known != file) {
            files.push((field.to_owned(), file.clone()));
        }
    });
    if files.is_empty() {
        return Ok(());
    }
    // Most calls upload nothing. The future of every call would have room for the uploads.
    let uploaded = Box::pin(uploaded(client, files, inline_below, on_upload)).await?;

    // Files are matched by value, because equal files were uploaded once and an input may visit its files in any order.
    input.visit_files(&mut |_, file| {
        if let Some((_, url)) = uploaded.iter().find(|(original, _)| original == file) {
            *file = FileInput::url(url);
        }
    });
    Ok(())
}

/// Uploads files, each with the name of its field, and returns their URLs.
async fn uploaded(
    client: &Client,
    files: Vec<(String, FileInput)>,
    inline_below: Option<u64>,
    on_upload: Option<OnUpload>,
) -> Result<Vec<(FileInput, String)>, Error> {
    let mut policy = client.uploads().clone();
    policy.inline_below = inline_below.unwrap_or(policy.inline_below);
    let policy = &policy;
    let on_upload = &on_upload.map(Mutex::new);
    let uploads = files.into_iter().map(|(field, file)| async move {
        let report = |TransferProgress { bytes, total }| {
            if let Some(call) = on_upload {
                let progress = UploadProgress { field: field.clone(), bytes, total };
                call.lock().unwrap_or_else(PoisonError::into_inner)(progress);
            }
        };
        match url(client, file.clone(), policy, Box::new(report)).await {
            Ok(url) => Ok((file, url)),
            Err(error) => Err(error.context(format_args!("file of the field `{field}`"))),
        }
    });
    stream::iter(uploads).buffer_unordered(policy.parallel_files).try_collect().await
}

/// Uploads a file, unless the client has done so already, and returns its URL. Returns a data URI instead if the file is small enough.
async fn url(
    client: &Client,
    file: FileInput,
    policy: &UploadPolicy,
    on_progress: OnProgress<'_>,
) -> Result<String, Error> {
    let source = Source::open(file, policy.part_size).await?;
    if source.length().is_some_and(|length| length < policy.inline_below) {
        return source.into_data_uri().await;
    }
    let uploader = client.uploader(policy)?;
    match client.upload_cache() {
        Some(cache) => uploader.upload_once(source, cache, on_progress).await,
        None => uploader.upload(source, Some(on_progress)).await.map(|file| file.url),
    }
}
