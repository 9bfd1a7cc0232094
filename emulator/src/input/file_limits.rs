//! Limits of the files in an input, which documents state in `x-fal` or on the property itself.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::documents::document::Document;
use crate::input::applying;
use crate::input::judge::detail;
use crate::input::violation::Violation;

/// The first bytes that may hold the sides of a picture.
pub(crate) const HEADER_BYTES: u64 = 256 << 10;
/// The deepest value that is looked at.
const MAX_DEPTH: usize = 32;

/// The size of a file in bytes, and its first bytes.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) size: u64,
    pub(crate) header: Vec<u8>,
}

/// Returns the violations of limits by the files of an input. `file` looks up a URL; an unknown file is not judged.
pub(crate) fn violations(document: &Document, input: &Value, file: &dyn Fn(&str) -> Option<Measured>) -> Vec<Value> {
    let mut judge = Judge { root: &document.root, file, found: Vec::new() };
    let mut all = Vec::new();
    applying::add(&document.root, &document.input, &mut all);
    judge.value(&all, &[], input, &mut vec![json!("body")]);
    judge.found
}

struct Judge<'a> {
    root: &'a Value,
    file: &'a dyn Fn(&str) -> Option<Measured>,
    found: Vec<Value>,
}

impl<'a> Judge<'a> {
    /// Judges a value by its schemas, and by those of the array around it.
    fn value(&mut self, all: &[&'a Value], array: &[&'a Value], value: &Value, loc: &mut Vec<Value>) {
        if loc.len() > MAX_DEPTH {
            return;
        }
        match value {
            Value::String(url) => {
                let limits = Limits::of(all.iter().chain(array).copied());
                if let Some(file) = limits.measure(url, self.file) {
                    self.report(limits.violations(&file), value, loc);
                }
            }
            Value::Array(items) => {
                let inner = applying::inside(self.root, all, value, "");
                for (index, item) in items.iter().enumerate() {
                    loc.push(json!(index));
                    self.value(&inner, all, item, loc);
                    loc.pop();
                }
                let combined =
                    Limits(all.iter().filter_map(|schema| schema.get("x-fal")?.get("combined")?.as_object()).collect());
                if let Some(max) = combined.number("max_file_size") {
                    let urls = items.iter().filter_map(Value::as_str);
                    let total = urls.filter_map(|url| combined.measure(url, self.file)).map(|file| file.size).sum();
                    self.report(too_large(total, max), value, loc);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    let inner = applying::inside(self.root, all, value, name);
                    loc.push(json!(name));
                    self.value(&inner, &[], member, loc);
                    loc.pop();
                }
            }
            _ => {}
        }
    }

    fn report(&mut self, violations: impl IntoIterator<Item = Violation>, value: &Value, loc: &[Value]) {
        let details =
            violations.into_iter().map(|violation| detail(Value::Array(loc.to_vec()), &violation, Some(value)));
        self.found.extend(details);
    }
}

/// The objects that have the limits of a file. The first with a keyword decides on it.
struct Limits<'a>(Vec<&'a Map<String, Value>>);

impl<'a> Limits<'a> {
    fn of(schemas: impl Iterator<Item = &'a Value>) -> Self {
        let places = schemas.flat_map(|schema| schema.get("x-fal").into_iter().chain([schema]));
        Limits(places.filter_map(Value::as_object).collect())
    }

    fn number(&self, keyword: &str) -> Option<f64> {
        self.0.iter().find_map(|place| place.get(keyword)?.as_f64()).filter(|limit| *limit >= 0.0)
    }

    /// Measures a file, if there are limits at all.
    fn measure(&self, url: &str, file: &dyn Fn(&str) -> Option<Measured>) -> Option<Measured> {
        const LIMITS: [&str; 11] = [
            "max_file_size",
            "min_width",
            "max_width",
            "min_height",
            "max_height",
            "min_area",
            "max_area",
            "max_pixels",
            "min_aspect_ratio",
            "max_aspect_ratio",
            "multiple_of",
        ];
        LIMITS.iter().find_map(|keyword| self.number(keyword))?;
        data_uri(url).or_else(|| file(url))
    }

    fn violations(&self, file: &Measured) -> Vec<Violation> {
        let mut violations: Vec<Violation> =
            self.number("max_file_size").and_then(|max| too_large(file.size, max)).into_iter().collect();
        let Ok(picture) = imagesize::blob_size(&file.header) else { return violations };
        let (width, height) = (picture.width as f64, picture.height as f64);
        let area = width * height;
        let max_area = if self.number("max_area").is_some() { "max_area" } else { "max_pixels" };
        let exceeds = |sign: f64, limits: [(&'static str, f64); 3]| {
            let known = limits.map(|(keyword, value)| (keyword, value, self.number(keyword)));
            let is_violated =
                known.iter().any(|(_, value, limit)| limit.is_some_and(|limit| sign * (value - limit) > 0.0));
            let ctx = known.into_iter().filter_map(|(keyword, _, limit)| Some((keyword, limit?)));
            is_violated.then(|| ctx.collect::<Vec<_>>())
        };
        let with = |violation: Violation, ctx: Vec<(&'static str, f64)>| {
            ctx.into_iter().fold(violation, |violation, (name, limit)| violation.with(name, json_number(limit)))
        };
        if let Some(ctx) = exceeds(-1.0, [("min_width", width), ("min_height", height), ("min_area", area)]) {
            violations.push(with(Violation::new("image_too_small", "Image too small"), ctx));
        }
        if let Some(ctx) = exceeds(1.0, [("max_width", width), ("max_height", height), (max_area, area)]) {
            violations.push(with(Violation::new("image_too_large", "Image too large"), ctx));
        }
        let ratio = width / height;
        let (min, max) = (self.number("min_aspect_ratio"), self.number("max_aspect_ratio"));
        if min.is_some_and(|min| ratio < min) || max.is_some_and(|max| ratio > max) {
            let msg = match (min, max) {
                (Some(min), Some(max)) => format!("The aspect ratio of the image should be between {min} and {max}."),
                (Some(min), None) => format!("The aspect ratio of the image should be greater than {min}."),
                (_, max) => format!("The aspect ratio of the image should be less than {}.", max.unwrap_or_default()),
            };
            let ctx = [("min_aspect_ratio", min), ("max_aspect_ratio", max)];
            let ctx = ctx.into_iter().filter_map(|(name, limit)| Some((name, limit?))).collect();
            violations.push(with(Violation::new("image_aspect_ratio_error", msg), ctx));
        }
        if let Some(step) = self.number("multiple_of").filter(|step| width % step != 0.0 || height % step != 0.0) {
            let msg = format!("Image sides should be multiples of {step}");
            violations.push(Violation::new("multiple_of", msg).with("multiple_of", json_number(step)));
        }
        violations
    }
}

fn too_large(size: u64, max: f64) -> Option<Violation> {
    let max = json_number(max);
    let msg = format!("File size exceeds the maximum allowed size of {max} bytes. Please upload a smaller file.");
    let is_exceeded = max.as_f64().is_some_and(|max| size as f64 > max);
    is_exceeded.then(|| Violation::new("file_too_large", msg).with("max_size", max))
}

fn json_number(number: f64) -> Value {
    if number.fract() == 0.0 && number < 9e15 { json!(number as u64) } else { json!(number) }
}

/// Measures the file in a data URI.
fn data_uri(url: &str) -> Option<Measured> {
    let (kind, data) = url.strip_prefix("data:")?.split_once(',')?;
    kind.strip_suffix(";base64")?;
    let bytes = STANDARD.decode(data.trim()).ok()?;
    let size = bytes.len() as u64;
    let header = bytes.into_iter().take(HEADER_BYTES as usize).collect();
    Some(Measured { size, header })
}
