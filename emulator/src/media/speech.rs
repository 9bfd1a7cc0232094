use crate::media::dice::Dice;
use crate::media::font::words;
use crate::media::tone::{Tone, mixed};
use crate::media::wav;

/// The most characters that are spoken.
const MAX_CHARS: usize = 2_000;
/// The milliseconds of a syllable, and of the silence after a word, and after a sentence.
const SYLLABLE: u32 = 170;
const GAP: u32 = 60;
const PAUSE: u32 = 320;
/// The vowels, each with its two formants in hertz.
const VOWELS: [(char, f32, f32); 5] =
    [('a', 800.0, 1200.0), ('e', 450.0, 2000.0), ('i', 300.0, 2300.0), ('o', 450.0, 850.0), ('u', 320.0, 750.0)];

/// Returns the time that it takes to speak a text.
pub(crate) fn milliseconds(text: &str) -> u32 {
    let time: u32 = spoken(text).iter().map(Word::milliseconds).sum();
    time.clamp(SYLLABLE, wav::MAX_MILLISECONDS)
}

/// Hums a text: each syllable with its vowel, in a voice that depends on the motif. The pitch falls in a sentence.
pub(super) fn speak(motif: u64, text: &str, milliseconds: u32) -> Vec<i16> {
    let mut dice = Dice(motif);
    let pitch = 95.0 + 120.0 * dice.roll();
    let tones = VOWELS.map(|(_, first, second)| vowel(pitch, first, second));
    let mut sum = vec![0; wav::samples(milliseconds)];
    let mut words = spoken(text);
    if words.is_empty() {
        words.push(Word { vowels: vec![0; (milliseconds / SYLLABLE).max(1) as usize], ends_sentence: true });
    }
    let (mut start, mut height) = (0, 1.15_f32);
    for word in words {
        for vowel in &word.vowels {
            let end = (start + wav::samples(SYLLABLE)).min(sum.len());
            let from = pitch * height * (1.0 + 0.12 * (dice.roll() - 0.5));
            let start = std::mem::replace(&mut start, end);
            tones[*vowel].play(&mut sum[start..end], (from, from * 0.93), 150, 700);
            height = (height - 0.012).max(0.82);
        }
        let silence = if word.ends_sentence { PAUSE } else { GAP };
        start = (start + wav::samples(silence)).min(sum.len());
        if word.ends_sentence {
            height = 1.15;
        }
    }
    mixed(&sum)
}

struct Word {
    /// The vowel of each syllable, as an index of [`VOWELS`].
    vowels: Vec<usize>,
    ends_sentence: bool,
}

impl Word {
    fn milliseconds(&self) -> u32 {
        self.vowels.len() as u32 * SYLLABLE + if self.ends_sentence { PAUSE } else { GAP }
    }
}

/// Returns the words of a text. Adjacent vowels make a syllable.
fn spoken(text: &str) -> Vec<Word> {
    let word = |text: String| {
        let mut vowels = Vec::new();
        let mut was_vowel = false;
        for c in text.to_lowercase().chars().filter_map(|c| deunicode::deunicode_char(c)?.chars().next()) {
            let c = if c == 'y' { 'i' } else { c.to_ascii_lowercase() };
            let vowel = VOWELS.iter().position(|(vowel, ..)| *vowel == c);
            vowels.extend(vowel.filter(|_| !was_vowel));
            was_vowel = vowel.is_some();
        }
        if vowels.is_empty() {
            vowels.push(1);
        }
        Word { vowels, ends_sentence: text.ends_with(['.', '!', '?', ':', ';']) }
    };
    words(text, MAX_CHARS).into_iter().map(word).collect()
}

/// Returns the tone of a vowel: harmonics near its formants are loud.
fn vowel(pitch: f32, first: f32, second: f32) -> Tone {
    let strength = |number: usize| {
        let hertz = pitch * number as f32;
        let near = |formant: f32, breadth: f32| (-((hertz - formant) / breadth).powi(2)).exp();
        0.25 / number as f32 + near(first, 140.0) + 0.5 * near(second, 220.0)
    };
    let harmonics: Vec<f32> = (1..=24).map(strength).collect();
    Tone::new(&harmonics)
}
