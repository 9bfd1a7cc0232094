use crate::media::dice::Dice;
use crate::media::tone::{Tone, mixed};
use crate::media::wav;

/// The steps of the pentatonic scale in semitones.
const SCALE: [i32; 5] = [0, 3, 5, 7, 10];
/// The basses of four bars, in semitones above the key.
const PROGRESSIONS: [[i32; 4]; 4] = [[0, -4, -9, -2], [0, 3, -2, 5], [0, -5, -4, -2], [0, 5, 3, -2]];

/// Composes a piece: a melody over a bass and chords.
pub(super) fn compose(motif: u64, milliseconds: u32) -> Vec<i16> {
    let mut dice = Dice(motif);
    let mut sum = vec![0; wav::samples(milliseconds)];
    let key = 45 + dice.pick(10) as i32;
    let bars = PROGRESSIONS[dice.pick(PROGRESSIONS.len())];
    // An eighth note has 220 to 320 ms.
    let eighth = wav::samples(220 + dice.pick(100) as u32);
    let (bell, string) = (Tone::new(&[1.0, 0.35, 0.1, 0.12]), Tone::new(&[1.0, 0.5, 0.33, 0.2, 0.1]));
    let mut step = 4 + dice.pick(4) as i32;
    for beat in 0..sum.len().div_ceil(eighth) {
        let bass = key + bars[beat / 8 % 4];
        if beat % 4 == 0 {
            play(&string, &mut sum, beat * eighth, eighth * 4, bass - 12, 44);
        }
        if beat % 8 == 0 {
            for interval in [0, 7, 12] {
                play(&string, &mut sum, beat * eighth, eighth * 9, bass + interval, 18);
            }
        }
        // A melody moves by small steps, and rests now and then.
        step = (step + dice.pick(5) as i32 - 2).clamp(2, 10);
        if beat % 8 == 0 || dice.roll() < 0.7 {
            let note = key + 12 + step.div_euclid(5) * 12 + SCALE[step.rem_euclid(5) as usize];
            play(&bell, &mut sum, beat * eighth, eighth * 3, note, 52);
        }
    }
    mixed(&sum)
}

/// Plays a note, which is numbered as in MIDI.
fn play(tone: &Tone, sum: &mut [i32], start: usize, length: usize, note: i32, loudness: i32) {
    let end = (start + length).min(sum.len());
    let hertz = 440.0 * 2_f32.powf((note - 69) as f32 / 12.0);
    tone.play(&mut sum[start..end], (hertz, hertz), loudness, 200);
}
