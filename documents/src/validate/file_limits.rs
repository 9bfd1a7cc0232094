//! Limits of the files and of the image sizes in an input, which documents state in `x-fal` or on the property itself.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::validate::applying;
use crate::validate::own_values;
use crate::validate::violation::Violation;

/// The first bytes that may hold the sides of a picture.
pub const HEADER_BYTES: u64 = 256 << 10;
/// The deepest value that is looked at.
const MAX_DEPTH: usize = 32;

/// The size of a file in bytes, and its first bytes.
#[derive(Debug)]
pub struct Measured {
    /// The size of the file.
    pub size: u64,
    /// The first bytes: [`HEADER_BYTES`], or all of a smaller file.
    pub header: Vec<u8>,
}

/// Returns the violations of limits by the files and the image sizes of an input. `file` looks up a URL; an unknown file is not
/// judged.
pub(super) fn violations(
    root: &Value,
    schema: &Value,
    input: &Value,
    file: &dyn Fn(&str) -> Option<Measured>,
) -> Vec<Value> {
    let mut judge = Judge { root, file, found: Vec::new() };
    let mut all = Vec::new();
    applying::add(root, schema, &mut all);
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
            Value::Array(_) | Value::Object(_) if all.iter().any(|schema| own_values::states(schema, value)) => {}
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
                self.size(&Limits::of(all.iter().copied()), members, loc);
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

    /// Judges a size of an image: an object that has two sides, and nothing else.
    fn size(&mut self, limits: &Limits<'_>, size: &Map<String, Value>, loc: &[Value]) {
        let side = |name: &str| size.get(name).and_then(Value::as_i64).map(|side| side as f64);
        let (Some(width), Some(height), 2) = (side("width"), side("height"), size.len()) else { return };
        let value = Value::Object(size.clone());
        for (name, side) in [("width", width), ("height", height)] {
            let bounds = limits.bounds(&[&format!("min_{name}")], &[&format!("max_{name}")]);
            let at = [loc, &[json!(name)]].concat();
            self.report(out_of_bounds("Input", side, bounds), &value[name], &at);
            self.report(limits.not_multiple(side), &value[name], &at);
        }
        let area = limits.bounds(&["min_area", "min_pixels"], &["max_area", "max_pixels"]);
        self.report(out_of_bounds("Area", width * height, area), &value, loc);
        let ratio = limits.bounds(&["min_aspect_ratio"], &["max_aspect_ratio"]);
        self.report(out_of_bounds("Aspect ratio", width / height, ratio), &value, loc);
    }

    fn report(&mut self, violations: impl IntoIterator<Item = Violation>, value: &Value, loc: &[Value]) {
        let details = violations.into_iter().map(|violation| violation.detail(Value::Array(loc.to_vec()), Some(value)));
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

    /// Returns the lower and the upper bound of a measure. Bounds that no file meets are a mistake of the document.
    fn bounds(&self, min: &[&str], max: &[&str]) -> [Option<f64>; 2] {
        let bounds = [min, max].map(|keywords| keywords.iter().find_map(|keyword| self.number(keyword)));
        match bounds {
            [Some(min), Some(max)] if min > max => [None, None],
            bounds => bounds,
        }
    }

    /// Measures a file, if there are limits at all.
    fn measure(&self, url: &str, file: &dyn Fn(&str) -> Option<Measured>) -> Option<Measured> {
        const LIMITS: [&str; 12] = [
            "max_file_size",
            "min_width",
            "max_width",
            "min_height",
            "max_height",
            "min_area",
            "max_area",
            "min_pixels",
            "max_pixels",
            "min_aspect_ratio",
            "max_aspect_ratio",
            "multiple_of",
        ];
        LIMITS.iter().find_map(|keyword| self.number(keyword))?;
        data_uri(url).or_else(|| file(url))
    }

    fn violations(&self, file: &Measured) -> Vec<Violation> {
        let size = self.number("max_file_size").and_then(|max| too_large(file.size, max));
        let Ok(picture) = imagesize::blob_size(&file.header) else { return Vec::from_iter(size) };
        let (width, height) = (picture.width as f64, picture.height as f64);
        // A model may turn a picture before it looks at its sides.
        let readings =
            if is_turned(&file.header) { vec![(width, height), (height, width)] } else { vec![(width, height)] };
        let picture = readings.into_iter().map(|(width, height)| self.picture(width, height)).min_by_key(Vec::len);
        size.into_iter().chain(picture.unwrap_or_default()).collect()
    }

    fn picture(&self, width: f64, height: f64) -> Vec<Violation> {
        let area = width * height;
        let [min_width, max_width] = self.bounds(&["min_width"], &["max_width"]);
        let [min_height, max_height] = self.bounds(&["min_height"], &["max_height"]);
        let [min_area, max_area] = self.bounds(&["min_area", "min_pixels"], &["max_area", "max_pixels"]);
        let [min_ratio, max_ratio] = self.bounds(&["min_aspect_ratio"], &["max_aspect_ratio"]);
        let is_under = |value: f64, min: Option<f64>| min.is_some_and(|min| value < min);
        let is_over = |value: f64, max: Option<f64>| max.is_some_and(|max| value > max);
        let mut violations = Vec::new();
        if is_under(width, min_width) || is_under(height, min_height) || is_under(area, min_area) {
            let ctx = [("min_width", min_width), ("min_height", min_height), ("min_area", min_area)];
            violations.push(with(Violation::new("image_too_small", "Image too small"), ctx));
        }
        if is_over(width, max_width) || is_over(height, max_height) || is_over(area, max_area) {
            let ctx = [("max_width", max_width), ("max_height", max_height), ("max_area", max_area)];
            violations.push(with(Violation::new("image_too_large", "Image too large"), ctx));
        }
        let ratio = width / height;
        if is_under(ratio, min_ratio) || is_over(ratio, max_ratio) {
            let msg = match (min_ratio, max_ratio) {
                (Some(min), Some(max)) => format!("The aspect ratio of the image should be between {min} and {max}."),
                (Some(min), None) => format!("The aspect ratio of the image should be greater than {min}."),
                (_, max) => format!("The aspect ratio of the image should be less than {}.", max.unwrap_or_default()),
            };
            let ctx = [("min_aspect_ratio", min_ratio), ("max_aspect_ratio", max_ratio)];
            violations.push(with(Violation::new("image_aspect_ratio_error", msg), ctx));
        }
        let step = self.step();
        if let Some(step) = step.filter(|step| width % step != 0.0 || height % step != 0.0) {
            let msg = format!("Image sides should be multiples of {step}");
            violations.push(Violation::new("multiple_of", msg).with("multiple_of", json_number(step)));
        }
        violations
    }

    fn step(&self) -> Option<f64> {
        self.number("multiple_of").filter(|step| *step > 0.0)
    }

    fn not_multiple(&self, side: f64) -> Option<Violation> {
        let step = self.step().filter(|step| side % step != 0.0)?;
        let msg = format!("Input should be a multiple of {step}");
        Some(Violation::new("multiple_of", msg).with("multiple_of", json_number(step)))
    }
}

/// Returns the violation of the bounds of a number. A number that is not one, such as 0/0, violates none.
fn out_of_bounds(what: &str, number: f64, [min, max]: [Option<f64>; 2]) -> Option<Violation> {
    let words = |comparison: &str, bound: f64| format!("{what} should be {comparison} than or equal to {bound}");
    match (min, max) {
        (Some(min), _) if number < min => {
            Some(Violation::new("greater_than_equal", words("greater", min)).with("ge", json_number(min)))
        }
        (_, Some(max)) if number > max => {
            Some(Violation::new("less_than_equal", words("less", max)).with("le", json_number(max)))
        }
        _ => None,
    }
}

fn with<const N: usize>(violation: Violation, ctx: [(&str, Option<f64>); N]) -> Violation {
    let ctx = ctx.into_iter().filter_map(|(name, limit)| Some((name, limit?)));
    ctx.fold(violation, |violation, (name, limit)| violation.with(name, json_number(limit)))
}

/// Returns true if a JPEG is to be shown turned by a quarter: the orientation in its Exif metadata is 5 to 8.
fn is_turned(header: &[u8]) -> bool {
    const EXIF: &[u8] = b"Exif\0\0";
    let exif = header.starts_with(b"\xff\xd8").then(|| header.windows(EXIF.len()).position(|window| window == EXIF));
    let tiff = exif.flatten().map_or(&[][..], |at| &header[at + EXIF.len()..]);
    let is_little = tiff.starts_with(b"II");
    let number = |at: usize, length: usize| {
        let bytes = tiff.get(at..at.checked_add(length)?)?;
        let push = |number: usize, byte: &u8| number << 8 | usize::from(*byte);
        Some(if is_little { bytes.iter().rev().fold(0, push) } else { bytes.iter().fold(0, push) })
    };
    // A directory has the number of its entries, then 12 bytes for each: tag, type, count and value.
    let orientation = number(4, 4).and_then(|directory| {
        let mut entries = (0..number(directory, 2)?).map(|index| directory + 2 + index * 12);
        number(entries.find(|entry| number(*entry, 2) == Some(0x0112))? + 8, 2)
    });
    orientation.is_some_and(|orientation| (5..=8).contains(&orientation))
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
    let (scheme, rest) = url.split_once(':')?;
    let (kind, data) = rest.split_once(',').filter(|_| scheme.eq_ignore_ascii_case("data"))?;
    let data = percent_decode_str(data);
    let bytes = match kind.rsplit_once(';') {
        Some((_, encoding)) if encoding.eq_ignore_ascii_case("base64") => {
            let data: Vec<u8> = data.filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=').collect();
            STANDARD_NO_PAD.decode(data).ok()?
        }
        _ => data.collect(),
    };
    let size = bytes.len() as u64;
    let header = bytes.into_iter().take(HEADER_BYTES as usize).collect();
    Some(Measured { size, header })
}
