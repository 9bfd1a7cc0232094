//! The change report: what newer documents mean for programs.

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Color, Style};
use fal_codegen::{Change, ChangeKind, Effect};
use fal_documents::text::printable;
use serde::Serialize;
use serde_json::Value;

use super::count;
use crate::error::Error;
use crate::layout::wrap;
use crate::terminal::Terminal;

/// The columns of output that is not to fit into a terminal.
const DEFAULT_WIDTH: usize = 100;

/// The longest line of a report, in characters. A default may have thousands.
const MAX_LINE: usize = 500;

const GROUPS: [(Effect, &str, AnsiColor); 3] = [
    (Effect::Breaking, "Breaking", AnsiColor::Red),
    (Effect::Additive, "Additive", AnsiColor::Green),
    (Effect::Documentation, "Documentation", AnsiColor::Cyan),
];

/// Prints changes by effect, then by endpoint. Breaking ones come first.
pub(crate) fn print(changes: &[Change], terminal: &Terminal) -> Result<(), Error> {
    terminal.print(report(changes, terminal.width))
}

fn report(changes: &[Change], width: Option<usize>) -> String {
    let width = width.unwrap_or(DEFAULT_WIDTH).max(20);
    let mut lines = Vec::new();
    for (effect, name, color) in GROUPS {
        let group: Vec<&Change> = changes.iter().filter(|change| change.effect == effect).collect();
        if group.is_empty() {
            continue;
        }
        let title = Style::new().bold().fg_color(Some(Color::Ansi(color)));
        lines.push(format!("{title}{name}{title:#}: {}", count(group.len(), "change")));
        let mut endpoints: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
        group.iter().for_each(|change| endpoints.entry(&change.endpoint).or_default().push(change));
        for (endpoint, changes) in endpoints {
            let endpoint = printable(endpoint, MAX_LINE);
            if let [Change { kind: kind @ (ChangeKind::EndpointAdded | ChangeKind::EndpointRemoved), .. }] = changes[..]
            {
                lines.push(format!("  {endpoint}: {kind}"));
                continue;
            }
            lines.push(format!("  {endpoint}"));
            for change in changes {
                let line = printable(&text(change), MAX_LINE);
                let mut wrapped = wrap(&line, width.saturating_sub(6)).into_iter();
                lines.extend(wrapped.next().map(|line| format!("    {line}")));
                lines.extend(wrapped.map(|line| format!("      {line}")));
            }
        }
    }
    lines.join("\n")
}

/// A change as JSON, with its line of the report.
#[derive(Debug, Serialize)]
struct Reported<'a> {
    #[serde(flatten)]
    change: &'a Change,
    text: String,
}

/// Returns changes as JSON.
pub(crate) fn to_json(changes: &[Change]) -> Value {
    let reported = changes.iter().map(|change| Reported { change, text: text(change) });
    reported.map(|reported| serde_json::to_value(reported).unwrap_or_default()).collect()
}

/// Returns a change without its endpoint.
fn text(change: &Change) -> String {
    match change.kind {
        ChangeKind::EndpointAdded | ChangeKind::EndpointRemoved => change.kind.to_string(),
        _ => format!("{}: {}", change.path, change.kind),
    }
}
