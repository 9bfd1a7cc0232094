//! The outcome of all calls, and the conditions that have to hold.

use std::collections::{HashMap, HashSet};
use std::process::ExitCode;

use serde_json::Value;

use super::connections::Connections;
use super::proxy::KINDS;
use super::streams::Streams;
use super::usage::Usage;

/// The memory that may be added in the last quarter of the time, in KiB: a tenth of it, and this.
const SLACK: u64 = 8 << 10;

/// The end of a call.
pub(crate) struct Ended {
    /// The number of the call.
    pub(crate) call: u64,
    pub(crate) outcome: Outcome,
}

pub(crate) enum Outcome {
    /// A result, with its request id.
    Result(String),
    /// An error that says that the request may have been accepted.
    Uncertain,
    /// An error of a request that is known to be accepted.
    Lost(String),
    /// Any other error.
    Failed(String),
}

/// Returns the image of a call, by which the emulator tells the calls apart.
pub(crate) fn image_url(call: u64) -> String {
    format!("https://example.com/{call}.png")
}

pub(crate) struct Report<'a> {
    pub(crate) ended: &'a [Ended],
    /// The number of times that each call was accepted, by its image.
    pub(crate) accepted: &'a HashMap<String, u32>,
    pub(crate) streams: &'a Streams,
    pub(crate) connections: &'a Connections,
    /// The resident memory in KiB, at regular times.
    pub(crate) memory: &'a [u64],
    pub(crate) before: Usage,
    pub(crate) after: Usage,
    /// The number of tasks of callers that did not end.
    pub(crate) stuck: usize,
}

/// The numbers of calls by their outcome.
struct Tally {
    jobs: usize,
    results: usize,
    accepted_results: usize,
    /// The number of different request ids of results.
    request_ids: usize,
    uncertain: usize,
    accepted_uncertain: usize,
    failed: usize,
    accepted_failed: usize,
    lost: usize,
    /// The memory in the third and in the fourth quarter of the time, in KiB.
    memory: [u64; 2],
}

impl Report<'_> {
    /// Prints the table to standard output and the checks to standard error. Succeeds if everything holds.
    pub(crate) fn print(&self, disturbed: &Value) -> ExitCode {
        let tally = self.tally();
        println!("<!-- soak -->\n| | number |\n| --- | ---: |");
        for kind in KINDS {
            println!("| proxies: {kind} | {} |", disturbed[kind]);
        }
        for (name, count) in [
            ("calls", self.ended.len()),
            ("… with a result", tally.results),
            ("… with an error that says that they may be billed", tally.uncertain),
            ("… of these, accepted", tally.accepted_uncertain),
            ("… with another error, and not accepted", tally.failed - tally.accepted_failed),
            ("… lost, or accepted twice", tally.lost + tally.jobs - self.accepted.len()),
            ("streams", self.streams.complete + self.streams.torn + self.streams.lost.len()),
            ("… complete", self.streams.complete),
            ("… with an error", self.streams.torn),
            ("… that lack an event without an error", self.streams.lost.len()),
            ("events of streams", self.streams.events),
            ("realtime connections", self.connections.opened),
            ("… that were opened again", self.connections.reconnects),
            ("… with an error at their end", self.connections.torn),
            ("… that lost a result without an error", self.connections.lost.len()),
            ("inputs on connections", self.connections.inputs),
            ("results on connections", self.connections.results),
            ("callers that did not end", self.stuck),
        ] {
            println!("| {name} | {count} |");
        }
        let [middle, end] = tally.memory.map(|memory| memory as f64 / 1024.0);
        println!("| memory in the third and in the fourth quarter | {middle:.1} and {end:.1} MiB |\n<!-- /soak -->");
        let holds = self.checks(&tally);
        for error in self.errors().take(10) {
            eprintln!("{error}");
        }
        if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn tally(&self) -> Tally {
        let count = |kind: fn(&Outcome) -> bool| {
            let of_kind = self.ended.iter().filter(|ended| kind(&ended.outcome));
            (of_kind.clone().count(), of_kind.filter(|ended| self.is_accepted(ended)).count())
        };
        let (results, accepted_results) = count(|outcome| matches!(outcome, Outcome::Result(_)));
        let (uncertain, accepted_uncertain) = count(|outcome| matches!(outcome, Outcome::Uncertain));
        let (failed, accepted_failed) = count(|outcome| matches!(outcome, Outcome::Failed(_)));
        let (lost, _) = count(|outcome| matches!(outcome, Outcome::Lost(_)));
        let ids = self.ended.iter().filter_map(|ended| match &ended.outcome {
            Outcome::Result(id) => Some(id.as_str()),
            _ => None,
        });
        let quarter = (self.memory.len() / 4).max(1);
        let mean = |part: &[u64]| part.iter().sum::<u64>() / part.len().max(1) as u64;
        let third = self.memory.get(2 * quarter..3 * quarter).unwrap_or_default();
        let fourth = self.memory.get(3 * quarter..).unwrap_or_default();
        Tally {
            jobs: self.accepted.values().map(|times| *times as usize).sum(),
            results,
            accepted_results,
            request_ids: ids.collect::<HashSet<&str>>().len(),
            uncertain,
            accepted_uncertain,
            failed,
            accepted_failed,
            lost,
            memory: [third, fourth].map(mean),
        }
    }

    /// Prints the checks, each with the number and its bound. Returns true if all hold.
    fn checks(&self, tally: &Tally) -> bool {
        let billed = tally.accepted_results + tally.accepted_uncertain;
        let [middle, end] = tally.memory.map(|memory| memory as usize);
        let bound = middle + middle / 10 + SLACK as usize;
        let (before, after) = (self.before, self.after);
        let checks = [
            ("jobs = calls that were accepted", tally.jobs, self.accepted.len(), tally.jobs == self.accepted.len()),
            ("jobs = results + uncertain and accepted", tally.jobs, billed, tally.jobs == billed),
            (
                "results = request ids",
                tally.accepted_results,
                tally.request_ids,
                tally.accepted_results == tally.request_ids,
            ),
            none("results of requests that were not accepted", tally.results - tally.accepted_results),
            none("known requests without a result", tally.lost),
            none("accepted requests with another error", tally.accepted_failed),
            none("streams that lost an event without an error", self.streams.lost.len()),
            none("connections that lost a result without an error", self.connections.lost.len()),
            none("callers that did not end", self.stuck),
            ("tasks left", after.tasks, before.tasks, after.tasks <= before.tasks),
            ("descriptors left", after.descriptors, before.descriptors, after.descriptors <= before.descriptors),
            ("memory does not grow, KiB", end, middle, end <= bound),
        ];
        for (name, left, right, holds) in checks {
            eprintln!("  {name:<46} {left:>9} {right:>9} {}", if holds { "ok" } else { "FAILED" });
        }
        checks.iter().all(|(_, _, _, holds)| *holds)
    }

    /// Returns the errors of calls that should have had a result, and what was lost without an error.
    fn errors(&self) -> impl Iterator<Item = &str> {
        let lost = self.streams.lost.iter().chain(&self.connections.lost).map(String::as_str);
        let errors = self.ended.iter().filter_map(|ended| match &ended.outcome {
            Outcome::Lost(error) => Some(error.as_str()),
            Outcome::Failed(error) if self.is_accepted(ended) => Some(error.as_str()),
            _ => None,
        });
        errors.chain(lost)
    }

    fn is_accepted(&self, ended: &Ended) -> bool {
        self.accepted.contains_key(&image_url(ended.call))
    }
}

fn none(name: &str, count: usize) -> (&str, usize, usize, bool) {
    (name, count, 0, count == 0)
}
