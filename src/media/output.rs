use crate::files::FileInput;

/// Declares a media type of outputs: a URL and what is known of the file behind it.
macro_rules! media {
    ($(#[doc = $doc:expr])* $name:ident { $($(#[doc = $field_doc:expr])* $field:ident: $value:ty),* $(,)? }) => {
        $(#[doc = $doc])*
        #[fal_client_macros::output]
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
