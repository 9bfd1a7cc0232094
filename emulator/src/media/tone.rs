use std::f32::consts::TAU;

use crate::media::wav::RATE;

/// The samples of a period.
const PERIOD: usize = 1024;

/// One period of a sound, which is read at different speeds for different pitches.
pub(super) struct Tone(Vec<i32>);

impl Tone {
    /// Makes a sound of harmonics with the given strengths, the basic one first. Its loudest sample is 32,767.
    pub(super) fn new(harmonics: &[f32]) -> Self {
        let wave = |at: usize| -> f32 {
            let phase = at as f32 / PERIOD as f32 * TAU;
            harmonics.iter().enumerate().map(|(index, strength)| strength * (phase * (index + 1) as f32).sin()).sum()
        };
        let samples: Vec<f32> = (0..PERIOD).map(wave).collect();
        let loudest = samples.iter().fold(f32::MIN_POSITIVE, |loudest, sample| loudest.max(sample.abs()));
        Tone(samples.iter().map(|sample| (sample / loudest * 32_767.0) as i32).collect())
    }

    /// Adds the sound to samples. The pitch goes evenly from one frequency to another. The loudness, up to 256, rises for
    /// `attack` samples, and then falls evenly.
    pub(super) fn play(&self, samples: &mut [i32], hertz: (f32, f32), loudness: i32, attack: usize) {
        // A period has 2^32 units.
        let speed = |hertz: f32| (hertz * 4_294_967_296.0 / RATE as f32) as i64;
        let (from, to) = (speed(hertz.0), speed(hertz.1));
        let length = samples.len().max(1) as i64;
        let (attack, mut phase) = ((attack as i64).clamp(1, length), 0_u32);
        let (rise, fall) =
            ((i64::from(loudness) << 20) / attack, (i64::from(loudness) << 20) / (length - attack).max(1));
        let (mut speed, bend, mut volume) = (from, (to - from) / length, 0_i64);
        for (index, sample) in samples.iter_mut().enumerate() {
            volume += if (index as i64) < attack { rise } else { -fall };
            *sample += ((i64::from(self.0[(phase >> 22) as usize]) * (volume >> 12)) >> 16) as i32;
            phase = phase.wrapping_add(speed as u32);
            speed += bend;
        }
    }
}

/// Returns the sum of sounds as samples. The beginning and the end are silent.
pub(super) fn mixed(sum: &[i32]) -> Vec<i16> {
    const FADE: usize = 400;
    let sample = |(index, sample): (usize, &i32)| {
        let edge = index.min(sum.len() - 1 - index).min(FADE) as i32;
        (sample.clamp(&-32_000, &32_000) * edge / FADE as i32) as i16
    };
    sum.iter().enumerate().map(sample).collect()
}
