//! The media types of outputs, which all consist of a URL and metadata.

use crate::files::FileInput;

/// Declares a media type of outputs: the common fields, its own fields, and conversions to a file of an input.
macro_rules! media {
    ($(#[doc = $doc:expr])* $name:ident { $($(#[doc = $field_doc:expr])* $field:ident: $value:ty),* $(,)? }) => {
        $(#[doc = $doc])*
        #[fal_client_macros::output]
        pub struct $name {
                /// The URL of the file. A data URI if the endpoint was asked to return files inline.
                pub url: String,
                /// The media type, such as `image/png`.
                pub content_type: Option<String>,
                /// The file's name.
                pub file_name: Option<String>,
                /// The size in bytes.
                pub file_size: Option<i64>,
                /// The file's contents. Some schemas declare this field, but responses rarely have it.
                pub file_data: Option<String>,
                $($(#[doc = $field_doc])* pub $field: Option<$value>,)*
        }

        impl $name {
            /// Creates a value with a URL and no metadata.
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

        /// Uses one endpoint's output as another endpoint's input.
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
    /// An audio file in an output.
    Audio {
        /// The length in seconds.
        duration: f64,
        /// The samples per second.
        sample_rate: i64,
        /// The number of channels.
        channels: i64,
        /// The bits per second as a string, such as `192k`.
        bitrate: String,
    }
}
