use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::media::canvas::Canvas;
use crate::media::caption::Caption;
use crate::media::media_file::MediaFile;
use crate::media::raster::Raster;
use crate::storage::content::Content;

/// The most bytes of a source image.
const MAX_BYTES: u64 = 64 << 20;

/// The emulator's files that an input refers to, by URL.
#[derive(Debug, Default)]
pub(crate) struct Sources(HashMap<String, Source>);

/// A file that an input refers to.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A file with stored content.
    Stored(Content),
    /// A generated file that is drawn when it is needed.
    Drawn(MediaFile, Option<Arc<Caption>>),
}

impl Sources {
    /// Collects the files that an input refers to. `file` looks up a URL.
    pub(crate) fn new(input: &Value, file: impl Fn(&str) -> Option<Source>) -> Self {
        let urls = image_urls(input).into_iter().chain(mask_url(input));
        Sources(urls.filter_map(|url| Some((url.to_owned(), file(url)?))).collect())
    }

    /// Returns the source image and the mask of an input, or `None` if no image is a PNG that the emulator can read.
    pub(crate) fn canvas(&self, input: &Value) -> Option<Canvas> {
        let image = image_urls(input).into_iter().find_map(|url| self.raster(url))?;
        Some(Canvas { image, mask: mask_url(input).and_then(|url| self.raster(url)) })
    }

    fn raster(&self, url: &str) -> Option<Raster> {
        let bytes = match self.0.get(url) {
            Some(Source::Stored(content)) => content.read(MAX_BYTES).ok().flatten()?.into(),
            Some(Source::Drawn(file, caption)) => file.bytes(caption.as_deref(), None).ok()?,
            None => {
                let (kind, data) = url.strip_prefix("data:")?.split_once(',')?;
                STANDARD.decode(kind.strip_suffix(";base64").map(|_| data.trim())?).ok()?.into()
            }
        };
        Raster::decode(&bytes)
    }
}

/// Returns the URLs of possible source images, the likeliest first.
fn image_urls(input: &Value) -> Vec<&str> {
    let is_other = |name: &str| name.ends_with("image_url") && !name.contains("mask") && !name.contains("control");
    let field = |name: &str| input.get(name);
    let others = input.as_object().into_iter().flatten().filter(|(name, _)| is_other(name)).map(|(_, url)| url);
    let listed = field("image_urls").and_then(Value::as_array).into_iter().flatten();
    let urls = field("image_url").into_iter().chain(others).chain(listed).chain(field("control_image_url"));
    urls.filter_map(Value::as_str).collect()
}

fn mask_url(input: &Value) -> Option<&str> {
    ["mask_url", "mask_image_url"].iter().find_map(|name| input.get(name)?.as_str())
}
