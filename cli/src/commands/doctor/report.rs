use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::commands::folders::count;
use crate::error::Exit;
use crate::layout::plain;
use crate::terminal::Terminal;

/// The results of all checks.
#[derive(Debug, Default)]
pub(super) struct Report {
    checks: Vec<Check>,
}

/// The result of a check.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    status: Status,
    message: String,
    /// The remedy, if the check did not pass.
    help: Option<String>,
    #[serde(skip)]
    exit: Option<Exit>,
}

/// The report as it is printed with `--json`.
#[derive(Debug, Serialize)]
pub(super) struct Json<'r> {
    checks: &'r [Check],
    failures: usize,
    warnings: usize,
    exit_code: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Passed,
    Warning,
    Failed,
}

impl Status {
    fn style(self) -> Style {
        let color = match self {
            Status::Passed => AnsiColor::Green,
            Status::Warning => AnsiColor::Yellow,
            Status::Failed => AnsiColor::Red,
        };
        color.on_default().bold()
    }

    fn symbol(self, is_unicode: bool) -> &'static str {
        match (self, is_unicode) {
            (Status::Passed, true) => "✓",
            (Status::Failed, true) => "✗",
            (Status::Passed, false) => "+",
            (Status::Failed, false) => "x",
            (Status::Warning, _) => "!",
        }
    }
}

impl Report {
    pub(super) fn pass(&mut self, name: &'static str, message: impl Into<String>) {
        self.add(name, Status::Passed, message.into(), None, None);
    }

    pub(super) fn warn(&mut self, name: &'static str, message: impl Into<String>, help: impl Into<String>) {
        self.add(name, Status::Warning, message.into(), Some(help.into()), None);
    }

    pub(super) fn fail(&mut self, name: &'static str, exit: Exit, message: impl Into<String>, help: impl Into<String>) {
        self.add(name, Status::Failed, message.into(), Some(help.into()), Some(exit));
    }

    fn add(&mut self, name: &'static str, status: Status, message: String, help: Option<String>, exit: Option<Exit>) {
        // Messages have texts of documents and responses.
        self.checks.push(Check { name, status, message: plain(&message), help: help.map(|help| plain(&help)), exit });
    }

    fn count(&self, status: Status) -> usize {
        self.checks.iter().filter(|check| check.status == status).count()
    }

    /// Returns the exit code of the worst failure: of the key or the account, else of a host, else of the project.
    pub(super) fn exit(&self) -> Option<Exit> {
        let exits = || self.checks.iter().filter_map(|check| check.exit);
        let is = |exit: Exit| exits().find(|found| *found == exit);
        is(Exit::Account).or_else(|| is(Exit::Network)).or_else(|| exits().next())
    }

    pub(super) fn to_json(&self) -> Json<'_> {
        Json {
            checks: &self.checks,
            failures: self.count(Status::Failed),
            warnings: self.count(Status::Warning),
            exit_code: self.exit().map_or(0, |exit| exit as u8),
        }
    }

    /// Formats a line for each check, and its remedy in the next one.
    pub(super) fn to_text(&self, terminal: &Terminal) -> String {
        let is_unicode = terminal.is_unicode();
        let mut lines = Vec::new();
        for (index, check) in self.checks.iter().enumerate() {
            let Check { name, status, message, help, .. } = check;
            let (style, symbol) = (status.style(), status.symbol(is_unicode));
            let text = terminal.wrap(&format!("{name}: {message}"), 2);
            lines.push(format!("{style}{symbol}{style:#} {text}"));
            // Several hosts may have the same remedy.
            let is_repeated = self.checks.get(index + 1).is_some_and(|next| next.help == *help);
            if let Some(help) = help.as_ref().filter(|_| !is_repeated) {
                lines.push(format!("  {}", terminal.wrap(&format!("help: {help}"), 2)));
            }
        }
        let (failures, warnings) = (self.count(Status::Failed), self.count(Status::Warning));
        let counts = [(failures, "problem"), (warnings, "warning")];
        let counts: Vec<String> =
            counts.iter().filter(|(number, _)| *number > 0).map(|(number, thing)| count(*number, thing)).collect();
        let summary = if counts.is_empty() { "no problems found".to_owned() } else { counts.join(", ") };
        format!("{}\n\n{summary}", lines.join("\n"))
    }
}
