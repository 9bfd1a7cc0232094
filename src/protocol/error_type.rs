use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::undeclared::{ParseEnumError, UndeclaredValue};
use crate::text::shown;

/// Declares [`ErrorType`] from a table of its variants and their values.
macro_rules! error_type {
    ($(#[doc = $doc:literal])* pub enum $name:ident {
        $($(#[doc = $variant_doc:literal])* $variant:ident = $value:literal,)*
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[doc = $variant_doc])* $variant,)*
            /// An undeclared value.
            Other(UndeclaredValue),
        }

        impl $name {
            /// The declared values.
            pub const VALUES: &'static [&'static str] = &[$($value),*];

            /// The value as it appears in fal's JSON.
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$variant => $value,)*
                    $name::Other(value) => value.as_str(),
                }
            }

            fn declared(value: &str) -> Option<Self> {
                match value {
                    $($value => Some($name::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

error_type! {
    /// The type of a failure, as reported by fal. The set is open: fal adds values, and some models have their own.
    ///
    /// ```
    /// use fal_client::ErrorType;
    ///
    /// assert_eq!(ErrorType::other("request_timeout"), ErrorType::RequestTimeout);
    /// assert_eq!(ErrorType::RequestTimeout.as_str(), "request_timeout");
    /// ```
    ///
    /// The variants up to [`ConcurrentRequestsLimit`](Self::ConcurrentRequestsLimit) are failures of the platform
    /// (fal's page "Request errors"). The others are failures of a model (fal's page "Errors"). Each variant's
    /// documentation begins with its HTTP status. `ctx` is [`FieldError::ctx`](crate::FieldError::ctx).
    pub enum ErrorType {
        /// 504. The request was not processed in time. If the caller's own start timeout expired,
        /// [`Error::is_start_timeout`](crate::Error::is_start_timeout) is true.
        RequestTimeout = "request_timeout",
        /// 504. The runner did not start in time.
        StartupTimeout = "startup_timeout",
        /// 503. No runner could be scheduled.
        RunnerSchedulingFailure = "runner_scheduling_failure",
        /// 503. The connection to the runner timed out.
        RunnerConnectionTimeout = "runner_connection_timeout",
        /// 503. The runner disconnected.
        RunnerDisconnected = "runner_disconnected",
        /// 503. The runner refused the connection.
        RunnerConnectionRefused = "runner_connection_refused",
        /// 503. The connection to the runner failed.
        RunnerConnectionError = "runner_connection_error",
        /// 502. The runner's response was incomplete.
        RunnerIncompleteResponse = "runner_incomplete_response",
        /// 500. The runner failed.
        RunnerServerError = "runner_server_error",
        /// 499. The caller disconnected.
        ClientDisconnected = "client_disconnected",
        /// 499. The caller cancelled the request.
        ClientCancelled = "client_cancelled",
        /// 400. The request is malformed.
        BadRequest = "bad_request",
        /// 500. The platform failed.
        InternalError = "internal_error",
        /// 429. The account reached its limit of concurrent requests.
        ConcurrentRequestsLimit = "concurrent_requests_limit",

        /// 500. The model failed.
        InternalServerError = "internal_server_error",
        /// 504. The model took too long.
        GenerationTimeout = "generation_timeout",
        /// 400 or 500. A service that the model calls failed.
        DownstreamServiceError = "downstream_service_error",
        /// 500. A service that the model calls is not available.
        DownstreamServiceUnavailable = "downstream_service_unavailable",
        /// 422. The input or the output violates the content policy.
        ContentPolicyViolation = "content_policy_violation",
        /// 422. The model generated no media.
        NoMediaGenerated = "no_media_generated",
        /// 422. The image is too small. `ctx`: `min_height`, `min_width`.
        ImageTooSmall = "image_too_small",
        /// 422. The image is too large. `ctx`: `max_height`, `max_width`.
        ImageTooLarge = "image_too_large",
        /// 422. The image is too wide or too high for its other side. `ctx`: `min_aspect_ratio`, `max_aspect_ratio`, of the
        /// width divided by the height.
        ImageAspectRatioError = "image_aspect_ratio_error",
        /// 422. The image cannot be read.
        ImageLoadError = "image_load_error",
        /// 422. The file cannot be downloaded.
        FileDownloadError = "file_download_error",
        /// 422. No face was detected in the image.
        FaceDetectionError = "face_detection_error",
        /// 422. The file is too large. `ctx`: `max_size` in bytes.
        FileTooLarge = "file_too_large",
        /// 422. The value must be greater than `gt` in `ctx`.
        GreaterThan = "greater_than",
        /// 422. The value must be at least `ge` in `ctx`.
        GreaterThanEqual = "greater_than_equal",
        /// 422. The value must be less than `lt` in `ctx`.
        LessThan = "less_than",
        /// 422. The value must be at most `le` in `ctx`.
        LessThanEqual = "less_than_equal",
        /// 422. The value must be a multiple of `multiple_of` in `ctx`.
        MultipleOf = "multiple_of",
        /// 422. The string or array is too short. `ctx`: `min_length`.
        SequenceTooShort = "sequence_too_short",
        /// 422. The string or array is too long. `ctx`: `max_length`.
        SequenceTooLong = "sequence_too_long",
        /// 422. The value is not one of `expected` in `ctx`.
        OneOf = "one_of",
        /// 422. The model does not support the feature.
        FeatureNotSupported = "feature_not_supported",
        /// 422. The archive is invalid. `ctx`: `supported_extensions`.
        InvalidArchive = "invalid_archive",
        /// 422. The archive has too few files. `ctx`: `min_count`, `provided_count`, `supported_extensions`.
        ArchiveFileCountBelowMinimum = "archive_file_count_below_minimum",
        /// 422. The archive has too many files. `ctx`: `max_count`, `provided_count`, `supported_extensions`.
        ArchiveFileCountExceedsMaximum = "archive_file_count_exceeds_maximum",
        /// 422. The audio is too long. `ctx`: `max_duration`, `provided_duration` in seconds.
        AudioDurationTooLong = "audio_duration_too_long",
        /// 422. The audio is too short. `ctx`: `min_duration`, `provided_duration` in seconds.
        AudioDurationTooShort = "audio_duration_too_short",
        /// 422. The video is too long. `ctx`: `max_duration`, `provided_duration` in seconds.
        VideoDurationTooLong = "video_duration_too_long",
        /// 422. The video is too short. `ctx`: `min_duration`, `provided_duration` in seconds.
        VideoDurationTooShort = "video_duration_too_short",
        /// 422. The audio format is not supported. `ctx`: `supported_formats`.
        UnsupportedAudioFormat = "unsupported_audio_format",
        /// 422. The image format is not supported. `ctx`: `supported_formats`.
        UnsupportedImageFormat = "unsupported_image_format",
        /// 422. The video format is not supported. `ctx`: `supported_formats`.
        UnsupportedVideoFormat = "unsupported_video_format",
        /// 422. A required field is missing.
        Missing = "missing",
    }
}

impl ErrorType {
    /// Creates an error type from any value, declared or undeclared.
    pub fn other(value: impl AsRef<str>) -> Self {
        let value = value.as_ref();
        ErrorType::declared(value).unwrap_or_else(|| ErrorType::Other(UndeclaredValue::new(value)))
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(self.as_str()))
    }
}

impl fmt::Debug for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorType::Other(value) => write!(f, "Other({:?})", shown(value.as_str())),
            declared => write!(f, "{:?}", declared.as_str()),
        }
    }
}

impl FromStr for ErrorType {
    type Err = ParseEnumError;

    /// Parses a declared value.
    fn from_str(value: &str) -> Result<Self, ParseEnumError> {
        ErrorType::declared(value).ok_or_else(|| ParseEnumError::new(value, ErrorType::VALUES))
    }
}

impl Serialize for ErrorType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(ErrorType::other)
    }
}
