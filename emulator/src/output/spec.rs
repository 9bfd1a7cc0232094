use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::documents::document::Document;
use crate::documents::schema;
use crate::media::canvas::Canvas;
use crate::media::caption::Caption;
use crate::media::image_format::ImageFormat;
use crate::media::media_file::{CAPTION_BITS, MediaKind};
use crate::media::model::ModelFormat;
use crate::media::raster::MAX_SIDE;
use crate::media::video::Clip;
use crate::media::wav::Sound;
use crate::output::length;
use crate::output::limits::MAX_IMAGES;

/// The properties of the output that follow from the input.
pub(crate) struct OutputSpec {
    /// The input, completed with the document's defaults.
    fields: Map<String, Value>,
    /// The seed of the input, or one derived from the input: the same input yields the same output.
    pub(crate) seed: u64,
    /// The seed of the files: a hash of prompt and seed.
    motif: u64,
    /// The owner of the files, if other requests do not share them.
    pub(crate) owner: Option<u64>,
    /// The text that images show.
    pub(crate) caption: Arc<Caption>,
    /// The category of the endpoint, or an empty string.
    pub(super) category: String,
    /// The sounds are speech.
    speaks: bool,
    /// The file format of the images.
    pub(crate) format: ImageFormat,
    /// The size of the images in pixels, from the input, a default or the source image.
    pub(crate) size: Option<(u32, u32)>,
    /// The source image that is painted over.
    pub(crate) canvas: Option<Canvas>,
    /// The requested number of images, even if it exceeds the limit.
    pub(super) requested: u64,
    /// The number of images, if the input has one.
    pub(crate) count: Option<usize>,
    /// Files are data URIs in the output itself.
    pub(crate) inline: bool,
}

/// The most characters of a prompt in a caption.
const MAX_PROMPT_CHARS: usize = 2_000;

impl OutputSpec {
    /// Derives the specification. Files of different owners have different names. `default_seed` takes part in the seed of an
    /// input without one.
    pub(crate) fn new(
        document: &Document,
        input: &Value,
        canvas: Option<Canvas>,
        owner: Option<&str>,
        default_seed: u64,
    ) -> Self {
        let fields = with_defaults(document, input);
        let seed = fields.get("seed").and_then(Value::as_u64).unwrap_or_else(|| derived_seed(input, default_seed));
        let prompt = text(&fields).unwrap_or_default();
        let count = fields.get("num_images").and_then(Value::as_u64);
        OutputSpec {
            seed,
            motif: digest(&json!([prompt, seed])),
            owner: owner.map(|owner| digest(&Value::from(owner))),
            caption: Arc::new(Caption {
                endpoint: document.id.clone(),
                prompt: prompt.chars().take(MAX_PROMPT_CHARS).collect(),
                seed,
                parameters: parameters(&fields),
            }),
            category: document.category.clone().unwrap_or_default(),
            speaks: speaks(document),
            format: image_format(&fields),
            size: match &canvas {
                Some(canvas) if canvas.sets_size() => canvas.size(),
                Some(canvas) => size(&fields).or_else(|| canvas.size()),
                None => size(&fields),
            },
            canvas,
            requested: count.unwrap_or(1),
            count: image_count(fields.get("num_images")),
            inline: fields.get("sync_mode") == Some(&Value::Bool(true)),
            fields,
        }
    }

    /// Returns the size, the length and the speed of the videos.
    pub(crate) fn clip(&self) -> Clip {
        length::clip(&self.fields, self.size, exact_size(&self.fields).is_some())
    }

    /// Returns the kind and the length of the sounds.
    pub(crate) fn audio(&self) -> MediaKind {
        match self.speaks {
            true => MediaKind::Audio { sound: Sound::Speech, milliseconds: length::spoken(&self.caption.prompt) },
            false => MediaKind::Audio { sound: Sound::Music, milliseconds: length::music(&self.fields) },
        }
    }

    /// Returns the requested file format of the 3D models.
    pub(crate) fn model_format(&self) -> ModelFormat {
        const NAMES: [&str; 5] = ["geometry_file_format", "output_format", "export_format", "file_format", "format"];
        let requested = NAMES.iter().filter_map(|name| self.fields.get(*name)?.as_str());
        requested.filter_map(ModelFormat::parse).next().unwrap_or(ModelFormat::Glb)
    }

    /// Returns whether the endpoint replies to prompts.
    pub(super) fn replies(&self) -> bool {
        !self.caption.prompt.is_empty() && (self.category == "llm" || self.caption.endpoint.starts_with("openrouter/"))
    }

    /// Returns the texts of a field: a string, or an array of strings.
    pub(super) fn texts(&self, name: &str) -> Vec<&str> {
        match self.fields.get(name) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Makes the specification of an output before the final one, which has other files.
    pub(crate) fn partial(self, number: u8) -> Self {
        OutputSpec { motif: self.motif ^ u64::from(number).rotate_right(u8::BITS), ..self }
    }

    /// Returns the motif of a file of the output.
    pub(crate) fn motif(&self, index: u64) -> u64 {
        let caption = &self.caption;
        let shown = digest(&json!([caption.endpoint, caption.prompt, caption.seed, caption.parameters]));
        let low = (1 << CAPTION_BITS) - 1;
        (self.motif >> CAPTION_BITS).wrapping_add(index) << CAPTION_BITS | shown & low
    }

    /// Returns a string, number or boolean of the input.
    pub(crate) fn echo(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| value.is_string() || value.is_number() || value.is_boolean())
    }
}

/// Returns the seed of an input without one: the same for the same input.
fn derived_seed(input: &Value, default_seed: u64) -> u64 {
    let digest = if default_seed == 0 { digest(input) } else { digest(&json!([input, default_seed])) };
    digest & 0xffff_ffff
}

/// Returns the number of images that an input requests, which is the number of its billable units.
pub(crate) fn count(document: &Document, input: &Value) -> usize {
    let requested = input.get("num_images").cloned();
    let requested = requested.or_else(|| with_defaults(document, input).remove("num_images"));
    image_count(requested.as_ref()).unwrap_or(1)
}

fn image_count(requested: Option<&Value>) -> Option<usize> {
    requested.and_then(Value::as_u64).map(|count| count.clamp(1, MAX_IMAGES) as usize)
}

/// Returns the input, completed with the document's defaults.
pub(super) fn with_defaults(document: &Document, input: &Value) -> Map<String, Value> {
    let mut fields = input.as_object().cloned().unwrap_or_default();
    let schema = schema::expand(&document.schemas.root, &document.schemas.input, &mut Vec::new());
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        let default = property.get("default").filter(|default| !default.is_null());
        if let (Some(default), false) = (default, fields.contains_key(name)) {
            fields.insert(name.clone(), default.clone());
        }
    }
    fields
}

/// Returns the text that an input is about: a prompt, or words to speak.
fn text(fields: &Map<String, Value>) -> Option<&str> {
    const NAMES: [&str; 9] =
        ["prompt", "text", "gen_text", "input", "tts_text", "text_prompt", "query", "lyrics", "instruction"];
    let named = NAMES.iter().filter_map(|name| fields.get(*name)?.as_str());
    named.chain(last_message(fields)).find(|text| !text.trim().is_empty())
}

/// Returns the last message of a chat: a text, or the first one of its parts.
fn last_message(fields: &Map<String, Value>) -> Option<&str> {
    let messages = ["messages", "input"].iter().find_map(|name| fields.get(*name)?.as_array())?;
    let last = messages.last()?;
    let content = last.get("content").unwrap_or(last);
    let part = || content.as_array()?.iter().find_map(|part| part.get("text")?.as_str());
    content.as_str().or_else(part)
}

/// Returns the telling parameters of an input, and the words for them.
fn parameters(fields: &Map<String, Value>) -> Vec<String> {
    const NAMES: [(&str, &str); 14] = [
        ("num_inference_steps", "steps"),
        ("steps", "steps"),
        ("guidance_scale", "guidance"),
        ("cfg_scale", "guidance"),
        ("strength", "strength"),
        ("duration", "duration"),
        ("fps", "fps"),
        ("frames_per_second", "fps"),
        ("upscale_factor", "factor"),
        ("voice", "voice"),
        ("style", "style"),
        ("quality", "quality"),
        ("rendering_speed", "speed"),
        ("acceleration", "acceleration"),
    ];
    const MAX: usize = 3;
    const MAX_CHARS: usize = 40;
    let shown = |value: &Value| match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.chars().take(MAX_CHARS).collect()),
        _ => None,
    };
    let present = NAMES.iter().filter_map(|(name, word)| Some(format!("{word} {}", shown(fields.get(*name)?)?)));
    present.take(MAX).collect()
}

/// Returns the requested file format of the images. Default: PNG.
fn image_format(fields: &Map<String, Value>) -> ImageFormat {
    let requested = ["output_format", "format", "image_format"].iter().filter_map(|name| fields.get(*name)?.as_str());
    requested.filter_map(ImageFormat::parse).next().unwrap_or_default()
}

/// Returns whether the sounds of an endpoint are speech.
fn speaks(document: &Document) -> bool {
    document.category.as_deref().is_some_and(|category| category.ends_with("-to-speech"))
        || ["tts", "speech", "voice", "kokoro", "chatterbox"].iter().any(|word| document.id.contains(word))
}

/// Returns the image size: one in pixels, or one of the `aspect_ratio`, with a longer side of 1024.
fn size(fields: &Map<String, Value>) -> Option<(u32, u32)> {
    exact_size(fields).or_else(|| fields.get("aspect_ratio").and_then(Value::as_str).and_then(ratio_size))
}

/// Returns the size in pixels: `image_size` or `video_size` as a preset or an object, or `width` and `height`.
fn exact_size(fields: &Map<String, Value>) -> Option<(u32, u32)> {
    let number = |value: Option<&Value>| value.and_then(Value::as_u64);
    let (width, height) = match fields.get("image_size").or_else(|| fields.get("video_size")) {
        Some(Value::String(preset)) => preset_size(preset)?,
        Some(size @ Value::Object(_)) => {
            (number(size.get("width")).unwrap_or(512), number(size.get("height")).unwrap_or(512))
        }
        _ => match (number(fields.get("width")), number(fields.get("height"))) {
            (Some(width), Some(height)) => (width, height),
            _ => return None,
        },
    };
    let side = |side: u64| side.clamp(1, u64::from(MAX_SIDE)) as u32;
    Some((side(width), side(height)))
}

/// Returns the size of a preset, or `None` of `auto` and the like.
fn preset_size(preset: &str) -> Option<(u64, u64)> {
    Some(match preset {
        "square_hd" => (1024, 1024),
        "square_uhd" => (2048, 2048),
        "portrait_4_3" => (768, 1024),
        "portrait_16_9" => (576, 1024),
        "portrait_3_2" => (683, 1024),
        "portrait_hd" => (1080, 1920),
        "landscape_4_3" => (1024, 768),
        "landscape_16_9" => (1024, 576),
        "landscape_3_2" => (1024, 683),
        "landscape_hd" => (1920, 1080),
        _ if preset.starts_with("auto") => return None,
        // `1536x1024`, and so on.
        _ => match preset.split_once('x') {
            Some((width, height)) => (width.parse().ok()?, height.parse().ok()?),
            None => (512, 512),
        },
    })
}

/// Returns a size of the ratio `16:9` or the like, with a longer side of 1024.
fn ratio_size(ratio: &str) -> Option<(u32, u32)> {
    let (width, height) = ratio.split_once(':')?;
    let (width, height) = (width.parse::<f64>().ok()?, height.parse::<f64>().ok()?);
    let longer = width.max(height);
    if !(width > 0.0 && height > 0.0 && longer <= 1000.0) {
        return None;
    }
    let side = |side: f64| ((1024.0 * side / longer) as u32).clamp(1, MAX_SIDE);
    Some((side(width), side(height)))
}

/// Hashes a value with FNV-1a. Keys are sorted, so their order in the JSON does not matter.
fn digest(value: &Value) -> u64 {
    fn text(value: &Value, hash: u64) -> u64 {
        match value {
            Value::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(key, _)| *key);
                members.into_iter().fold(hash, |hash, (key, value)| text(value, bytes(key.as_bytes(), hash)))
            }
            Value::Array(items) => items.iter().fold(bytes(b"[", hash), |hash, item| text(item, hash)),
            Value::String(string) => bytes(string.as_bytes(), bytes(b"\"", hash)),
            other => bytes(other.to_string().as_bytes(), hash),
        }
    }
    fn bytes(bytes: &[u8], hash: u64) -> u64 {
        bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
    }
    text(value, 0xcbf2_9ce4_8422_2325)
}
