use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::documents::document::Document;
use crate::documents::schema::{self, fits};
use crate::media::media_file::{Content, MediaFile};
use crate::media::raster::MAX_SIDE;
use crate::output::spec::OutputSpec;

/// How many containers deep an output may be, and how many values it may have, before optional ones are left out.
const DEEP: usize = 10;
const MANY: usize = 2_000;
/// How often schemas may lead to others at all: beyond, a document demands a value inside itself.
const BOTTOM: usize = 60;
/// How many values there may be at all: a list may demand a million items.
const MOST: usize = 20_000;
/// The size of a picture where neither the input nor an example says one.
const USUAL_SIZE: (u32, u32) = (512, 512);

/// An output, and the files that it refers to.
pub(crate) struct Made {
    pub(crate) output: Value,
    pub(crate) files: Vec<MediaFile>,
}

/// Makes a result that fits the document: from its examples, echoing the input, with files that the emulator serves.
/// The error is the one of the encoder of a picture.
pub(crate) fn make(document: &Document, wanted: &OutputSpec, base_url: &str) -> Result<Made, String> {
    let root = &document.root;
    let mut maker =
        Maker { root, wanted, base_url, count: 0, files: Vec::new(), values: 0, inside: Vec::new(), error: None };
    let mut output = maker.value(&document.output, document.example.as_ref(), Place::default());
    agree(&mut output);
    let files = maker.files;
    maker.error.map_or(Ok(Made { output, files }), Err)
}

/// There is one verdict on safety for every image.
fn agree(output: &mut Value) {
    let images = output.get("images").and_then(Value::as_array).map(Vec::len);
    let verdicts = output.get_mut("has_nsfw_concepts").and_then(Value::as_array_mut);
    if let (Some(images), Some(verdicts)) = (images, verdicts) {
        verdicts.resize(images, Value::Bool(false));
    }
}

struct Maker<'a> {
    /// Where references lead.
    root: &'a Value,
    wanted: &'a OutputSpec,
    base_url: &'a str,
    /// How many files it thought of, so that each is another.
    count: u64,
    /// Those that it refers to.
    files: Vec<MediaFile>,
    values: usize,
    /// The references that lead to where it is, to notice circles.
    inside: Vec<String>,
    /// What went wrong with a picture.
    error: Option<String>,
}

/// Where in the output a value goes.
#[derive(Clone, Copy, Debug, Default)]
struct Place<'a> {
    /// The closest name of a property, and the one above it.
    name: &'a str,
    above: &'a str,
    /// How many containers are around it.
    level: usize,
    /// How many schemas led here.
    steps: usize,
}

impl<'a> Place<'a> {
    fn step(self) -> Self {
        Place { steps: self.steps + 1, ..self }
    }

    fn item(self) -> Self {
        Place { level: self.level + 1, steps: self.steps + 1, ..self }
    }

    fn property(self, name: &'a str) -> Self {
        Place { name, above: self.name, ..self.item() }
    }
}

impl Maker<'_> {
    fn value(&mut self, schema: &Value, example: Option<&Value>, place: Place<'_>) -> Value {
        self.values += 1;
        if place.steps > BOTTOM || self.values > MOST {
            return Value::Null;
        }
        let outside = self.inside.len();
        let schema = schema::expand(self.root, schema, &mut self.inside);
        let value = self.value_inside(&schema, example, place);
        self.inside.truncate(outside);
        value
    }

    fn value_inside(&mut self, schema: &Value, example: Option<&Value>, place: Place<'_>) -> Value {
        if let Some(echo) = self.echo(schema, place) {
            return echo;
        }
        let example = self.example(schema, example);
        let example = example.as_ref();
        if let Some(expected) = schema.get("const") {
            return expected.clone();
        }
        if let Some(listed) = schema.get("enum").and_then(Value::as_array) {
            let usual = listed.iter().find(|value| !value.is_null()).or_else(|| listed.first());
            return example.or(usual).cloned().unwrap_or_default();
        }
        if let Some(members) = schema::union(schema) {
            return self.union(schema, members, example, place);
        }
        match schema::kind(schema) {
            Some("object") => self.object(schema, example, place),
            Some("array") => self.list(schema, example, place),
            Some("string") => self.text(schema, example, place),
            Some("integer") => example.cloned().unwrap_or_else(|| number(schema, true)),
            Some("number") => example.cloned().unwrap_or_else(|| number(schema, false)),
            Some("boolean") => example.cloned().unwrap_or(Value::Bool(false)),
            Some(_) => Value::Null,
            None => match example {
                Some(example) => self.local(example.clone(), place),
                None if place.level == 0 => json!({}),
                None => Value::Null,
            },
        }
    }

    /// What the input says of the same name, and the seed.
    fn echo(&self, schema: &Value, place: Place<'_>) -> Option<Value> {
        if place.level != 1 {
            return None;
        }
        let value = match place.name {
            "seed" => json!(self.wanted.seed),
            name if is_url_name(name) => return None,
            name => self.wanted.echo(name)?.clone(),
        };
        fits(self.root, schema, &value).then_some(value)
    }

    /// The example that was handed down if it fits, else one of the schema's own, else its default.
    fn example(&self, schema: &Value, handed: Option<&Value>) -> Option<Value> {
        let own = schema.get("examples").and_then(Value::as_array).into_iter().flatten();
        handed
            .into_iter()
            .chain(own)
            .chain(schema.get("example"))
            .chain(schema.get("default"))
            .find(|value| !value.is_null() && fits(self.root, schema, value))
            .cloned()
    }

    /// The first member that the example fits, else the first that is not null. Where it would go around in a circle,
    /// any member that does not.
    fn union(&mut self, schema: &Value, members: &[Value], example: Option<&Value>, place: Place<'_>) -> Value {
        let fitting = |member: &&Value| example.is_some_and(|value| fits(self.root, member, value));
        let endless = |member: &&Value| self.is_circle(member, 0);
        let real = |member: &&Value| !schema::is_null(schema::follow(self.root, member));
        let chosen = members
            .iter()
            .find(|member| fitting(member) && !endless(member))
            .or_else(|| members.iter().find(|member| real(member) && !endless(member)))
            .or_else(|| members.iter().find(|member| !endless(member)))
            .or_else(|| members.first());
        let Some(chosen) = chosen else {
            return Value::Null;
        };
        let whole = schema::with_siblings(schema, chosen);
        self.value(&whole, example, place.step())
    }

    fn object(&mut self, schema: &Value, example: Option<&Value>, place: Place<'_>) -> Value {
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let required = schema::required(schema);
        let given = example.and_then(Value::as_object);
        let file = properties.contains_key("url").then(|| self.file(schema, given, place));

        let mut object = Map::new();
        for (name, property) in properties {
            let example = given.and_then(|given| given.get(name)).filter(|value| !value.is_null());
            let required = required.contains(&name.as_str());
            let shown = example.is_some() || given.is_none();
            let place = place.property(name);
            if let Some(value) = file.as_ref().and_then(|file| self.file_field(name, property, file, required)) {
                object.insert(name.clone(), value);
            } else if required || self.is_wanted(property, shown, place) && !(file.is_some() && name == "file_size") {
                object.insert(name.clone(), self.value(property, example, place));
            }
        }
        let unlisted = given.into_iter().flatten().filter(|(name, _)| !properties.contains_key(name.as_str()));
        self.unlisted(schema, unlisted, place, &mut object);
        for name in required {
            object.entry(name).or_insert(Value::Null);
        }
        Value::Object(object)
    }

    /// Adds properties that the schema does not list but allows: those of an example, and as many as there have to be.
    fn unlisted<'v>(
        &mut self,
        schema: &Value,
        examples: impl Iterator<Item = (&'v String, &'v Value)>,
        place: Place<'_>,
        object: &mut Map<String, Value>,
    ) {
        let values = schema.get("additionalProperties");
        let is_free = values.is_none() && schema.get("properties").is_none() || values == Some(&Value::Bool(true));
        for (name, example) in examples {
            let place = place.property(name);
            match values {
                Some(values @ Value::Object(_)) => {
                    object.insert(name.clone(), self.value(values, Some(example), place))
                }
                _ if is_free => object.insert(name.clone(), self.local(example.clone(), place)),
                _ => None,
            };
        }
        let Some(values @ Value::Object(_)) = values else {
            return;
        };
        let seconds = json!(0.5);
        if place.name == "timings" && object.is_empty() && fits(self.root, values, &seconds) {
            object.insert("inference".to_owned(), seconds);
        }
        let least = schema.get("minProperties").and_then(Value::as_u64).unwrap_or(0).min(100) as usize;
        for index in object.len()..least {
            object.insert(format!("key_{index}"), self.value(values, None, place.property("key")));
        }
    }

    /// Whether an optional property is there. `shown` says that an example has it, or that there is none.
    fn is_wanted(&self, schema: &Value, shown: bool, place: Place<'_>) -> bool {
        if place.level == 1 && (place.name == "seed" || self.wanted.echo(place.name).is_some()) {
            return true;
        }
        shown && place.level < DEEP && self.values < MANY && !self.is_circle(schema, 0)
    }

    fn list(&mut self, schema: &Value, example: Option<&Value>, place: Place<'_>) -> Value {
        let examples: &[Value] = example.and_then(Value::as_array).map_or(&[], Vec::as_slice);
        if let Some(members) = schema.get("prefixItems").and_then(Value::as_array) {
            let members = members.iter().enumerate();
            return members.map(|(index, member)| self.value(member, examples.get(index), place.item())).collect();
        }
        let any = Value::Bool(true);
        let items = schema.get("items").unwrap_or(&any);
        let bound = |name: &str| schema.get(name).and_then(Value::as_u64).map(|count| count.min(MOST as u64) as usize);
        let (least, most) = (bound("minItems").unwrap_or(0), bound("maxItems").unwrap_or(MOST));
        let asked = self.wanted.count.filter(|_| place.level == 1 && place.name == "images");
        let usual = if example.is_some() { examples.len() } else { 1 };
        let endless = self.is_circle(items, 0) || place.level >= DEEP || self.values > MANY;
        let count = if endless { 0 } else { asked.unwrap_or(usual) };
        let count = count.min(most).max(least);
        // More items than the example has are made after its last one.
        let like = |index: usize| examples.get(index).or(examples.last());
        (0..count).map(|index| self.value(items, like(index), place.item())).collect()
    }

    fn text(&mut self, schema: &Value, example: Option<&Value>, place: Place<'_>) -> Value {
        let example = example.and_then(Value::as_str);
        let is_url = schema.get("format").and_then(Value::as_str) == Some("uri")
            || is_url_name(place.name)
            || example.is_some_and(is_url);
        if is_url {
            let file = self.next_file(kind(&[example.unwrap_or(""), place.name, place.above]), None);
            return self.url(&file);
        }
        if let Some(example) = example {
            return json!(example);
        }
        let format = schema.get("format").and_then(Value::as_str);
        let text = match format {
            Some("date-time") => "2026-01-01T00:00:00Z",
            Some("date") => "2026-01-01",
            Some("time") => "00:00:00Z",
            Some("uuid") => "00000000-0000-4000-8000-000000000000",
            Some("email") => "emulator@example.com",
            _ => "Made by the emulator.",
        };
        let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
        let least = bound("minLength").unwrap_or(0).min(1 << 20) as usize;
        let most = bound("maxLength").unwrap_or(u64::MAX).min(1 << 20) as usize;
        let padding = std::iter::repeat_n('.', least.saturating_sub(text.len()));
        json!(text.chars().chain(padding).take(most).collect::<String>())
    }

    /// An example that no schema describes, its URLs replaced by those of files that the emulator serves.
    fn local(&mut self, value: Value, place: Place<'_>) -> Value {
        match value {
            Value::String(text) if is_url(&text) => {
                let file = self.next_file(kind(&[&text, place.name, place.above]), None);
                self.url(&file)
            }
            Value::Array(items) => items.into_iter().map(|item| self.local(item, place)).collect(),
            Value::Object(members) => members
                .into_iter()
                .map(|(name, value)| {
                    let value = self.local(value, place.property(&name));
                    (name, value)
                })
                .collect(),
            other => other,
        }
    }

    /// The file that an object with a `url` is about. An example of the whole object says best what it is; the schema's
    /// own examples say least, for many a video is a `File` whose example is an image.
    fn file(&mut self, schema: &Value, given: Option<&Map<String, Value>>, place: Place<'_>) -> MediaFile {
        let given_text = |name: &str| given.and_then(|given| given.get(name)).and_then(Value::as_str).unwrap_or("");
        let property = |name: &str| schema.get("properties").and_then(|properties| properties.get(name));
        let own_type = property("content_type").and_then(|it| it.pointer("/examples/0")).and_then(Value::as_str);
        let component = self.inside.last().map_or("", |reference| reference.rsplit('/').next().unwrap_or(""));
        let has_sides = property("width").and(property("height")).is_some();
        let kind = kind(&[
            given_text("content_type"),
            given_text("url"),
            place.name,
            component,
            place.above,
            if has_sides { "image" } else { "" },
            own_type.unwrap_or(""),
        ]);
        let side = |name: &str| {
            let side = given?.get(name)?.as_u64()?;
            (1..=u64::from(MAX_SIDE)).contains(&side).then_some(side as u32)
        };
        self.next_file(kind, side("width").zip(side("height")))
    }

    /// What an object says of its file. How large a picture is shows only when it is drawn, so that is said only where
    /// it has to be.
    fn file_field(&mut self, name: &str, schema: &Value, file: &MediaFile, required: bool) -> Option<Value> {
        let value = match name {
            "url" => return Some(self.url(file)),
            "content_type" => json!(file.content_type()),
            "file_name" => json!(file.file_name()),
            "file_size" if required || file.size().is_none() => json!(self.bytes(file).len()),
            "width" => json!(file.size()?.0),
            "height" => json!(file.size()?.1),
            _ => return None,
        };
        fits(self.root, schema, &value).then_some(value)
    }

    /// A file of its own. The input says the size of pictures, else the example.
    fn next_file(&mut self, kind: Kind, example_size: Option<(u32, u32)>) -> MediaFile {
        let motif = self.wanted.motif.wrapping_add(self.count);
        self.count += 1;
        let content = match kind {
            Kind::Picture => {
                let (width, height) = self.wanted.size.or(example_size).unwrap_or(USUAL_SIZE);
                match self.wanted.canvas {
                    Some(_) => Content::Painting { width, height },
                    None => Content::Picture { width, height },
                }
            }
            Kind::Sound => Content::Silence,
            Kind::Other => Content::Note,
        };
        MediaFile::new(motif, content)
    }

    fn url(&mut self, file: &MediaFile) -> Value {
        if self.wanted.inline {
            let bytes = self.bytes(file);
            return json!(format!("data:{};base64,{}", file.content_type(), STANDARD.encode(bytes)));
        }
        self.files.push(file.clone());
        json!(format!("{}/{}", self.base_url, file.path()))
    }

    fn bytes(&mut self, file: &MediaFile) -> Bytes {
        file.bytes(self.wanted.canvas.as_ref()).unwrap_or_else(|error| {
            self.error = Some(error);
            Bytes::new()
        })
    }

    /// Whether a schema leads to where it is used. A list does not: it may be empty.
    fn is_circle(&self, schema: &Value, steps: usize) -> bool {
        let every = |members: &[Value]| members.iter().all(|member| self.is_circle(member, steps + 1));
        let any = |members: &[Value]| members.iter().any(|member| self.is_circle(member, steps + 1));
        let list = |keyword: &str| schema.get(keyword).and_then(Value::as_array);
        if steps > 8 {
            return true;
        }
        let reference = schema.get("$ref").and_then(Value::as_str);
        reference.is_some_and(|reference| {
            self.inside.iter().any(|other| other == reference)
                || schema::resolve(self.root, reference)
                    .is_some_and(|target| target.get("$ref").is_some() && self.is_circle(target, steps + 1))
        }) || schema::union(schema).is_some_and(|members| every(members))
            || list("allOf").is_some_and(|members| any(members))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Picture,
    Sound,
    Other,
}

/// What kind of file the hints speak of; the first that says anything counts.
fn kind(hints: &[&str]) -> Kind {
    const WORDS: [(Kind, &[&str]); 3] = [
        (Kind::Other, &["video", "mp4", "webm", "mesh", "glb", "zip", "safetensors", "lora", "json", "text", "model"]),
        (
            Kind::Picture,
            &[
                "image",
                "img",
                "png",
                "jpg",
                "jpeg",
                "webp",
                "gif",
                "mask",
                "picture",
                "photo",
                "frame",
                "thumbnail",
                "sprite",
            ],
        ),
        (Kind::Sound, &["audio", "wav", "mp3", "ogg", "flac", "speech", "voice", "music", "sound"]),
    ];
    let kind_of = |hint: &&str| {
        // Of a URL, the ending counts, not the host.
        let ending = hint.rsplit(['/', '.']).next().filter(|_| is_url(hint));
        let hint = ending.unwrap_or(hint).to_ascii_lowercase();
        WORDS.iter().find(|(_, words)| words.iter().any(|word| hint.contains(word))).map(|(kind, _)| *kind)
    };
    hints.iter().find_map(kind_of).unwrap_or(Kind::Other)
}

fn is_url_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["url", "urls", "uri"]
        .iter()
        .any(|ending| name.strip_suffix(ending).is_some_and(|start| start.is_empty() || start.ends_with('_')))
}

fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// The number closest to zero that a schema allows.
fn number(schema: &Value, integer: bool) -> Value {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let step = bound("multipleOf").filter(|step| *step > 0.0).unwrap_or(if integer { 1.0 } else { 0.5 });
    let least =
        bound("minimum").into_iter().chain(bound("exclusiveMinimum").map(|least| least + step)).reduce(f64::max);
    let most = bound("maximum").into_iter().chain(bound("exclusiveMaximum").map(|most| most - step)).reduce(f64::min);
    let mut number = 0.0_f64;
    if let Some(most) = most {
        number = number.min((most / step).floor() * step);
    }
    if let Some(least) = least {
        number = number.max((least / step).ceil() * step);
    }
    if number.fract() == 0.0 && number.abs() < 9e15 { json!(number as i64) } else { json!(number) }
}
