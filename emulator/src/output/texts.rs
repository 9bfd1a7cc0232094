//! Texts that are worth reading: a few sentences that follow from the prompt and the seed.

/// The kind of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// A reply to the prompt.
    Reply,
    /// The description of a picture.
    Description,
    /// The words of a recording.
    Transcript,
}

const OPENINGS: [&str; 4] = [
    "Here are some thoughts on “{}”.",
    "“{}” is a good place to start.",
    "Let us look at “{}” step by step.",
    "A short reply to “{}”:",
];
const THOUGHTS: [&str; 7] = [
    "The details matter most, because they decide how the whole comes across.",
    "Two or three concrete examples make it easier to picture.",
    "A short version is often clearer than a long one.",
    "Compare it with what you already know, and the differences become clear.",
    "Each step can be checked before the next one begins.",
    "Leave some room for surprise, because the first idea is rarely the only one.",
    "If something is missing, ask again with one more sentence.",
];
const DESCRIPTIONS: [&str; 5] = [
    "Northern lights drift across a dark sky.",
    "Soft moons of different sizes hang above the horizon.",
    "The colours change slowly from violet to green.",
    "A caption at the bottom names the request.",
    "The scene is calm, and nothing in it is in a hurry.",
];
const TRANSCRIPTS: [&str; 5] = [
    "Hello, and thank you for listening.",
    "This recording was transcribed by an emulator.",
    "It does not hear anything, but it writes whole sentences.",
    "The next speaker agrees, and adds a short remark.",
    "That is all for today.",
];
const CLOSING: &str = "The same prompt and seed give this text again.";

/// Writes a text of a few sentences.
pub(super) fn text(kind: Text, prompt: &str, seed: u64) -> String {
    let pick = |from: &[&'static str], number: u64| from[((seed / 7 + number % 64) % from.len() as u64) as usize];
    let sentences = match kind {
        Text::Description => [0, 1, 2].map(|number| pick(&DESCRIPTIONS, number).to_owned()),
        Text::Transcript => [0, 1, 2].map(|number| TRANSCRIPTS[number].to_owned()),
        Text::Reply if prompt.trim().is_empty() => return text(Text::Description, prompt, seed),
        Text::Reply => {
            let thoughts = format!("{} {}", pick(&THOUGHTS, 0), pick(&THOUGHTS, 1 + seed % 6));
            [pick(&OPENINGS, seed).replace("{}", &subject(prompt)), thoughts, CLOSING.to_owned()]
        }
    };
    sentences.join(" ")
}

/// Returns the first words of a prompt, without the end of the sentence.
fn subject(prompt: &str) -> String {
    const MAX_WORDS: usize = 12;
    const MAX_CHARS: usize = 120;
    let words: Vec<&str> = prompt.split_whitespace().take(MAX_WORDS + 1).collect();
    let start = words[..words.len().min(MAX_WORDS)].join(" ");
    let shown: String = start.chars().take(MAX_CHARS).collect();
    let is_whole = words.len() <= MAX_WORDS && shown.len() == start.len();
    format!("{}{}", shown.trim_end_matches(['.', '!', '?', ',', ';', ':']), if is_whole { "" } else { " …" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_follow_prompt_and_seed() {
        let reply = |prompt: &str, seed| text(Text::Reply, prompt, seed);
        assert!(reply("Write a haiku.", 1).contains("“Write a haiku”"));
        assert_eq!(reply("a fox", 1), reply("a fox", 1));
        assert_ne!(reply("a fox", 1), reply("a fox", 8));
        assert!(reply(&"word ".repeat(1000), 1).len() < 500);
        assert!(reply(&"ö".repeat(1000), u64::MAX).contains('…'));
        for seed in 0..100 {
            assert!(!reply(" ", seed).contains('“'));
        }
    }
}
