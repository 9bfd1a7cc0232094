use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use fal_client::RetryPolicy;
use fal_client::platform::ModelStatus;
use fal_jobs::{Filter, Journal, State};
use futures_util::TryStreamExt;

use super::TIMEOUT;
use super::report::Report;
use crate::commands::folders::{self, count};
use crate::error::Exit;
use crate::online;
use crate::settings::Settings;

/// The age from which documents are old. fal changes endpoints often.
const OLD: Duration = Duration::from_secs(90 * 86_400);

/// The most names in a message.
const MAX_NAMES: usize = 3;

pub(super) fn check_settings(settings: &Settings, report: &mut Report) {
    match (&settings.error, &settings.file) {
        (Some(error), _) => {
            let help = "correct the file; the checks below use the defaults";
            report.fail("settings", Exit::Failed, error.to_string(), help);
        }
        (None, Some(file)) => report.pass("settings", format!("`{}` is valid", file.display())),
        (None, None) => report.pass("settings", "no fal.toml, so the defaults"),
    }
}

/// Checks the documents of the schemas folder. Returns the ids of their endpoints.
pub(super) fn check_schemas(settings: &Settings, report: &mut Report) -> Vec<String> {
    let folder = settings.schemas.display();
    if !settings.schemas.exists() {
        let shipped = fal_client::documents().count();
        report.pass("schemas", format!("no folder `{folder}`, so the {shipped} endpoints of fal-client"));
        return Vec::new();
    }
    let sources = match fal_documents::find(&settings.schemas) {
        Ok(found) => found.sources,
        Err(findings) => {
            report.fail("schemas", Exit::Failed, joined(&findings), "correct or delete the files");
            return Vec::new();
        }
    };
    let (mut ids, mut invalid) = (Vec::new(), Vec::new());
    for source in &sources {
        match fal_documents::parse(source) {
            Ok(contents) => ids.extend(contents.documents.into_iter().map(|document| document.id)),
            Err(findings) => invalid.extend(findings),
        }
    }
    if !invalid.is_empty() {
        let help = "correct the files, or fetch them again with `cargo fal update`";
        report.fail("schemas", Exit::Failed, joined(&invalid), help);
    }
    let oldest = sources.iter().filter_map(|source| age(&source.file)).max();
    let endpoints = format!("{} in `{folder}`", count(ids.len(), "endpoint"));
    match oldest {
        Some(age) if age >= OLD => {
            let message = format!("{endpoints}, the oldest document is {} old", days(age));
            report.warn("schemas", message, "see what fal has changed with `cargo fal update --check`");
        }
        Some(age) => report.pass("schemas", format!("{endpoints}, the oldest document is {} old", days(age))),
        None => report.warn("schemas", format!("no documents in `{folder}`"), "add one with `cargo fal add ID`"),
    }
    ids
}

/// Checks that fal still offers the endpoints. Needs no key.
pub(super) async fn check_models(ids: &[String], report: &mut Report) {
    let client = online::client_builder().retry(RetryPolicy::none()).response_timeout(TIMEOUT).idle_timeout(TIMEOUT);
    // The network is a check of its own.
    let Ok(client) = client.anonymous().build() else { return };
    if ids.is_empty() {
        return;
    }
    let models = client.platform().models().ids(ids).skip_unknown(true).stream();
    let models: Vec<(String, bool)> = match models
        .map_ok(|model| {
            let status = model.metadata.and_then(|metadata| metadata.status);
            (model.endpoint_id, status == Some(ModelStatus::Deprecated))
        })
        .try_collect()
        .await
    {
        Ok(models) => models,
        Err(error) => {
            let help = "try again when the platform host responds";
            return report.warn("endpoints", format!("fal did not say if they are deprecated: {error}"), help);
        }
    };
    let deprecated: Vec<&str> = models.iter().filter(|(_, is_old)| *is_old).map(|(id, _)| id.as_str()).collect();
    let is_gone = |id: &&str| !models.iter().any(|(found, _)| found == id);
    let gone: Vec<&str> = ids.iter().map(String::as_str).filter(is_gone).collect();
    if !deprecated.is_empty() {
        let help = "choose others with `cargo fal search`, before fal removes these";
        report.warn("endpoints", format!("deprecated by fal: {}", names(&deprecated)), help);
    }
    if !gone.is_empty() {
        let help = "choose others with `cargo fal search`; private endpoints are not in the catalogue";
        report.warn("endpoints", format!("not in fal's catalogue: {}", names(&gone)), help);
    }
    if deprecated.is_empty() && gone.is_empty() {
        report.pass("endpoints", "none is deprecated");
    }
}

/// Checks that the generated code belongs to the documents, if there is any.
pub(super) fn check_code(settings: &Settings, report: &mut Report) {
    if !settings.out.join("mod.rs").exists() || !settings.schemas.is_dir() {
        return;
    }
    match folders::builder(settings).check() {
        Ok(summary) if summary.is_current() => {
            report.pass(
                "code",
                format!("{} in `{}`, up to date", count(summary.unchanged, "file"), settings.out.display()),
            );
        }
        Ok(summary) => {
            let changed = count(summary.written.len() + summary.removed.len(), "file");
            let message = format!("{changed} in `{}` out of date", settings.out.display());
            report.fail("code", Exit::Failed, message, "run `cargo fal generate`");
        }
        Err(error) => report.fail("code", Exit::Failed, joined(error.findings()), "see `cargo fal check`"),
    }
}

/// Checks that the journal can be opened, and names its unfinished jobs. Does not create a journal.
pub(super) async fn check_journal(settings: &Settings, report: &mut Report) {
    let help = "correct `journal` in fal.toml, or the permissions of the file";
    let url = match online::existing_journal(settings) {
        Ok(Some(url)) => url,
        Ok(None) => return report.pass("journal", "none yet"),
        Err(error) => return report.fail("journal", Exit::Failed, error.to_string(), help),
    };
    let counts = async { Journal::open(&url).await?.count(Filter::new()).await };
    match counts.await {
        Ok(counts) => {
            let (uncertain, total) = (counts.of(State::Uncertain), counts.total());
            let unfinished = counts.unfinished() - uncertain;
            let jobs = |number: u64| count(usize::try_from(number).unwrap_or(usize::MAX), "job");
            if unfinished > 0 {
                let message = format!("{} of {total} not finished", jobs(unfinished));
                report.warn("journal", message, "continue with `cargo fal watch`");
            }
            if uncertain > 0 {
                let message = format!("{} uncertain: fal may have accepted and billed them", jobs(uncertain));
                report.warn("journal", message, "see `cargo fal history --state uncertain`");
            }
            if unfinished == 0 && uncertain == 0 {
                report.pass("journal", format!("{}, all finished", jobs(total)));
            }
        }
        Err(error) => report.fail("journal", Exit::Failed, error.to_string(), help),
    }
}

fn age(file: &Path) -> Option<Duration> {
    SystemTime::now().duration_since(fs::metadata(file).ok()?.modified().ok()?).ok()
}

fn days(age: Duration) -> String {
    match age.as_secs() / 86_400 {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// Joins the first names.
fn names(names: &[&str]) -> String {
    let more = names.len().saturating_sub(MAX_NAMES);
    let shown: Vec<String> = names.iter().take(MAX_NAMES).map(|name| format!("`{name}`")).collect();
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn joined(findings: &[impl ToString]) -> String {
    let more = findings.len().saturating_sub(MAX_NAMES);
    let shown: Vec<String> = findings.iter().take(MAX_NAMES).map(ToString::to_string).collect();
    match more {
        0 => shown.join("; "),
        more => format!("{}; and {more} more", shown.join("; ")),
    }
}
