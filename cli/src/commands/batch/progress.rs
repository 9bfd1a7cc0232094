//! The progress of a batch: a bar in a terminal, and otherwise a line for each tenth of the rows.

use std::time::Duration;

use fal_jobs::Snapshot;
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use crate::terminal::Terminal;

/// The interval at which the bar is updated.
pub(super) const TICK: Duration = Duration::from_millis(250);

/// The fewest rows for which lines are printed without a terminal.
const MIN_ROWS: u64 = 20;

/// The columns of the bar, the characters between the numbers, and those that stay empty.
const BAR: usize = 20 + 3 + 4;

pub(super) struct ProgressLine {
    bar: Option<ProgressBar>,
    terminal: Terminal,
    total: u64,
    /// The tenths that were printed.
    tenths: u64,
}

impl ProgressLine {
    pub(super) fn new(terminal: &Terminal, total: u64) -> Self {
        let bar = terminal.is_interactive.then(|| ProgressBar::new(total));
        let style = if terminal.is_unicode() { "█▉▊▋▌▍▎▏ " } else { "=> " };
        if let (Some(bar), Ok(template)) = (&bar, ProgressStyle::with_template("{bar:20.cyan} {pos}/{len} {msg}")) {
            bar.set_style(template.progress_chars(style));
        }
        ProgressLine { bar, terminal: terminal.clone(), total, tenths: 0 }
    }

    pub(super) fn update(&mut self, snapshot: &Snapshot) {
        let finished = snapshot.done + snapshot.failed;
        if let Some(bar) = &self.bar {
            bar.set_position(finished);
            // A terminal that echoes `^C` must not break the line.
            let room = self.terminal.width.unwrap_or(80).saturating_sub(BAR + 2 * digits(self.total));
            bar.set_message(self.describe(snapshot).chars().take(room).collect::<String>());
            return;
        }
        let tenths = (finished * 10).checked_div(self.total).unwrap_or(10);
        if tenths > self.tenths && tenths < 10 && self.total >= MIN_ROWS {
            self.terminal.note(format_args!("{finished} of {} rows, {}", self.total, self.describe(snapshot)));
        }
        self.tenths = tenths.max(self.tenths);
    }

    fn describe(&self, snapshot: &Snapshot) -> String {
        let Snapshot { done, failed, running, rate, spent, .. } = snapshot;
        let mut parts = Vec::new();
        if *failed > 0 {
            parts.push(format!("{failed} failed"));
        }
        parts.push(format!("{running} running"));
        if !spent.amount.is_zero() {
            parts.push(spent.to_string());
        }
        if *rate > 0.0 {
            parts.push(format!("{rate:.1}/s"));
            let left = self.total.saturating_sub(done + failed) as f64 / rate;
            if let Ok(left) = Duration::try_from_secs_f64(left) {
                parts.push(format!("{} left", HumanDuration(Duration::from_secs(left.as_secs()))));
            }
        }
        parts.join(", ")
    }

    /// Prints a line above the bar.
    pub(super) fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.terminal.note(text)),
            None => self.terminal.note(text),
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn digits(number: u64) -> usize {
    number.to_string().len()
}
