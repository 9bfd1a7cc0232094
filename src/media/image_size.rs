use serde::Deserializer;

use crate::protocol::LocSegment;
use crate::schema::private::{Field, Mode, RecordShape, Rule, Shape, Validator, validate};

/// The size of an image in pixels.
///
/// ```
/// use fal_client::ImageSize;
///
/// assert_eq!(ImageSize::from((1280, 720)), ImageSize::new(1280, 720));
/// ```
///
/// A side that is not set is the endpoint's default; which sizes an endpoint takes is checked before sending.
#[non_exhaustive]
pub struct ImageSize {
    /// The width in pixels.
    pub width: Option<i64>,
    /// The height in pixels.
    pub height: Option<i64>,
}

crate::__record! { Lenient ImageSize: ImageSizeShape { width {} height {} } }

/// A record; an endpoint's bounds on its sides come as rules on the field that it is.
#[doc(hidden)]
#[derive(Debug)]
pub enum ImageSizeShape {}

impl Shape<ImageSize> for ImageSizeShape {
    const FIELDS: Option<&'static [Field]> = <RecordShape as Shape<ImageSize>>::FIELDS;

    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<ImageSize, D::Error> {
        <RecordShape as Shape<ImageSize>>::read(deserializer, mode)
    }

    fn blank() -> ImageSize {
        RecordShape::blank()
    }

    fn validate(size: &ImageSize, at: &mut Validator, rules: &'static [Rule]) {
        let width = rules.iter().find_map(|rule| if let Rule::Width(rules) = rule { Some(*rules) } else { None });
        let height = rules.iter().find_map(|rule| if let Rule::Height(rules) = rule { Some(*rules) } else { None });
        at.step(LocSegment::Key("width".to_owned()), |at| validate(&size.width, at, width.unwrap_or(&[])));
        at.step(LocSegment::Key("height".to_owned()), |at| validate(&size.height, at, height.unwrap_or(&[])));
    }
}

impl ImageSize {
    /// A size of `width` by `height` pixels.
    pub fn new(width: impl Into<i64>, height: impl Into<i64>) -> Self {
        ImageSize { width: Some(width.into()), height: Some(height.into()) }
    }
}

impl<W: Into<i64>, H: Into<i64>> From<(W, H)> for ImageSize {
    fn from((width, height): (W, H)) -> Self {
        ImageSize::new(width, height)
    }
}
