//! The files of an input, which go up before it goes out.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::client::Client;
use crate::error::Error;
use crate::files::FileInput;
use crate::schema::EndpointInput;
use crate::storage::{Source, UploadPolicy};

/// Uploads every file that is no URL, several at once and the same file once, and puts the URLs in their places. If one
/// fails, the others are given up.
pub(super) async fn upload<I: EndpointInput>(
    client: &Client,
    input: &mut I,
    inline_below: Option<u64>,
) -> Result<(), Error> {
    let mut policy = client.uploads().clone();
    policy.inline_below = inline_below.unwrap_or(policy.inline_below);

    let mut files: Vec<(String, FileInput)> = Vec::new();
    let mut places: Vec<usize> = Vec::new();
    input.files_mut(&mut |field, file| {
        if file.as_url().is_none() {
            let known = files.iter().position(|(_, known)| known == file);
            places.push(known.unwrap_or_else(|| {
                files.push((field.to_owned(), file.clone()));
                files.len() - 1
            }));
        }
    });
    if files.is_empty() {
        return Ok(());
    }

    let policy = &policy;
    let urls = files.into_iter().enumerate().map(|(index, (field, file))| async move {
        match url(client, file, policy).await {
            Ok(url) => Ok((index, url)),
            Err(error) => Err(error.context(format_args!("the file of the field `{field}`"))),
        }
    });
    let urls: BTreeMap<usize, String> = stream::iter(urls).buffer_unordered(policy.files_at_once).try_collect().await?;

    let mut places = places.into_iter();
    input.files_mut(&mut |_, file| {
        if file.as_url().is_none()
            && let Some(url) = places.next().and_then(|place| urls.get(&place))
        {
            *file = FileInput::url(url);
        }
    });
    Ok(())
}

/// What stands for a file in JSON: the URL of its upload, or a data URI where it is small enough.
async fn url(client: &Client, file: FileInput, policy: &UploadPolicy) -> Result<String, Error> {
    let source = Source::open(file, policy.part_size).await?;
    if source.length().is_some_and(|length| length < policy.inline_below) {
        return source.into_data_uri().await;
    }
    client.uploader(policy)?.upload(source, None).await.map(|file| file.url)
}
