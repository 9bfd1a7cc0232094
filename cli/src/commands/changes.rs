//! The change report: what newer documents mean for programs.

use anstyle::{AnsiColor, Style};
use fal_codegen::{Change, Effect};
use serde_json::{Value, json};

use crate::error::Error;
use crate::terminal::{Terminal, plain};

/// The effects, with their titles.
const EFFECTS: [(Effect, &str, Style); 3] = [
    (Effect::Breaking, "breaking", AnsiColor::Red.on_default()),
    (Effect::Additive, "additive", AnsiColor::Green.on_default()),
    (Effect::Documentation, "documentation", Style::new().dimmed()),
];

/// Prints changes, grouped by their effect. Breaking ones come first.
pub(crate) fn print(changes: &[Change], terminal: &Terminal) -> Result<(), Error> {
    for (effect, title, style) in EFFECTS {
        let changes: Vec<&Change> = changes.iter().filter(|change| change.effect == effect).collect();
        if !changes.is_empty() {
            terminal.print(format_args!("{style}{title}{style:#} ({})", changes.len()))?;
            changes.iter().try_for_each(|change| terminal.print(format_args!("  {}", plain(&change.to_string()))))?;
        }
    }
    Ok(())
}

/// Returns changes as JSON.
pub(crate) fn to_json(changes: &[Change]) -> Value {
    let title = |effect| EFFECTS.iter().find(|(other, ..)| *other == effect).map(|(_, title, _)| *title);
    let change = |change: &Change| {
        json!({
            "endpoint": change.endpoint, "path": change.path, "change": change.kind.to_string(),
            "effect": title(change.effect),
        })
    };
    changes.iter().map(change).collect()
}
