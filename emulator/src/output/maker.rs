use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fal_documents::validate::resolve;
use serde_json::{Map, Value, json};

use crate::documents::document::Document;
use crate::documents::schema::{self, fits};
use crate::media::media_file::{MediaFile, MediaKind};
use crate::media::model::ModelFormat;
use crate::media::raster::MAX_SIDE;
use crate::media::wav;
use crate::output::file_kind::{self, FileKind, is_url, is_url_name};
use crate::output::limits::{MAX_INLINE_BYTES, MAX_PIXELS};
use crate::output::spec::OutputSpec;
use crate::output::texts::{self, Text};
use crate::output::untyped;
use crate::urls::Urls;

/// The nesting depth from which on optional values are left out.
const MAX_OPTIONAL_DEPTH: usize = 10;
/// The number of values from which on optional values are left out.
const MAX_OPTIONAL_VALUES: usize = 2_000;
/// The most schemas from the root to a value. A deeper document requires a value inside itself.
const MAX_STEPS: usize = 60;
/// The most values of an output. A document may require an array of a million items.
const MAX_VALUES: usize = 20_000;
/// The image size if neither the input nor an example has one.
const DEFAULT_SIZE: (u32, u32) = (512, 512);

/// An output, and the files that it refers to.
pub(crate) struct Made {
    pub(crate) output: Value,
    pub(crate) files: Vec<MediaFile>,
}

/// Makes an output that fits the document. It follows the document's examples, echoes the input, and refers to files
/// that the emulator serves. The error comes from the encoder of an image.
pub(crate) fn make(document: &Document, spec: &OutputSpec, urls: &Urls) -> Result<Made, String> {
    let root = &document.schemas.root;
    let mut maker = Maker {
        root,
        spec,
        urls,
        file_count: 0,
        pixels: 0,
        inline_bytes: 0,
        files: Vec::new(),
        values: 0,
        inside: Vec::new(),
        played: None,
        error: None,
    };
    let mut output = maker.value(&document.schemas.output, document.example.as_ref(), Position::default());
    align_verdicts(&mut output);
    maker.align_facts(&document.schemas.output, &mut output);
    let files = maker.files;
    maker.error.map_or(Ok(Made { output, files }), Err)
}

/// Makes one safety verdict for every image.
fn align_verdicts(output: &mut Value) {
    let images = output.get("images").and_then(Value::as_array).map(Vec::len);
    let verdicts = output.get_mut("has_nsfw_concepts").and_then(Value::as_array_mut);
    if let (Some(images), Some(verdicts)) = (images, verdicts) {
        verdicts.resize(images, Value::Bool(false));
    }
}

struct Maker<'a> {
    /// The target of references.
    root: &'a Value,
    spec: &'a OutputSpec,
    urls: &'a Urls,
    /// The number of files so far, which makes each of them different.
    file_count: u64,
    /// The pixels of all images so far.
    pixels: u64,
    /// The bytes of the data URIs so far.
    inline_bytes: usize,
    /// The files that the output refers to.
    files: Vec<MediaFile>,
    values: usize,
    /// The references around the current value, to detect cycles.
    inside: Vec<String>,
    /// The first video or sound.
    played: Option<MediaKind>,
    /// The first error of an image. No image is drawn after it.
    error: Option<String>,
}

/// The position of a value in the output.
#[derive(Clone, Copy, Debug, Default)]
struct Position<'a> {
    /// The name of the nearest property.
    name: &'a str,
    /// The name of the property around that one.
    parent: &'a str,
    /// The number of objects and arrays around the value.
    depth: usize,
    /// The number of schemas from the root to here.
    steps: usize,
}

impl<'a> Position<'a> {
    fn step(self) -> Self {
        Position { steps: self.steps + 1, ..self }
    }

    fn item(self) -> Self {
        Position { depth: self.depth + 1, steps: self.steps + 1, ..self }
    }

    fn property(self, name: &'a str) -> Self {
        Position { name, parent: self.name, ..self.item() }
    }
}

/// Returns whether a value is the error of an output, which an output that succeeded does not have.
fn is_error(position: Position<'_>) -> bool {
    position.depth == 1 && (position.name == "error" || position.name.ends_with("_error"))
}

impl Maker<'_> {
    /// Sets the numbers of the output that follow from its video or sound, such as its duration, unless they have an example.
    fn align_facts(&self, schema: &Value, output: &mut Value) {
        let (Some(kind), Some(object)) = (self.played, output.as_object_mut()) else { return };
        let schema = schema::expand(self.root, schema, &mut Vec::new());
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let Some(value) = object.get_mut(name).filter(|value| value.as_f64() == Some(0.0)) else { continue };
            let Some(fact) = facts(kind, name) else { continue };
            let whole = fact.as_f64().map(|number| json!(number.round() as i64));
            let fitting = [Some(fact), whole].into_iter().flatten().find(|fact| fits(self.root, property, fact));
            *value = fitting.unwrap_or_else(|| value.take());
        }
    }

    fn value(&mut self, schema: &Value, example: Option<&Value>, position: Position<'_>) -> Value {
        self.values += 1;
        if position.steps > MAX_STEPS || self.values > MAX_VALUES {
            return Value::Null;
        }
        let outside = self.inside.len();
        let schema = schema::expand(self.root, schema, &mut self.inside);
        let value = self.value_inside(&schema, example, position);
        self.inside.truncate(outside);
        value
    }

    fn value_inside(&mut self, schema: &Value, example: Option<&Value>, position: Position<'_>) -> Value {
        if let Some(echo) = self.echo(schema, position) {
            return echo;
        }
        let example = self.example(schema, example);
        let example = example.as_ref();
        if let Some(expected) = schema.get("const") {
            return expected.clone();
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            let first = values.iter().find(|value| !value.is_null()).or_else(|| values.first());
            return example.or(first).cloned().unwrap_or_default();
        }
        if let Some(variants) = schema::union(schema) {
            return self.union(schema, variants, example, position);
        }
        match schema::kind(schema) {
            Some("object") => self.object(schema, example, position),
            Some("array") => self.array(schema, example, position),
            Some("string") => self.string(schema, example, position),
            Some(kind @ ("integer" | "number")) => example.cloned().unwrap_or_else(|| {
                let plausible = plausible(position.name).map(|number| json!(number));
                let fitting = plausible.filter(|number| fits(self.root, schema, number));
                fitting.unwrap_or_else(|| number(schema, kind == "integer"))
            }),
            Some("boolean") => example.cloned().unwrap_or(Value::Bool(false)),
            Some(_) => Value::Null,
            None => match example {
                Some(example) => self.local(example.clone(), position),
                None if position.depth == 0 => self.untyped(),
                None => Value::Null,
            },
        }
    }

    /// Returns the seed, or the value of the input with the same name.
    fn echo(&self, schema: &Value, position: Position<'_>) -> Option<Value> {
        if position.depth != 1 {
            return None;
        }
        let value = match position.name {
            "seed" => json!(self.spec.seed),
            name if is_url_name(name) => return None,
            name => self.spec.echo(name)?.clone(),
        };
        fits(self.root, schema, &value).then_some(value)
    }

    /// Returns the inherited example if it fits, or else one of the schema's own, or else its default.
    fn example(&self, schema: &Value, inherited: Option<&Value>) -> Option<Value> {
        let own = schema.get("examples").and_then(Value::as_array).into_iter().flatten();
        inherited
            .into_iter()
            .chain(own)
            .chain(schema.get("example"))
            .chain(schema.get("default"))
            .find(|value| !value.is_null() && fits(self.root, schema, value))
            .cloned()
    }

    /// Chooses the first variant that fits the example, or else the first that is not null. Variants that contain
    /// themselves come last.
    fn union(&mut self, schema: &Value, variants: &[Value], example: Option<&Value>, position: Position<'_>) -> Value {
        let fitting = |variant: &&Value| example.is_some_and(|value| fits(self.root, variant, value));
        let recursive = |variant: &&Value| self.is_recursive(variant, 0);
        let real = |variant: &&Value| {
            schema::is_null(schema::follow(self.root, variant)) == (is_error(position) && example.is_none())
        };
        let chosen = variants
            .iter()
            .find(|variant| fitting(variant) && !recursive(variant))
            .or_else(|| variants.iter().find(|variant| real(variant) && !recursive(variant)))
            .or_else(|| variants.iter().find(|variant| !recursive(variant)))
            .or_else(|| variants.first());
        let Some(chosen) = chosen else {
            return Value::Null;
        };
        let whole = schema::with_siblings(schema, chosen);
        self.value(&whole, example, position.step())
    }

    fn object(&mut self, schema: &Value, example: Option<&Value>, position: Position<'_>) -> Value {
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let required = schema::required(schema);
        let given = example.and_then(Value::as_object);
        let file = properties.contains_key("url").then(|| self.file(schema, given, position));
        let is_free = properties.is_empty() && given.is_none() && required.is_empty();
        if is_free && let Some(file) = self.undescribed_file(schema, position) {
            return file;
        }

        let mut object = Map::new();
        for (name, property) in properties {
            let example = given.and_then(|given| given.get(name)).filter(|value| !value.is_null());
            let required = required.contains(&name.as_str());
            let shown = example.is_some() || given.is_none();
            let position = position.property(name);
            if let Some(value) = file.as_ref().and_then(|file| self.file_field(name, property, file, required)) {
                object.insert(name.clone(), value);
            } else if required
                || self.includes(property, shown, position)
                    && !(file.is_some() && ["file_size", "file_data"].contains(&name.as_str()))
                    && !(is_error(position) && example.is_none())
            {
                object.insert(name.clone(), self.value(property, example, position));
            }
        }
        let undeclared = given.into_iter().flatten().filter(|(name, _)| !properties.contains_key(name.as_str()));
        self.undeclared(schema, undeclared, position, &mut object);
        for name in required {
            object.entry(name).or_insert(Value::Null);
        }
        Value::Object(object)
    }

    /// Adds properties that the schema does not declare but allows: those of an example, and as many as it requires.
    fn undeclared<'v>(
        &mut self,
        schema: &Value,
        examples: impl Iterator<Item = (&'v String, &'v Value)>,
        position: Position<'_>,
        object: &mut Map<String, Value>,
    ) {
        let values = schema.get("additionalProperties");
        let is_free = values.is_none() && schema.get("properties").is_none() || values == Some(&Value::Bool(true));
        for (name, example) in examples {
            let position = position.property(name);
            match values {
                Some(values @ Value::Object(_)) => {
                    object.insert(name.clone(), self.value(values, Some(example), position))
                }
                _ if is_free => object.insert(name.clone(), self.local(example.clone(), position)),
                _ => None,
            };
        }
        let Some(values @ Value::Object(_)) = values else {
            return;
        };
        let seconds = json!(0.5);
        if position.name == "timings" && object.is_empty() && fits(self.root, values, &seconds) {
            object.insert("inference".to_owned(), seconds);
        }
        let min = schema.get("minProperties").and_then(Value::as_u64).unwrap_or(0).min(100) as usize;
        for index in object.len()..min {
            object.insert(format!("key_{index}"), self.value(values, None, position.property("key")));
        }
    }

    /// Returns whether an optional property is included. `shown` means that the example has it, or that there is no
    /// example.
    fn includes(&self, schema: &Value, shown: bool, position: Position<'_>) -> bool {
        if position.depth == 1 {
            match self.spec.echo(position.name) {
                // The input turns off what the property would have.
                Some(off @ Value::Bool(false)) if !fits(self.root, schema, off) => return false,
                Some(_) => return true,
                None if position.name == "seed" => return true,
                None => {}
            }
        }
        shown
            && position.depth < MAX_OPTIONAL_DEPTH
            && self.values < MAX_OPTIONAL_VALUES
            && !self.is_recursive(schema, 0)
    }

    fn array(&mut self, schema: &Value, example: Option<&Value>, position: Position<'_>) -> Value {
        let examples: &[Value] = example.and_then(Value::as_array).map_or(&[], Vec::as_slice);
        if let Some(members) = schema.get("prefixItems").and_then(Value::as_array) {
            let mut array = Vec::new();
            for (index, member) in members.iter().enumerate() {
                let mut item = self.value(member, examples.get(index), position.item());
                if example.is_none() && position.name.starts_with("timestamp") {
                    self.set_time(member, index, &mut item);
                }
                array.push(item);
            }
            return Value::Array(array);
        }
        let any = Value::Bool(true);
        let items = schema.get("items").unwrap_or(&any);
        let bound =
            |name: &str| schema.get(name).and_then(Value::as_u64).map(|count| count.min(MAX_VALUES as u64) as usize);
        let (min, max) = (bound("minItems").unwrap_or(0), bound("maxItems").unwrap_or(MAX_VALUES));
        let requested = self.spec.count.filter(|_| position.depth == 1 && position.name == "images");
        let default = if example.is_some() { examples.len() } else { 1 };
        let is_empty =
            self.is_recursive(items, 0) || position.depth >= MAX_OPTIONAL_DEPTH || self.values > MAX_OPTIONAL_VALUES;
        let count = if is_empty { 0 } else { requested.unwrap_or(default) };
        let count = count.min(max).max(min);
        // Items beyond the example follow its last item.
        let like = |index: usize| examples.get(index).or(examples.last());
        let mut array: Vec<Value> = (0..count).map(|index| self.value(items, like(index), position.item())).collect();
        if example.is_none() && position.name.starts_with("timestamp") {
            array.iter_mut().enumerate().for_each(|(index, item)| self.set_time(items, index, item));
        }
        Value::Array(array)
    }

    /// Makes the times of an array follow one another.
    fn set_time(&self, schema: &Value, index: usize, item: &mut Value) {
        let time = json!(index as f64 * 1.5);
        if item.as_f64() == Some(0.0) && fits(self.root, schema, &time) {
            *item = time;
        }
    }

    fn string(&mut self, schema: &Value, example: Option<&Value>, position: Position<'_>) -> Value {
        let example = example.and_then(Value::as_str);
        let is_url = schema.get("format").and_then(Value::as_str) == Some("uri")
            || is_url_name(position.name)
            || example.is_some_and(is_url);
        if is_url {
            let file = self.next_file(file_kind::guess(&[example.unwrap_or(""), position.name, position.parent]), None);
            return self.url(&file);
        }
        let reply = || texts::text(Text::Reply, &self.spec.caption.prompt, self.spec.seed);
        if position.depth == 1 && position.name == "output" && self.spec.replies() {
            let reply = json!(reply());
            if fits(self.root, schema, &reply) {
                return reply;
            }
        }
        if let Some(example) = example {
            return json!(example);
        }
        let format = schema.get("format").and_then(Value::as_str);
        let text = match format {
            Some("date-time") => "2026-01-01T00:00:00Z".to_owned(),
            Some("date") => "2026-01-01".to_owned(),
            Some("time") => "00:00:00Z".to_owned(),
            Some("uuid") => "00000000-0000-4000-8000-000000000000".to_owned(),
            Some("email") => "emulator@example.com".to_owned(),
            _ => self.words(position.name),
        };
        let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
        let min = bound("minLength").unwrap_or(0).min(1 << 20) as usize;
        let max = bound("maxLength").unwrap_or(u64::MAX).min(1 << 20) as usize;
        let padding = std::iter::repeat_n('.', min.saturating_sub(text.chars().count()));
        json!(text.chars().chain(padding).take(max).collect::<String>())
    }

    /// Returns the text of a property, as its name says.
    fn words(&self, name: &str) -> String {
        const PROSE: [&str; 14] = [
            "output",
            "outputs",
            "text",
            "generated_text",
            "result",
            "results",
            "response",
            "content",
            "message",
            "caption",
            "description",
            "summary",
            "scene",
            "transcription",
        ];
        let spec = self.spec;
        if name.ends_with("prompt") && !spec.caption.prompt.is_empty() {
            return spec.caption.prompt.clone();
        }
        if name == "id" || name.ends_with("_id") {
            return format!("{:016x}", spec.motif(0));
        }
        if !PROSE.contains(&name) {
            return "Made by the emulator.".to_owned();
        }
        texts::text(self.text_kind(name), &spec.caption.prompt, spec.seed)
    }

    fn text_kind(&self, name: &str) -> Text {
        match self.spec.category.as_str() {
            "speech-to-text" | "audio-to-text" => Text::Transcript,
            _ if name == "transcription" => Text::Transcript,
            _ if ["caption", "description", "scene"].contains(&name) => Text::Description,
            _ => Text::Reply,
        }
    }

    /// Returns a file, if an object without declared properties is named after one.
    fn undescribed_file(&mut self, schema: &Value, position: Position<'_>) -> Option<Value> {
        let kind = match position.name.trim_end_matches('s') {
            "image" => FileKind::Image,
            "video" => FileKind::Video,
            "audio" => FileKind::Audio,
            _ => return None,
        };
        let probe = json!({ "url": "", "content_type": "", "file_name": "" });
        fits(self.root, schema, &probe).then(|| self.bare_file(kind))
    }

    /// Makes a file with the usual properties.
    fn bare_file(&mut self, kind: FileKind) -> Value {
        let file = self.next_file(kind, None);
        let (content_type, file_name) = (file.content_type(), file.file_name());
        json!({ "url": self.url(&file), "content_type": content_type, "file_name": file_name })
    }

    /// Returns an output that no schema describes, as the endpoint's id and category say.
    fn untyped(&mut self) -> Value {
        if let Some(output) = untyped::open_ai(self.spec) {
            return output;
        }
        let spec = self.spec;
        let made = spec.category.rsplit("-to-").next().unwrap_or_default();
        let (name, kind) = match made {
            "video" => ("video", FileKind::Video),
            "image" => ("image", FileKind::Image),
            "audio" | "speech" | "music" => ("audio", FileKind::Audio),
            "3d" => ("model_mesh", FileKind::Model(None)),
            "text" => return json!({ "output": self.words("output") }),
            _ => return json!({}),
        };
        json!({ name: self.bare_file(kind) })
    }

    /// Returns an example that no schema describes, with its URLs replaced by URLs of the emulator.
    fn local(&mut self, value: Value, position: Position<'_>) -> Value {
        match value {
            Value::String(text) if is_url(&text) => {
                let file = self.next_file(file_kind::guess(&[&text, position.name, position.parent]), None);
                self.url(&file)
            }
            Value::Array(items) => items.into_iter().map(|item| self.local(item, position)).collect(),
            Value::Object(members) => members
                .into_iter()
                .map(|(name, value)| {
                    let value = self.local(value, position.property(&name));
                    (name, value)
                })
                .collect(),
            other => other,
        }
    }

    /// Makes the file of an object with a `url`. An example of the whole object is the best hint of its kind. The
    /// schema's own examples are the worst: many videos are a `File` whose example is an image.
    fn file(&mut self, schema: &Value, given: Option<&Map<String, Value>>, position: Position<'_>) -> MediaFile {
        let given_text = |name: &str| given.and_then(|given| given.get(name)).and_then(Value::as_str).unwrap_or("");
        let property = |name: &str| schema.get("properties").and_then(|properties| properties.get(name));
        let own_type = property("content_type").and_then(|it| it.pointer("/examples/0")).and_then(Value::as_str);
        let component = self.inside.last().map_or("", |reference| reference.rsplit('/').next().unwrap_or(""));
        let has_sides = property("width").and(property("height")).is_some();
        // A component such as `VideoFile` says more than a name such as `image`.
        let is_telling = ["VideoFile", "ImageFile", "AudioFile", "Video", "Image", "Audio"].contains(&component);
        let kind = file_kind::guess(&[
            if ModelFormat::parse(position.name).is_some() { position.name } else { "" },
            given_text("content_type"),
            given_text("url"),
            if is_telling { component } else { "" },
            position.name,
            component,
            position.parent,
            if has_sides { "image" } else { "" },
            own_type.unwrap_or(""),
        ]);
        let side = |name: &str| {
            let side = given?.get(name)?.as_u64()?;
            (1..=u64::from(MAX_SIDE)).contains(&side).then_some(side as u32)
        };
        self.next_file(kind, side("width").zip(side("height")))
    }

    /// Returns a property of a file. The size of an image in bytes is included only if it is required, because the
    /// image has to be drawn for it.
    fn file_field(&mut self, name: &str, schema: &Value, file: &MediaFile, required: bool) -> Option<Value> {
        let value = match name {
            "url" => return Some(self.url(file)),
            "content_type" => json!(file.content_type()),
            "file_name" => json!(file.file_name()),
            "file_size" if required || matches!(file.kind(), MediaKind::Model(_) | MediaKind::Fixed(_)) => {
                json!(self.bytes(file).len())
            }
            name => facts(file.kind(), name)?,
        };
        fits(self.root, schema, &value).then_some(value)
    }

    /// Makes a new file. The size of an image comes from the input, or else from the example.
    fn next_file(&mut self, kind: FileKind, example_size: Option<(u32, u32)>) -> MediaFile {
        let motif = self.spec.motif(self.file_count);
        self.file_count += 1;
        let kind = match kind {
            FileKind::Image => {
                let (width, height) = self.spec.size.or(example_size).unwrap_or(DEFAULT_SIZE);
                self.pixels += u64::from(width) * u64::from(height);
                MediaKind::Image { width, height, format: self.spec.format }
            }
            FileKind::Video => {
                let clip = self.spec.clip();
                self.pixels += u64::from(clip.width) * u64::from(clip.height);
                MediaKind::Video(clip)
            }
            FileKind::Audio => self.spec.audio(),
            FileKind::Model(format) => MediaKind::Model(format.unwrap_or_else(|| self.spec.model_format())),
            FileKind::Fixed(file) => MediaKind::Fixed(file),
        };
        if self.pixels > MAX_PIXELS {
            self.fail(format!("the emulator's limit of {MAX_PIXELS} pixels in an output is reached"));
        }
        if let MediaKind::Video(_) | MediaKind::Audio { .. } = kind {
            self.played.get_or_insert(kind);
        }
        let file = MediaFile::new(motif, kind).owned(self.spec.owner);
        if self.spec.canvas.is_some() { file.painted() } else { file }
    }

    fn url(&mut self, file: &MediaFile) -> Value {
        if self.spec.inline {
            let bytes = self.bytes(file);
            self.inline_bytes += bytes.len();
            if self.inline_bytes > MAX_INLINE_BYTES {
                self.fail(format!(
                    "the emulator's limit of {} MiB of data URIs in an output is reached",
                    MAX_INLINE_BYTES >> 20
                ));
                return Value::Null;
            }
            return json!(format!("data:{};base64,{}", file.content_type(), STANDARD.encode(bytes)));
        }
        self.files.push(file.clone());
        json!(self.urls.to(&file.path()))
    }

    fn bytes(&mut self, file: &MediaFile) -> Bytes {
        let bytes = match self.error {
            Some(_) => Ok(Bytes::new()),
            None => file.bytes(Some(&self.spec.caption), self.spec.canvas.as_ref()),
        };
        bytes.unwrap_or_else(|error| {
            self.fail(error);
            Bytes::new()
        })
    }

    fn fail(&mut self, error: String) {
        self.error.get_or_insert(error);
    }

    /// Returns whether a value of the schema must contain itself. An array need not, because it may be empty.
    fn is_recursive(&self, schema: &Value, steps: usize) -> bool {
        let every = |members: &[Value]| members.iter().all(|member| self.is_recursive(member, steps + 1));
        let any = |members: &[Value]| members.iter().any(|member| self.is_recursive(member, steps + 1));
        let list = |keyword: &str| schema.get(keyword).and_then(Value::as_array);
        if steps > 8 {
            return true;
        }
        let reference = schema.get("$ref").and_then(Value::as_str);
        reference.is_some_and(|reference| {
            self.inside.iter().any(|other| other == reference)
                || resolve(self.root, reference)
                    .is_some_and(|target| target.get("$ref").is_some() && self.is_recursive(target, steps + 1))
        }) || schema::union(schema).is_some_and(|members| every(members))
            || list("allOf").is_some_and(|members| any(members))
    }
}

/// Returns a property of a file that follows from its content.
fn facts(kind: MediaKind, name: &str) -> Option<Value> {
    Some(match (kind, name) {
        (MediaKind::Image { width, .. }, "width") => json!(width),
        (MediaKind::Image { height, .. }, "height") => json!(height),
        (MediaKind::Video(clip), "width") => json!(clip.width),
        (MediaKind::Video(clip), "height") => json!(clip.height),
        (MediaKind::Video(clip), "duration") => json!(clip.seconds()),
        (MediaKind::Video(clip), "duration_ms") => json!((clip.seconds() * 1000.0).round() as u64),
        (MediaKind::Video(clip), "fps") => json!(clip.fps),
        (MediaKind::Video(clip), "num_frames") => json!(clip.frames),
        (MediaKind::Audio { milliseconds, .. }, "duration") => json!(f64::from(milliseconds) / 1000.0),
        (MediaKind::Audio { milliseconds, .. }, "duration_ms") => json!(milliseconds),
        (MediaKind::Audio { .. }, "sample_rate") => json!(wav::RATE),
        (MediaKind::Audio { milliseconds, .. }, "file_size") => json!(wav::file_size(milliseconds)),
        (MediaKind::Audio { .. }, "channels") => json!(1),
        (MediaKind::Audio { .. }, "bitrate") => json!(format!("{}k", wav::RATE * 16 / 1000)),
        _ => return None,
    })
}

/// Returns a likely number of a property.
fn plausible(name: &str) -> Option<f64> {
    match name {
        "confidence" | "probability" => Some(0.9),
        "inference" | "latency" | "generation_time" | "total_generation_time" => Some(0.5),
        "end" | "end_time" => Some(1.5),
        name if name.ends_with("score") || name.ends_with("scores") => Some(0.9),
        _ => None,
    }
}

/// Returns the number closest to zero that a schema allows.
fn number(schema: &Value, integer: bool) -> Value {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let step = bound("multipleOf").filter(|step| *step > 0.0).unwrap_or(if integer { 1.0 } else { 0.5 });
    let min = bound("minimum").into_iter().chain(bound("exclusiveMinimum").map(|min| min + step)).reduce(f64::max);
    let max = bound("maximum").into_iter().chain(bound("exclusiveMaximum").map(|max| max - step)).reduce(f64::min);
    let mut number = 0.0_f64;
    if let Some(max) = max {
        number = number.min((max / step).floor() * step);
    }
    if let Some(min) = min {
        number = number.max((min / step).ceil() * step);
    }
    if number.fract() == 0.0 && number.abs() < 9e15 { json!(number as i64) } else { json!(number) }
}
