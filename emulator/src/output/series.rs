use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::documents::document::Document;
use crate::documents::schema::{self, fits};

/// The most partial outputs of a text.
const MAX_PARTS: usize = 100;

/// The outputs of a request that come one after the other. The last one is the final output.
#[derive(Debug)]
pub(crate) enum Series {
    /// A text that grows, word by word.
    Text {
        /// The final output.
        output: Value,
        /// The byte lengths of the text in each output.
        lengths: Vec<usize>,
        /// The output says whether it is partial.
        has_partial: bool,
    },
    /// Any other outputs.
    Whole(Vec<Value>),
    /// The outputs that a test has set.
    Scripted(Arc<Vec<Value>>),
}

impl Series {
    /// Returns the series of an output that is a text: its property `output`, as language models have it.
    pub(crate) fn of_text(document: &Document, output: Value) -> Result<Self, Value> {
        let Some(text) = output.get("output").and_then(Value::as_str) else {
            return Err(output);
        };
        let schema = schema::expand(&document.schemas.root, &document.schemas.output, &mut Vec::new());
        let property = |name: &str| schema.get("properties").and_then(|properties| properties.get(name));
        let fits_document =
            |text: &str| property("output").is_none_or(|it| fits(&document.schemas.root, it, &Value::from(text)));
        let mut lengths = word_ends(text);
        lengths.retain(|length| *length < text.len() && fits_document(&text[..*length]));
        let step = lengths.len().div_ceil(MAX_PARTS).max(1);
        lengths = lengths.into_iter().step_by(step).chain([text.len()]).collect();
        let has_partial = property("partial").is_some_and(|it| fits(&document.schemas.root, it, &Value::Bool(true)));
        Ok(Series::Text { output, lengths, has_partial })
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Series::Text { lengths, .. } => lengths.len(),
            Series::Whole(outputs) => outputs.len(),
            Series::Scripted(outputs) => outputs.len(),
        }
    }

    /// Returns the time after which an output comes, if the last one comes after `run_time`.
    pub(crate) fn due(&self, index: usize, run_time: Duration) -> Duration {
        let count = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        run_time.checked_mul(number).map_or(run_time, |time| time / count.max(1))
    }

    /// Returns the output at an index below [`len`](Self::len).
    pub(crate) fn get(&self, index: usize) -> Value {
        match self {
            Series::Text { output, lengths, has_partial } => {
                let mut part = output.clone();
                let text = output["output"].as_str().unwrap_or_default();
                part["output"] = Value::from(&text[..lengths[index]]);
                if *has_partial {
                    part["partial"] = Value::Bool(index + 1 < lengths.len());
                }
                part
            }
            Series::Whole(outputs) => outputs[index].clone(),
            Series::Scripted(outputs) => outputs[index].clone(),
        }
    }
}

/// Returns the byte offsets of the ends of words.
fn word_ends(text: &str) -> Vec<usize> {
    let is_end = |(at, c): (usize, char)| {
        let next = text[at + c.len_utf8()..].chars().next();
        (!c.is_whitespace() && next.is_none_or(char::is_whitespace)).then_some(at + c.len_utf8())
    };
    text.char_indices().filter_map(is_end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_before_whitespace_and_at_the_end() {
        assert_eq!(word_ends("Ein Öl\n fließt."), [3, 7, 17]);
        assert_eq!(word_ends(" a "), [2]);
        assert!(word_ends("").is_empty());
        assert!(word_ends("  ").is_empty());
    }
}
