use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::documents::document::Document;
use crate::input::data_uri;
use crate::media::canvas::{Canvas, Edit};
use crate::media::caption::Caption;
use crate::media::decode::decode;
use crate::media::media_file::MediaFile;
use crate::media::raster::Raster;
use crate::output::spec::with_defaults;
use crate::storage::content::Content;

/// The most bytes of a source image.
const MAX_BYTES: u64 = 64 << 20;
/// The most images of a collage.
const MAX_COLLAGE: usize = 9;
/// The most pixels of all images of a collage.
const MAX_COLLAGE_PIXELS: usize = 64 << 20;

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
        let images = ImageUrls::of(input);
        let urls = images.single.into_iter().chain(images.listed).chain(images.control).chain(images.mask);
        Sources(urls.filter_map(|url| Some((url.to_owned(), file(url)?))).collect())
    }

    /// Returns the source images of an input, or `None` if it has none that the emulator can read.
    pub(crate) fn canvas(&self, document: &Document, input: &Value) -> Option<Canvas> {
        let urls = ImageUrls::of(input);
        let single = urls.single.into_iter().find_map(|url| self.raster(url));
        let listed = urls.listed.into_iter().filter_map(|url| self.raster(url));
        let mut pixels = 0;
        let mut has_room = |image: &Raster| {
            pixels += image.pixel_count();
            pixels <= MAX_COLLAGE_PIXELS
        };
        let images: Vec<Raster> =
            single.into_iter().chain(listed).take(MAX_COLLAGE).take_while(|image| has_room(image)).collect();
        let control = urls.control.into_iter().find_map(|url| self.raster(url));
        if images.is_empty() && control.is_none() {
            return None;
        }
        let mask = urls.mask.into_iter().find_map(|url| self.raster(url));
        Some(Canvas { images, control, edit: edit(document, input, mask) })
    }

    fn raster(&self, url: &str) -> Option<Raster> {
        let bytes = match self.0.get(url) {
            Some(Source::Stored(content)) => content.read(MAX_BYTES).ok().flatten()?.into(),
            Some(Source::Drawn(file, caption)) => file.bytes(caption.as_deref(), None).ok()?,
            None => data_uri::parse(url)?.1.into(),
        };
        decode(&bytes)
    }
}

/// Returns what becomes of the source images.
fn edit(document: &Document, input: &Value, mask: Option<Raster>) -> Edit {
    let fields = with_defaults(document, input);
    let number = |names: &[&str]| {
        let value = |name: &&str| {
            let value = fields.get(*name)?;
            value.as_f64().or_else(|| value.as_str()?.trim_end_matches(['x', 'X']).parse().ok())
        };
        names.iter().find_map(value).filter(|number| number.is_finite())
    };
    let is_about = |words: &[&str]| words.iter().any(|word| document.id.contains(word));
    if let Some(mask) = mask {
        Edit::Fill { mask }
    } else if is_about(&["upscal", "esrgan", "super-resolution", "aura-sr", "enlarge", "seedvr"]) {
        let factor = number(&["upscale_factor", "upscaling_factor", "scale_factor", "scale", "factor"]);
        Edit::Enlarge { factor: factor.unwrap_or(2.0).clamp(1.0, 16.0) }
    } else if is_about(&[
        "rembg",
        "birefnet",
        "background/remove",
        "remove-background",
        "background-removal",
        "matting",
    ]) {
        Edit::CutOut
    } else {
        Edit::Blend { strength: number(&["strength", "image_prompt_strength"]).unwrap_or(1.0) }
    }
}

/// The URLs of an input that may be those of images, the likeliest first.
#[derive(Default)]
struct ImageUrls<'a> {
    /// Those of a field. The first one is used.
    single: Vec<&'a str>,
    /// Those of an array.
    listed: Vec<&'a str>,
    control: Vec<&'a str>,
    mask: Vec<&'a str>,
}

impl<'a> ImageUrls<'a> {
    fn of(input: &'a Value) -> Self {
        let mut urls = ImageUrls::default();
        let mut fields: Vec<(&String, &Value)> = input.as_object().into_iter().flatten().collect();
        let rank = |name: &str| match name {
            "image_url" | "image" => 0,
            _ if ["end", "last", "tail", "style", "reference"].iter().any(|word| name.starts_with(word)) => 2,
            _ => 1,
        };
        fields.sort_by_key(|(name, _)| rank(name));
        for (name, value) in fields {
            let has = |word: &str| name.contains(word);
            let (field, is_mask) = match value {
                _ if has("video") || has("audio") => continue,
                _ if has("mask") => (&mut urls.mask, true),
                _ if !has("image") && !has("frame") => continue,
                _ if has("control") => (&mut urls.control, false),
                Value::Array(_) => (&mut urls.listed, false),
                _ => (&mut urls.single, false),
            };
            match value {
                Value::String(url) => field.push(url),
                Value::Array(items) if !is_mask => field.extend(items.iter().filter_map(url_of)),
                value => field.extend(url_of(value)),
            }
        }
        urls
    }
}

/// Returns the URL of a file: a string, or an object that has it.
fn url_of(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| ["url", "image_url"].iter().find_map(|name| value.get(name)?.as_str()))
}
