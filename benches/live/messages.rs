//! The messages of each measurement.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Messages of a size, in one direction or in turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    SmallEvents,
    LargeEvents,
    EventsInBatches,
    SmallFrames,
    LargeFrames,
    FramesInBatches,
    RoundTrips,
}

impl Kind {
    pub(crate) const ALL: [Kind; 7] = [
        Kind::SmallEvents,
        Kind::LargeEvents,
        Kind::EventsInBatches,
        Kind::SmallFrames,
        Kind::LargeFrames,
        Kind::FramesInBatches,
        Kind::RoundTrips,
    ];

    /// Returns the endpoint id, by which the server tells the kinds apart.
    pub(crate) fn endpoint(self) -> &'static str {
        match self {
            Kind::SmallEvents => "bench/small-events",
            Kind::LargeEvents => "bench/large-events",
            Kind::EventsInBatches => "bench/batched-events",
            Kind::SmallFrames => "bench/small-frames",
            Kind::LargeFrames => "bench/large-frames",
            Kind::FramesInBatches => "bench/batched-frames",
            Kind::RoundTrips => "bench/round-trips",
        }
    }

    pub(crate) fn of(endpoint: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.endpoint() == endpoint)
    }

    /// Returns the marker of the table in BENCHMARKS.md.
    pub(crate) fn marker(self) -> String {
        format!("live-{}", self.endpoint().trim_start_matches("bench/"))
    }

    pub(crate) fn title(self) -> String {
        let size = self.message().len();
        match self {
            Kind::SmallEvents | Kind::LargeEvents => format!("events with {size} bytes of JSON"),
            Kind::EventsInBatches => format!("events with {size} bytes of JSON, 100 in a write"),
            Kind::SmallFrames | Kind::LargeFrames => format!("frames with {size} bytes of MessagePack"),
            Kind::FramesInBatches => format!("frames with {size} bytes of MessagePack, 100 in a write"),
            Kind::RoundTrips => format!("round trips, {size} bytes back"),
        }
    }

    /// Returns the number of messages, for about half a second.
    pub(crate) fn count(self) -> usize {
        match self {
            Kind::SmallEvents | Kind::SmallFrames => 200_000,
            Kind::LargeEvents => 100_000,
            Kind::EventsInBatches => 500_000,
            Kind::LargeFrames => 10_000,
            Kind::FramesInBatches => 1_000_000,
            Kind::RoundTrips => 20_000,
        }
    }

    /// Returns the number of messages that are written together. Models have no other message yet when they send one.
    pub(crate) fn batch(self) -> usize {
        if matches!(self, Kind::EventsInBatches | Kind::FramesInBatches) { 100 } else { 1 }
    }

    pub(crate) fn is_events(self) -> bool {
        matches!(self, Kind::SmallEvents | Kind::LargeEvents | Kind::EventsInBatches)
    }

    /// Returns a message as it is sent.
    pub(crate) fn message(self) -> Vec<u8> {
        match self {
            Kind::SmallEvents | Kind::EventsInBatches => Text::of(60).json(),
            Kind::LargeEvents => Text::of(4_000).json(),
            Kind::SmallFrames | Kind::FramesInBatches | Kind::RoundTrips => Images::of(60).packed(),
            Kind::LargeFrames => Images::of(100_000).packed(),
        }
    }
}

/// The output of `openrouter/router`, as a program without fal-client would declare it.
#[derive(Deserialize, Serialize)]
pub(crate) struct Text {
    pub(crate) output: String,
    pub(crate) reasoning: Option<String>,
    pub(crate) partial: Option<bool>,
    pub(crate) error: Option<String>,
}

impl Text {
    fn of(length: usize) -> Self {
        Text { output: "a fox ".repeat(length / 6), reasoning: None, partial: Some(true), error: None }
    }

    fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The output of `fal-ai/fast-lcm-diffusion`.
#[derive(Deserialize, Serialize)]
pub(crate) struct Images {
    pub(crate) images: Vec<Image>,
    pub(crate) timings: BTreeMap<String, f64>,
    pub(crate) seed: i64,
    pub(crate) has_nsfw_concepts: Vec<bool>,
    pub(crate) prompt: String,
}

#[derive(Deserialize, Serialize)]
pub(crate) struct Image {
    pub(crate) url: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) content_type: Option<String>,
}

impl Images {
    /// Creates an output with an image of which the URL has `length` bytes, as a data URI has.
    fn of(length: usize) -> Self {
        let url = format!("data:image/jpeg;base64,{}", "A".repeat(length));
        let image = Image { url, width: 512, height: 512, content_type: Some("image/jpeg".into()) };
        let timings = BTreeMap::from([("inference".into(), 0.125)]);
        Images { images: vec![image], timings, seed: 7, has_nsfw_concepts: vec![false], prompt: "a fox".into() }
    }

    fn packed(&self) -> Vec<u8> {
        rmp_serde::to_vec_named(self).unwrap_or_default()
    }
}
