use serde::Deserializer;

use crate::__private::{Field, Mode, RecordShape, Rule, Shape, Validator, validate};
use crate::{FileInput, LocSegment};

/// Declares a media type of outputs: a URL and what is known of the file behind it.
macro_rules! media {
    ($(#[doc = $doc:expr])* $name:ident { $($(#[doc = $field_doc:expr])* $field:ident: $value:ty),* $(,)? }) => {
        crate::__output! {
            $(#[doc = $doc])*
            pub struct $name {
                /// Where the file is: a URL, or a data URI where the endpoint was asked to answer in place.
                pub url: String,
                /// The media type, `image/png`.
                pub content_type: Option<String>,
                /// The file's name.
                pub file_name: Option<String>,
                /// The size in bytes.
                pub file_size: Option<i64>,
                /// The file itself, which some endpoints' documents name and hardly any answer has.
                pub file_data: Option<String>,
                $($(#[doc = $field_doc])* pub $field: Option<$value>,)*
            }
        }

        impl $name {
            /// The file at a URL, of which nothing else is known.
            pub fn new(url: impl Into<String>) -> Self {
                $name {
                    url: url.into(),
                    content_type: None,
                    file_name: None,
                    file_size: None,
                    file_data: None,
                    $($field: None,)*
                }
            }
        }

        /// One endpoint's output as the next one's input.
        impl From<&$name> for FileInput {
            fn from(media: &$name) -> Self {
                FileInput::url(&media.url)
            }
        }

        impl From<$name> for FileInput {
            fn from(media: $name) -> Self {
                FileInput::url(media.url)
            }
        }
    };
}

media! {
    /// A file in an output.
    File {}
}

media! {
    /// An image in an output.
    Image {
        /// The width in pixels.
        width: i64,
        /// The height in pixels.
        height: i64,
    }
}

media! {
    /// A video in an output.
    Video {
        /// The width in pixels.
        width: i64,
        /// The height in pixels.
        height: i64,
        /// The frames per second.
        fps: f64,
        /// The length in seconds.
        duration: f64,
        /// The number of frames.
        num_frames: i64,
    }
}

media! {
    /// A sound in an output.
    Audio {
        /// The length in seconds.
        duration: f64,
        /// The samples per second.
        sample_rate: i64,
        /// The number of channels.
        channels: i64,
        /// The bits per second, as text (`192k`).
        bitrate: String,
    }
}

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
