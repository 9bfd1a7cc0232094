use fal_emulator::{Emulator, Pace};
use serde_json::{Value, json};

use crate::fal::{Fal, document, object};

/// A WAV file of 16 bits and one channel.
struct Wav {
    rate: u32,
    samples: Vec<i16>,
}

impl Wav {
    fn read(bytes: &[u8]) -> Self {
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!((&bytes[..4], &bytes[8..16], &bytes[36..40]), (&b"RIFF"[..], &b"WAVEfmt "[..], &b"data"[..]));
        assert_eq!(number(4) as usize, bytes.len() - 8);
        // PCM, one channel, 16 bits.
        assert_eq!((number(20), &bytes[32..36]), (0x1_0001, &[2, 0, 16, 0][..]));
        assert_eq!(number(28), number(24) * 2);
        assert_eq!(number(40) as usize, bytes.len() - 44);
        let samples = bytes[44..].chunks_exact(2).map(|sample| i16::from_le_bytes([sample[0], sample[1]]));
        Wav { rate: number(24), samples: samples.collect() }
    }

    fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate)
    }

    /// Returns the effective loudness of each tenth of a second.
    fn loudness(&self) -> Vec<f64> {
        let mean =
            |samples: &[i16]| samples.iter().map(|it| f64::from(*it).powi(2)).sum::<f64>() / samples.len() as f64;
        self.samples.chunks(self.rate as usize / 10).map(|samples| mean(samples).sqrt()).collect()
    }
}

/// Starts an emulator of one endpoint that takes anything and returns a sound.
async fn serving(id: &str) -> Fal {
    let audio = json!({ "type": "object", "properties": {
        "url": { "type": "string" },
        "content_type": { "type": "string" },
        "file_size": { "type": "integer" },
        "duration": { "type": "number" },
        "sample_rate": { "type": "integer" },
    } });
    let text = document(id, &json!({}), &object(&json!({ "audio": audio })), &json!({}));
    Fal::start(Emulator::builder().document(text).pace(Pace::instant())).await
}

async fn sound(id: &str, input: Value) -> Wav {
    let fal = serving(id).await;
    let audio = fal.run(id, &input).await.body["audio"].clone();
    let response = fal.http.get(audio["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(
        (response.headers()["content-type"].to_str().unwrap(), &audio["content_type"]),
        ("audio/wav", &json!("audio/wav"))
    );
    let bytes = response.bytes().await.unwrap();
    let wav = Wav::read(&bytes);
    assert_eq!((&audio["file_size"], &audio["sample_rate"]), (&json!(bytes.len()), &json!(wav.rate)));
    assert!((audio["duration"].as_f64().unwrap() - wav.seconds()).abs() < 0.002);
    wav
}

#[tokio::test]
async fn music_has_the_requested_length() {
    for (input, seconds) in [
        (json!({}), 10.0),
        (json!({ "duration": 3 }), 3.0),
        (json!({ "duration": "4s" }), 4.0),
        (json!({ "seconds_total": 2.5 }), 2.5),
        (json!({ "music_length_ms": 1500 }), 1.5),
        (json!({ "duration": 0.001 }), 0.001),
        (json!({ "duration": -7 }), 10.0),
        (json!({ "duration": 1e300 }), 180.0),
    ] {
        let wav = sound("me/music", input.clone()).await;
        assert!((wav.seconds() - seconds).abs() < 0.002, "{input}: {}", wav.seconds());
    }
}

#[tokio::test]
async fn music_is_audible_and_does_not_clip() {
    let wav = sound("me/music", json!({ "prompt": "calm piano", "duration": 20, "seed": 3 })).await;
    let loudness = wav.loudness();
    assert!(loudness[1..].iter().filter(|it| **it > 500.0).count() > loudness.len() * 9 / 10, "{loudness:?}");
    for seed in 0..8 {
        let wav = sound("me/music", json!({ "prompt": "loud", "duration": 8, "seed": seed })).await;
        let loudest = wav.samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
        assert!((3_000..32_000).contains(&loudest), "{seed}: {loudest}");
        // It begins and ends in silence, so that it does not click.
        assert_eq!((wav.samples[0], wav.samples.last()), (0, Some(&0)));
    }
}

#[tokio::test]
async fn sound_follows_prompt_and_seed() {
    let made = async |prompt: &str, seed: u64| {
        sound("me/music", json!({ "prompt": prompt, "seed": seed, "duration": 2 })).await.samples
    };
    let first = made("calm", 1).await;
    assert!(first == made("calm", 1).await);
    assert!(first != made("calm", 2).await);
    assert!(first != made("wild", 1).await);
}

#[tokio::test]
async fn speech_is_as_long_as_its_text() {
    let spoken = async |text: &str| sound("me/tts", json!({ "text": text, "seed": 1 })).await;
    let (short, long) = (spoken("Good day.").await, spoken("Good day. And a very good evening to all of you.").await);
    assert!(short.seconds() < 1.2 && long.seconds() > short.seconds() * 3.0);
    // There is a pause between sentences, and sound before it.
    let loudness = long.loudness();
    assert!(loudness[1] > 500.0 && loudness.iter().any(|it| *it < 1.0), "{loudness:?}");
    assert!(spoken("雪が降る").await.seconds() > 0.5);
    assert!((spoken("").await.seconds() - 3.0).abs() < 0.01);
    assert!(spoken(&"word ".repeat(100_000)).await.seconds() <= 180.0);
}
