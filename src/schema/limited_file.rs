//! Limits of files: what the validator finds while it walks an input, and the check once a file is measured.

use serde_json::{Map, Value};

use super::rules::{Number, Rule};
use super::validator::Validator;
use crate::files::FileInput;
use crate::protocol::{FieldError, LocSegment};

/// A file of an input with limits, or an array of files with limits of all together.
#[derive(Debug)]
pub(crate) struct LimitedFile {
    pub(crate) loc: Vec<LocSegment>,
    pub(crate) files: Vec<FileInput>,
    pub(super) limits: &'static [Rule],
}

/// The measures of a file, as far as they are known before it is sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measures {
    /// Bytes.
    pub(crate) size: Option<u64>,
    /// The sides of a picture. It has several if they depend on who looks at it.
    pub(crate) sides: Vec<(u64, u64)>,
}

impl LimitedFile {
    /// Returns the violations of the limits by files with these measures.
    pub(crate) fn violations(&self, measures: &[Measures]) -> Vec<FieldError> {
        let sizes = measures.iter().filter_map(|file| file.size);
        let size = sizes.reduce(u64::saturating_add);
        let sides = match measures {
            [only] => &only.sides[..],
            _ => &[],
        };
        // A picture that fits in one of its readings may be accepted.
        let readings = sides.iter().map(|sides| self.picture(*sides));
        let picture = readings.min_by_key(Vec::len).unwrap_or_default();
        size.and_then(|size| self.size(size)).into_iter().chain(picture).collect()
    }

    fn size(&self, size: u64) -> Option<FieldError> {
        let (_, max) = self.bounds("size");
        let max = max.filter(|max| max.less_than(Number::Int(size.into())))?;
        let what = if self.files.len() > 1 { "Files have" } else { "File has" };
        let together = if self.files.len() > 1 { " together" } else { "" };
        let msg = format!("{what} {size} bytes{together}, but at most {max} are allowed");
        Some(self.error("file_too_large", msg, &[("max_size", Some(max))]))
    }

    fn picture(&self, (width, height): (u64, u64)) -> Vec<FieldError> {
        let [(min_width, max_width), (min_height, max_height), (min_area, max_area)] =
            ["width", "height", "area"].map(|name| self.bounds(name));
        let (min_ratio, max_ratio) = self.bounds("aspect_ratio");
        let area = width.saturating_mul(height);
        let is_under =
            |value: u64, min: Option<Number>| min.is_some_and(|min| Number::Int(value.into()).less_than(min));
        let is_over = |value: u64, max: Option<Number>| max.is_some_and(|max| max.less_than(Number::Int(value.into())));
        let mut errors = Vec::new();
        if is_under(width, min_width) || is_under(height, min_height) || is_under(area, min_area) {
            let ctx = [("min_width", min_width), ("min_height", min_height), ("min_area", min_area)];
            let expected = expected("at least", [min_width, min_height, min_area]);
            let msg = format!("Image is too small: {width} by {height} pixels, but expected {expected}");
            errors.push(self.error("image_too_small", msg, &ctx));
        }
        if is_over(width, max_width) || is_over(height, max_height) || is_over(area, max_area) {
            let ctx = [("max_width", max_width), ("max_height", max_height), ("max_area", max_area)];
            let expected = expected("at most", [max_width, max_height, max_area]);
            let msg = format!("Image is too large: {width} by {height} pixels, but expected {expected}");
            errors.push(self.error("image_too_large", msg, &ctx));
        }
        let ratio = Number::Float(width as f64 / height.max(1) as f64);
        if min_ratio.is_some_and(|min| ratio.less_than(min)) || max_ratio.is_some_and(|max| max.less_than(ratio)) {
            let range = match (min_ratio, max_ratio) {
                (Some(min), Some(max)) => format!("between {min} and {max}"),
                (Some(min), None) => format!("at least {min}"),
                (_, max) => format!("at most {}", max.unwrap_or(ratio)),
            };
            let msg = format!(
                "Image has the wrong aspect ratio: {width} by {height} pixels, but expected width / height {range}"
            );
            let ctx = [("min_aspect_ratio", min_ratio), ("max_aspect_ratio", max_ratio)];
            errors.push(self.error("image_aspect_ratio_error", msg, &ctx));
        }
        let step =
            self.limits.iter().find_map(|rule| if let Rule::MultipleOf(step) = rule { Some(*step) } else { None });
        if let Some(step) = step
            && [width, height].iter().any(|side| !Number::Int((*side).into()).is_multiple_of(step))
        {
            let msg = format!("Image has {width} by {height} pixels, but expected multiples of {step}");
            errors.push(self.error("multiple_of", msg, &[("multiple_of", Some(step))]));
        }
        errors
    }

    /// Returns the bounds of a measure.
    fn bounds(&self, measure: &str) -> (Option<Number>, Option<Number>) {
        let (mut min, mut max) = (None, None);
        for rule in self.limits {
            if let Rule::Field(name, rules) = rule
                && *name == measure
            {
                for rule in *rules {
                    match rule {
                        Rule::Minimum(bound) => min = Some(*bound),
                        Rule::Maximum(bound) => max = Some(*bound),
                        _ => {}
                    }
                }
            }
        }
        (min, max)
    }

    fn error(&self, error_type: &str, msg: String, ctx: &[(&str, Option<Number>)]) -> FieldError {
        let ctx = ctx.iter().filter_map(|(key, bound)| Some(((*key).to_owned(), (*bound)?.to_json())));
        Validator::error(self.loc.clone(), error_type, msg, Value::Object(Map::from_iter(ctx)), None)
    }
}

/// Returns the bounds of a picture in words: `at least 300 wide, at least 200 high`.
fn expected(comparison: &str, bounds: [Option<Number>; 3]) -> String {
    let words = bounds.into_iter().zip(["wide", "high", "in area"]);
    let words = words.filter_map(|(bound, of)| Some(format!("{comparison} {} {of}", bound?)));
    words.collect::<Vec<_>>().join(", ")
}
