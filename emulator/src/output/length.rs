//! The size and the length of videos and sounds.

use serde_json::{Map, Value};

use crate::media::speech;
use crate::media::video::{Clip, MAX_FPS, MAX_FRAMES, MAX_SIDE};
use crate::media::wav::MAX_MILLISECONDS;

/// The longer side of a video if the input has no size in pixels.
const DEFAULT_SIDE: f64 = 768.0;
/// The frames a second, and the seconds, if the input has none.
const DEFAULT_FPS: f64 = 24.0;
const DEFAULT_SECONDS: f64 = 5.0;
/// The seconds of a sound if the input has none.
const DEFAULT_SOUND_SECONDS: f64 = 10.0;

/// Returns the number of a field: a number, or text such as `8s`.
pub(super) fn number(fields: &Map<String, Value>, names: &[&str]) -> Option<f64> {
    let value = |name: &&str| match fields.get(*name)? {
        Value::String(text) => text.trim().trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse().ok(),
        value => value.as_f64(),
    };
    names.iter().filter_map(value).find(|number| number.is_finite() && *number > 0.0)
}

/// Returns the video that an input requests. `shape` is the size of its images, which is exact if it `is_exact`, or else says
/// the ratio of the sides.
pub(super) fn clip(fields: &Map<String, Value>, shape: Option<(u32, u32)>, is_exact: bool) -> Clip {
    let (width, height) = shape.map_or((16.0, 9.0), |(width, height)| (f64::from(width), f64::from(height)));
    let (longer, shorter) = (f64::max(width, height), f64::min(width, height));
    // A resolution such as `720p` is the shorter side.
    let resolution = number(fields, &["resolution", "target_resolution"]).filter(|side| *side >= 100.0);
    let scale = match resolution {
        _ if is_exact => 1.0,
        Some(side) => side / shorter,
        None => DEFAULT_SIDE / longer,
    };
    let scale = scale.min(f64::from(MAX_SIDE) / longer);
    // Sides are even.
    let side = |side: f64| ((side * scale / 2.0).round() as u32 * 2).clamp(2, MAX_SIDE);

    let fps = number(fields, &["fps", "frames_per_second", "frame_rate", "export_fps", "output_fps", "target_fps"]);
    let fps = fps.unwrap_or(DEFAULT_FPS).round().clamp(1.0, f64::from(MAX_FPS));
    let frames = number(fields, &["num_frames", "number_of_frames"]).unwrap_or_else(|| {
        let seconds = number(fields, &["duration", "duration_seconds", "video_duration", "video_length", "seconds"]);
        seconds.unwrap_or(DEFAULT_SECONDS) * fps
    });
    let frames = frames.round().clamp(1.0, f64::from(MAX_FRAMES)) as u32;
    Clip { width: side(width), height: side(height), frames, fps: fps as u32 }
}

/// Returns the milliseconds of music.
pub(super) fn music(fields: &Map<String, Value>) -> u32 {
    let milliseconds = number(fields, &["music_length_ms", "duration_ms", "length_ms"]).or_else(|| {
        const SECONDS: [&str; 8] = [
            "duration",
            "seconds_total",
            "total_seconds",
            "duration_seconds",
            "music_duration",
            "audio_duration",
            "audio_length",
            "seconds",
        ];
        number(fields, &SECONDS).map(|seconds| seconds * 1000.0)
    });
    let milliseconds = milliseconds.unwrap_or(DEFAULT_SOUND_SECONDS * 1000.0);
    milliseconds.round().clamp(1.0, f64::from(MAX_MILLISECONDS)) as u32
}

/// Returns the milliseconds of a spoken text.
pub(super) fn spoken(text: &str) -> u32 {
    const UNKNOWN: u32 = 3_000;
    if text.trim().is_empty() { UNKNOWN } else { speech::milliseconds(text) }
}
