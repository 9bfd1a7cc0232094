//! The flagship endpoint written by hand, for `by_hand.rs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The endpoint's input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The content of the image.
    pub prompt: String,
    /// URL of the image whose edges guide the composition.
    pub control_image_url: String,
    /// The influence of the control image's edges on the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controlnet_conditioning_scale: Option<f64>,
    /// URL of the image to start from.
    pub image_url: String,
    /// URL of the mask.
    pub mask_url: String,
    /// Content to avoid in the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_prompt: Option<String>,
    /// Size of the images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_size: Option<ImageSizeChoice>,
    /// Number of denoising steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_inference_steps: Option<i64>,
    /// The influence of the prompt on the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance_scale: Option<f64>,
    /// The share of the starting image that is redrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<f64>,
    /// The seed of the random numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Returns the image in the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_mode: Option<bool>,
    /// The number of images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_images: Option<i64>,
    /// LoRA weights to merge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loras: Option<Vec<LoraWeight>>,
    /// Checks the images for unsafe content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_safety_checker: Option<bool>,
    /// Lets the service enrich the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expand_prompt: Option<bool>,
}

impl Input {
    /// Creates an input with its required fields.
    pub fn new(
        prompt: impl Into<String>,
        control_image_url: impl Into<String>,
        image_url: impl Into<String>,
        mask_url: impl Into<String>,
    ) -> Self {
        Input {
            prompt: prompt.into(),
            control_image_url: control_image_url.into(),
            controlnet_conditioning_scale: None,
            image_url: image_url.into(),
            mask_url: mask_url.into(),
            negative_prompt: None,
            image_size: None,
            num_inference_steps: None,
            guidance_scale: None,
            strength: None,
            seed: None,
            sync_mode: None,
            num_images: None,
            loras: None,
            enable_safety_checker: None,
            expand_prompt: None,
        }
    }

    /// Sets `controlnet_conditioning_scale`.
    pub fn controlnet_conditioning_scale(mut self, value: impl Into<f64>) -> Self {
        self.controlnet_conditioning_scale = Some(value.into());
        self
    }

    /// Sets `negative_prompt`.
    pub fn negative_prompt(mut self, value: impl Into<String>) -> Self {
        self.negative_prompt = Some(value.into());
        self
    }

    /// Sets `image_size`.
    pub fn image_size(mut self, value: impl Into<ImageSizeChoice>) -> Self {
        self.image_size = Some(value.into());
        self
    }

    /// Sets `num_inference_steps`.
    pub fn num_inference_steps(mut self, value: impl Into<i64>) -> Self {
        self.num_inference_steps = Some(value.into());
        self
    }

    /// Sets `guidance_scale`.
    pub fn guidance_scale(mut self, value: impl Into<f64>) -> Self {
        self.guidance_scale = Some(value.into());
        self
    }

    /// Sets `strength`.
    pub fn strength(mut self, value: impl Into<f64>) -> Self {
        self.strength = Some(value.into());
        self
    }

    /// Sets `seed`.
    pub fn seed(mut self, value: impl Into<i64>) -> Self {
        self.seed = Some(value.into());
        self
    }

    /// Sets `sync_mode`.
    pub fn sync_mode(mut self, value: impl Into<bool>) -> Self {
        self.sync_mode = Some(value.into());
        self
    }

    /// Sets `num_images`.
    pub fn num_images(mut self, value: impl Into<i64>) -> Self {
        self.num_images = Some(value.into());
        self
    }

    /// Sets `loras`.
    pub fn loras(mut self, value: impl IntoIterator<Item = impl Into<LoraWeight>>) -> Self {
        self.loras = Some(value.into_iter().map(Into::into).collect());
        self
    }

    /// Sets `enable_safety_checker`.
    pub fn enable_safety_checker(mut self, value: impl Into<bool>) -> Self {
        self.enable_safety_checker = Some(value.into());
        self
    }

    /// Sets `expand_prompt`.
    pub fn expand_prompt(mut self, value: impl Into<bool>) -> Self {
        self.expand_prompt = Some(value.into());
        self
    }
}

/// Size of the images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ImageSizeChoice {
    /// One of the declared values.
    Preset(ImageSizePreset),
    /// A width and a height in pixels.
    Custom(ImageSize),
}

/// A size with a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ImageSizePreset {
    #[serde(rename = "square_hd")]
    SquareHd,
    #[serde(rename = "square")]
    Square,
    #[serde(rename = "portrait_4_3")]
    Portrait4_3,
    #[serde(rename = "portrait_16_9")]
    Portrait16_9,
    #[serde(rename = "landscape_4_3")]
    Landscape4_3,
    #[serde(rename = "landscape_16_9")]
    Landscape16_9,
}

/// A size in pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageSize {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<i64>,
}

/// A LoRA.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoraWeight {
    /// The location of the weights.
    pub path: String,
    /// The weight of the LoRA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
}

/// The endpoint's output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// The generated images.
    pub images: Vec<Image>,
    /// The time of each stage, in seconds.
    pub timings: BTreeMap<String, f64>,
    /// The seed that was used.
    pub seed: Option<i64>,
    /// True for each image with unsafe content.
    pub has_nsfw_concepts: Vec<bool>,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Image {
    pub url: String,
    pub width: Option<i64>,
    pub height: Option<i64>,
    pub content_type: Option<String>,
    pub file_name: Option<String>,
    pub file_size: Option<i64>,
}
