//! The bodies, and their types as a program without fal-client would declare them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A body, and the work with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    ReadImages,
    ReadDataUri,
    RunImages,
    RunDataUri,
    SendDataUri,
}

impl Kind {
    pub(crate) const ALL: [Kind; 5] =
        [Kind::ReadImages, Kind::ReadDataUri, Kind::RunImages, Kind::RunDataUri, Kind::SendDataUri];

    /// Returns the id of the endpoint, by which the server tells the bodies apart.
    pub(crate) fn endpoint(self) -> &'static str {
        match self {
            Kind::ReadImages => "bench/read-images",
            Kind::ReadDataUri => "bench/read-data-uri",
            Kind::RunImages => "bench/run-images",
            Kind::RunDataUri => "bench/run-data-uri",
            Kind::SendDataUri => "bench/send-data-uri",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.endpoint().trim_start_matches("bench/")
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Kind::ReadImages => "reading 50 MiB of images",
            Kind::ReadDataUri => "reading a data URI of 50 MiB",
            Kind::RunImages => "`run` with 50 MiB of images in the output",
            Kind::RunDataUri => "`run` with a data URI of 50 MiB in the output",
            Kind::SendDataUri => "`run` with a data URI of 20 MiB in the input",
        }
    }

    /// Returns the ways to do the work.
    pub(crate) fn ways(self) -> &'static [&'static str] {
        match self {
            Kind::ReadImages | Kind::ReadDataUri => &["copy", "derive", "fal-client", "`Value`"],
            Kind::RunImages | Kind::RunDataUri => &["bare, as bytes", "bare", "fal-client", "fal-client, untyped"],
            Kind::SendDataUri => &["bare", "fal-client", "fal-client, untyped"],
        }
    }

    /// Returns the way that the others are compared with.
    pub(crate) fn yardstick(self) -> &'static str {
        if matches!(self, Kind::ReadImages | Kind::ReadDataUri) { "derive" } else { "bare" }
    }

    /// Returns the size of the body that is large, in bytes.
    pub(crate) fn size(self) -> usize {
        if self == Kind::SendDataUri { 20 << 20 } else { 50 << 20 }
    }

    /// Returns the body of the response. Making it leaves no unused memory behind, which the work could take.
    pub(crate) fn output(self) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.size() + 1024);
        body.extend(br#"{"images":["#);
        match self {
            Kind::ReadImages | Kind::RunImages => {
                for number in 0.. {
                    body.extend(Image::of_number(number).json());
                    if body.len() >= self.size() {
                        break;
                    }
                    body.push(b',');
                }
            }
            Kind::ReadDataUri | Kind::RunDataUri => body.extend(Image::of_url(data_uri(self.size())).json()),
            Kind::SendDataUri => body.extend(Image::of_number(0).json()),
        }
        body.extend(br#"],"timings":{"inference":2.5},"seed":42,"has_nsfw_concepts":[false],"prompt":"a fox"}"#);
        body
    }
}

pub(crate) fn data_uri(size: usize) -> String {
    let mut uri = String::with_capacity(size + 32);
    uri.push_str("data:image/png;base64,");
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uri.extend(letters.chars().cycle().take(size));
    uri
}

/// The output of `fal-ai/flux/dev/redux`.
#[allow(dead_code, reason = "programs would read the fields")]
#[derive(Deserialize)]
pub(crate) struct Output {
    images: Vec<Image>,
    timings: BTreeMap<String, f64>,
    seed: i128,
    has_nsfw_concepts: Vec<bool>,
    prompt: String,
}

#[derive(Deserialize, Serialize)]
struct Image {
    url: String,
    content_type: Option<String>,
    file_name: Option<String>,
    file_size: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<String>,
    width: Option<i64>,
    height: Option<i64>,
}

impl Image {
    fn of_number(number: usize) -> Self {
        Image::of_url(format!("https://v3.fal.media/files/penguin/{number:053}.png"))
    }

    fn of_url(url: String) -> Self {
        Image {
            url,
            content_type: Some("image/png".to_owned()),
            file_name: Some("abcdefghijklmnopqrstu.png".to_owned()),
            file_size: Some(1_843_921),
            file_data: None,
            width: Some(1024),
            height: Some(1024),
        }
    }

    fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The part of an input of `fal-ai/flux/dev/redux` that is sent.
#[derive(Serialize)]
pub(crate) struct Input {
    pub(crate) image_url: String,
}
