//! Properties of every input and output.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting::{
    ImageSizePreset, Input, LoraWeight, Output,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const REQUIRED: [&str; 4] = ["prompt", "control_image_url", "image_url", "mask_url"];

/// Integers that JSON can have.
fn integer() -> impl Strategy<Value = i128> {
    prop_oneof![any::<u64>().prop_map(i128::from), any::<i64>().prop_map(i128::from)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// The JSON has the required fields and those that were set, under the names of the schema, and no others.
    #[test]
    fn exactly_the_set_fields_are_sent(
        prompt in any::<String>(),
        conditioning in proptest::option::of(-1e9..1e9),
        negative in proptest::option::of(any::<String>()),
        size in proptest::option::of(any::<(u16, u16)>()),
        steps in proptest::option::of(any::<i64>()),
        seed in proptest::option::of(integer()),
        sync in proptest::option::of(any::<bool>()),
        scales in proptest::option::of(proptest::collection::vec(proptest::option::of(0.0..4.0), 0..4)),
    ) {
        let loras = scales.as_ref().map(|scales| {
            scales.iter().map(|scale| LoraWeight::new("a").maybe_scale(*scale)).collect::<Vec<_>>()
        });
        let input = Input::builder()
            .prompt(&*prompt)
            .control_image_url("https://a.example/c.png")
            .image_url("https://a.example/i.png")
            .mask_url("https://a.example/m.png")
            .maybe_controlnet_conditioning_scale(conditioning)
            .maybe_negative_prompt(negative.clone())
            .maybe_image_size(size)
            .maybe_num_inference_steps(steps)
            .maybe_seed(seed)
            .maybe_sync_mode(sync)
            .maybe_loras(loras)
            .build();
        let set = [
            ("controlnet_conditioning_scale", conditioning.is_some()),
            ("negative_prompt", negative.is_some()),
            ("image_size", size.is_some()),
            ("num_inference_steps", steps.is_some()),
            ("seed", seed.is_some()),
            ("sync_mode", sync.is_some()),
            ("loras", scales.is_some()),
        ];
        let set = set.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| *name);
        let expected: BTreeSet<&str> = REQUIRED.into_iter().chain(set).collect();
        let text = serde_json::to_string(&input).unwrap();
        let fields: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(fields.keys().map(String::as_str).collect::<BTreeSet<_>>(), expected);
        if let Some(scales) = &scales {
            let sent = fields["loras"].as_array().unwrap();
            for (lora, scale) in sent.iter().zip(scales) {
                let keys: BTreeSet<&str> = lora.as_object().unwrap().keys().map(String::as_str).collect();
                prop_assert_eq!(keys, ["path"].into_iter().chain(scale.map(|_| "scale")).collect::<BTreeSet<_>>());
            }
            prop_assert_eq!(sent.len(), scales.len());
        }
        prop_assert_eq!(serde_json::from_str::<Input>(&text).unwrap(), input);
    }

    /// Undeclared values are kept as well.
    #[test]
    fn every_enum_value_survives_a_round_trip(text in prop_oneof![
        any::<String>(),
        proptest::sample::select(ImageSizePreset::VALUES).prop_map(str::to_owned),
    ]) {
        let read: ImageSizePreset = serde_json::from_value(json!(text)).unwrap();
        prop_assert_eq!(serde_json::to_value(&read).unwrap(), json!(text));
        prop_assert_eq!(text.parse::<ImageSizePreset>().is_ok(), ImageSizePreset::VALUES.contains(&&*text));
        prop_assert_eq!(&ImageSizePreset::other(&text), &read);
    }

    /// Negative integers and those above `i64::MAX` included.
    #[test]
    fn every_integer_of_an_output_is_read(seed in integer()) {
        let output: Output = serde_json::from_str(&format!(r#"{{"images": [], "seed": {seed}}}"#)).unwrap();
        prop_assert_eq!(output.seed, Some(seed));
    }

    /// A float with a fraction is not a seed, and leaves it unset.
    #[test]
    fn a_float_without_a_fraction_is_read_as_an_integer(whole in -(1i64 << 52)..1i64 << 52, fraction in 1..10u8) {
        let read = |text: String| serde_json::from_str::<Output>(&format!(r#"{{"images": [], "seed": {text}}}"#));
        prop_assert_eq!(read(format!("{whole}.0")).unwrap().seed, Some(i128::from(whole)));
        let whole = whole % (1 << 40);
        prop_assert_eq!(read(format!("{whole}.{fraction}")).unwrap().seed, None);
    }
}
