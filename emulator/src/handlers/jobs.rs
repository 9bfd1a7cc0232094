use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fal_documents::validate::{HEADER_BYTES, MAX_CHECKS, Measured};
use hyper::StatusCode;
use hyper::header::HeaderName;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::endpoints::endpoint::Endpoint;
use crate::faults::fault::Fault;
use crate::handlers::auth;
use crate::handlers::blocking::blocking;
use crate::handlers::workflow;
use crate::input::body;
use crate::input::files::missing_files;
use crate::input::upload_policy::{self, UploadPolicy};
use crate::media::media_file::MediaFile;
use crate::output::limits;
use crate::output::maker::{self, Made};
use crate::output::series::Series;
use crate::output::sources::{Source, Sources};
use crate::output::spec::{self, OutputSpec};
use crate::platform::bill::Bill;
use crate::queue::accepted_job::AcceptedJob;
use crate::queue::changed::Changed;
use crate::queue::concurrency::NoSlot;
use crate::queue::job::{Job, Prospect, Start};
use crate::queue::script::Script;
use crate::queue::slots::Times;
use crate::request::received::Received;
use crate::response::exceeded::Exceeded;
use crate::response::failure::Failure;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::saved::sink::Sink;
use crate::state::State;
use crate::storage::file::FileData;
use crate::storage::store::Store;
use crate::urls::Urls;

const RUNNER_HINTS: HeaderName = HeaderName::from_static("x-fal-runner-hints");

pub(super) const BILLABLE_UNITS: HeaderName = HeaderName::from_static("x-fal-billable-units");

/// Finds the endpoint of an id.
pub(super) fn endpoint<'s>(state: &'s State, id: &str, received: &Received) -> Result<&'s Arc<Endpoint>, Refusal> {
    auth::check_app_key(state, received, id)?;
    state.catalog.endpoint(id).ok_or_else(|| no_endpoint(state, id))
}

pub(super) fn no_endpoint(state: &State, id: &str) -> Refusal {
    match state.catalog.app_and_path(id) {
        Some((_, path)) => Refusal::NoPathOfApp(format!("/{path}")),
        None => Refusal::NoApplication(id.to_owned()),
    }
}

/// Turns a request into a job.
pub(crate) fn accept(
    state: &State,
    received: &Arc<Received>,
    fault: &Fault,
    endpoint: &Arc<Endpoint>,
    is_direct: bool,
) -> Result<Arc<Job>, Refusal> {
    let script = if is_direct { &state.direct } else { &state.queued };
    let start = start(state, endpoint, received, script)?;
    let policy = upload_policy(received).err().map(Failure::invalid_header);
    let failure = policy.or_else(|| invalid_input(endpoint, received)).or_else(|| fault.job_failure(&state.clock));
    let prospect = failure.map_or_else(|| prospect(state, endpoint, received), Err);
    let bill = bill(state, endpoint, received, fault, &prospect);
    let (endpoint, received, script) = (Arc::clone(endpoint), Arc::clone(received), Arc::clone(script));
    let job = Arc::new(Job::new(endpoint, received, prospect, bill, script, start, &state.clock));
    state.jobs.add(Arc::clone(&job))?;
    job.received.set_request_id(&job.id);
    job.arrive();
    if let Some(on_job) = &state.settings.on_job {
        on_job(&AcceptedJob(Arc::clone(&job)));
    }
    Ok(job)
}

/// Creates the job of a node of a workflow. It is not recorded: it belongs to the job of the workflow.
pub(super) fn part_of(state: &State, job: &Job, endpoint: &Arc<Endpoint>, input: &Value) -> Job {
    let received = Arc::new(Received::node(&job.received, &endpoint.document.id, input));
    let failure = invalid_input(endpoint, &received);
    let prospect = failure.map_or_else(|| prospect(state, endpoint, &received), Err);
    let bill = Bill { units: Decimal::ZERO, price: None };
    let changed = Arc::new(Changed::new(Sink::default()));
    let start = Start { timeout: None, seat: None, gates: Vec::new(), changed };
    Job::new(Arc::clone(endpoint), received, prospect, bill, Arc::clone(&state.direct), start, &state.clock)
}

/// Returns the conditions of a job's start: its start timeout or that of the application, and its place in the line for a slot,
/// if there is a limit of concurrency, and the gates before it. A direct run does not wait for a slot.
fn start(state: &State, endpoint: &Endpoint, received: &Received, script: &Script) -> Result<Start, Refusal> {
    let id = &endpoint.document.id;
    let gates = state.gates.of(id);
    let changed = state.jobs.changed();
    if script.is_direct {
        let seat = state.concurrency.enter(id, script.run_time).map_err(|NoSlot| Refusal::NoSlot)?;
        return Ok(Start { timeout: None, seat, gates, changed });
    }
    let default = state.settings.start_timeouts.get(id).copied();
    let timeout = received.start_timeout().or(default.filter(|_| !received.has_no_start_timeout()));
    let now = state.clock.now();
    let times = Times {
        ready: script.by_time.then(|| now + script.waiting()),
        run_time: script.by_time.then_some(script.run_time),
        deadline: timeout.and_then(|timeout| now.checked_add(timeout)),
    };
    Ok(Start { timeout, seat: state.concurrency.queue(id, received.is_low_priority(), times), gates, changed })
}

/// Returns the bill of a job that does not end early. A failure is billed only if a test says so.
fn bill(
    state: &State,
    endpoint: &Endpoint,
    received: &Received,
    fault: &Fault,
    prospect: &Result<Prospect, Failure>,
) -> Bill {
    let id = &endpoint.document.id;
    let units = fault.units().or_else(|| match prospect {
        Err(failure) if !failure.status().is_success() => {
            Some(failure.billable_units().and_then(|units| units.parse().ok()).unwrap_or_default())
        }
        _ => state.prices.units(id),
    });
    let units = units.unwrap_or_else(|| match prospect {
        Ok(Prospect::Made(_)) => spec::count(&endpoint.document, received.input().unwrap_or(&Value::Null)).into(),
        Ok(Prospect::Scripted(_)) | Err(_) => Decimal::ONE,
    });
    Bill { units, price: state.prices.get(id) }
}

/// Returns the upload policy for the files of the output.
fn upload_policy(received: &Received) -> Result<Option<UploadPolicy>, String> {
    let header = received.headers().get(upload_policy::HEADER);
    header.map(|header| UploadPolicy::parse(header.as_bytes())).transpose()
}

/// Returns why the input is refused: it breaks the document's schema, or that schema is unusable.
fn invalid_input(endpoint: &Endpoint, received: &Received) -> Option<Failure> {
    let violations = match (endpoint.validator(), received.input()) {
        (Err(reason), _) => return Some(Failure::internal(reason.to_owned())),
        // A body that is empty is missing, whatever its type.
        (Ok(_), _) if !received.declares_json() && !received.body().is_empty() => body::opaque(received.body()),
        (Ok(_), Err(error)) => body::unreadable(received.body(), error),
        (Ok(validator), Ok(input)) if !validator.is_within_bounds(input) => {
            let exceeded = Exceeded { max: MAX_CHECKS, of: "checks of an input, and of nested ones," };
            return Some(Failure::internal(exceeded.to_string()));
        }
        (Ok(validator), Ok(input)) => match validator.errors(input) {
            violations if violations.is_empty() => limits::violations(&endpoint.document, input),
            violations => violations,
        },
    };
    if violations.is_empty() { None } else { Some(Failure::invalid(violations)) }
}

fn prospect(state: &State, endpoint: &Endpoint, received: &Received) -> Result<Prospect, Failure> {
    let input = received.input().unwrap_or(&Value::Null);
    match state.outputs.take(&endpoint.document.id, input) {
        Some(Ok(output)) => Ok(Prospect::Scripted(output)),
        Some(Err(reason)) => Err(Failure::internal(format!("the output that a test made is invalid: {reason}"))),
        None => sources(state, endpoint, received).map(Prospect::Made),
    }
}

/// Returns the files that an input works on. A file that is missing, or beyond its limits, fails the request, as on fal, if
/// its URL is one of the emulator's. The emulator fetches no other URL.
fn sources(state: &State, endpoint: &Endpoint, received: &Received) -> Result<Sources, Failure> {
    let input = received.input().unwrap_or(&Value::Null);
    let is_missing = |url: &str| state.store.is_file_url(url) && source(state, url).is_none();
    let mut violations = missing_files(input, &is_missing);
    if let (true, Ok(validator)) = (violations.is_empty(), endpoint.validator()) {
        violations = validator.file_errors(input, &|url| measured(state, url));
    }
    match violations.is_empty() {
        true => Ok(Sources::new(input, |url| source(state, url))),
        false => Err(Failure::invalid(violations)),
    }
}

/// Returns the files that the input of a job from before a restart works on. `url` returns the present form of a URL.
#[cfg(feature = "state")]
pub(crate) fn restored_sources(state: &State, received: &Received, url: impl Fn(&str) -> String) -> Sources {
    Sources::new(received.input().unwrap_or(&Value::Null), |old| source(state, &url(old)))
}

/// Measures an uploaded file.
fn measured(state: &State, url: &str) -> Option<Measured> {
    let Source::Stored(content) = source(state, url)? else { return None };
    let size = content.size();
    let chunks: Vec<_> = content.chunks(0..size.min(HEADER_BYTES)).collect::<Result<_, _>>().ok()?;
    Some(Measured { size, header: chunks.concat() })
}

/// Returns the file of a URL, if the emulator has it.
fn source(state: &State, url: &str) -> Option<Source> {
    let path = state.store.path_of(url)?;
    let drawn = match state.store.get_even_expired(&path) {
        Some(_) => match &state.store.get(&path)?.data {
            FileData::Uploaded(content, _) | FileData::Generated(content) => {
                return Some(Source::Stored(content.clone()));
            }
            FileData::Drawn(file) => file.clone(),
        },
        None => MediaFile::from_path(&path)?,
    };
    let caption = state.store.captions.get(drawn.motif());
    Some(Source::Drawn(drawn, caption))
}

/// Responds with the result of a completed job.
pub(super) async fn result(state: &State, job: &Arc<Job>, urls: &Urls) -> Reply {
    let reply = match output_of(state, job, urls).await {
        Ok(output) => reply::with_header(reply::json(StatusCode::OK, &output), BILLABLE_UNITS, &job.billable_units()),
        Err(failure) => failed(job, &failure),
    };
    // The runner that served the request, for later ones.
    match job.received.header("x-fal-runner-hint") {
        Some(hint) => reply::with_header(reply, RUNNER_HINTS, hint),
        None => reply,
    }
}

/// Responds with the failure of a job.
pub(super) fn failed(job: &Job, failure: &Failure) -> Reply {
    let bill = job.bill().filter(|bill| !bill.units.is_zero());
    match bill {
        Some(_) => reply::with_header(failure.reply(), BILLABLE_UNITS, &job.billable_units()),
        None => failure.reply(),
    }
}

/// Returns the output of a completed job.
pub(crate) async fn output_of(state: &State, job: &Arc<Job>, urls: &Urls) -> Result<Value, Failure> {
    match job.failure(&job.now()) {
        _ if job.deletion().is_some() => Err(Failure::deleted()),
        Some(failure) => Err(failure),
        None => match (&job.endpoint.workflow, &job.prospect) {
            (Some(workflow), Ok(Prospect::Made(_))) => Box::pin(workflow::output(state, job, workflow, urls)).await,
            _ => Ok(outputs(state, job, urls, &[Part::Final]).await?.pop().unwrap_or_default()),
        },
    }
}

/// Returns the outputs of a realtime input: one, unless a test has set several.
pub(crate) async fn results(state: &State, job: &Arc<Job>) -> Result<Series, Failure> {
    if job.prospect.is_err() || state.outputs.series(&job.endpoint.document.id).is_some() {
        return series(state, job).await;
    }
    Ok(Series::Whole(outputs(state, job, job.received.urls(), &[Part::Final]).await?))
}

/// Returns the outputs of a stream.
pub(crate) async fn series(state: &State, job: &Arc<Job>) -> Result<Series, Failure> {
    let is_workflow = job.endpoint.app.starts_with("workflows/");
    if let Err(failure) = &job.prospect {
        if is_workflow && failure.is_injected() && failure.output().is_none() {
            return Ok(Series::Whole(workflow::events_of_one_node(job, Err(failure))));
        }
        let output = failure.output().ok_or_else(|| failure.clone())?;
        return Ok(Series::Whole(vec![output]));
    }
    if let Some(outputs) = state.outputs.series(&job.endpoint.document.id) {
        return Ok(Series::Scripted(outputs));
    }
    if let (Some(workflow), Ok(Prospect::Made(_))) = (&job.endpoint.workflow, &job.prospect) {
        return Ok(Series::Whole(workflow::events(state, job, workflow).await));
    }
    let urls = job.received.urls();
    let mut outputs = outputs(state, job, urls, &[Part::Final]).await?;
    if is_workflow {
        let output = outputs.pop().unwrap_or_default();
        return Ok(Series::Whole(workflow::events_of_one_node(job, Ok(&output))));
    }
    match Series::of_text(&job.endpoint.document, outputs.pop().unwrap_or_default()) {
        Ok(series) => Ok(series),
        Err(last) => {
            let mut outputs = self::outputs(state, job, urls, &[Part::Partial(1), Part::Partial(2)]).await?;
            outputs.push(last);
            Ok(Series::Whole(outputs))
        }
    }
}

/// An output of a job: the final one, or one of those before.
#[derive(Clone, Copy, Debug)]
enum Part {
    Partial(u8),
    Final,
}

/// Makes outputs of a job.
async fn outputs(state: &State, job: &Arc<Job>, urls: &Urls, parts: &'static [Part]) -> Result<Vec<Value>, Failure> {
    if let Ok(Prospect::Scripted(output)) = &job.prospect {
        return Ok(vec![(**output).clone(); parts.len()]);
    }
    let (job, urls, store) = (Arc::clone(job), urls.clone(), Arc::clone(&state.store));
    let (upload_time, seed) = (state.settings.output_upload_time, state.settings.seed);
    let work = move || {
        parts
            .iter()
            .map(|part| output(&job, *part, &urls, &store, upload_time, seed))
            .collect::<Result<Vec<Value>, String>>()
    };
    blocking(state, work).await.map_err(Failure::internal)
}

/// Makes the output of a job. A file that it refers to is stored if its name
/// does not determine its content, or if it has a lifecycle. With an upload policy, all of them are stored in its bucket.
fn output(
    job: &Job,
    part: Part,
    urls: &Urls,
    store: &Store,
    upload_time: Duration,
    seed: u64,
) -> Result<Value, String> {
    let input = job.received.input().unwrap_or(&Value::Null);
    let canvas = match &job.prospect {
        Ok(Prospect::Made(sources)) => sources.canvas(&job.endpoint.document, input),
        Ok(Prospect::Scripted(_)) | Err(_) => None,
    };
    let lifecycle = job.received.lifecycle();
    // The same input yields the same files, unless they expire with the request or are made from its source files.
    let owner = (canvas.is_some() || lifecycle.is_some()).then(|| job.id.clone());
    let spec = OutputSpec::new(&job.endpoint.document, input, canvas, owner.as_deref(), seed);
    let spec = match part {
        Part::Partial(number) => spec.partial(number),
        Part::Final => spec,
    };
    let Made { mut output, files } = maker::make(&job.endpoint.document, &spec, urls)?;
    let policy = upload_policy(&job.received)?;
    let mut moved = HashMap::new();
    for (index, file) in files.iter().enumerate() {
        store.captions.add(file.motif(), &spec.caption);
        let in_bucket = policy.as_ref().map(|policy| policy.path(&unique(&job.id, part, index), &file.file_name()));
        if let Some(path) = &in_bucket {
            moved.insert(urls.to(&file.path()), urls.to(path));
        } else if !file.is_painted() && lifecycle.is_none() {
            // Another request with the same input may have deleted its payloads.
            store.restore(&file.path());
            continue;
        }
        if store.get_even_expired(in_bucket.as_ref().unwrap_or(&file.path())).is_some() {
            continue;
        }
        let content = match file.is_painted() {
            true => {
                let mut blob = store.blob();
                blob.append(&file.bytes(Some(&spec.caption), spec.canvas.as_ref())?)
                    .map_err(|error| error.to_string())?;
                Some(blob)
            }
            false => None,
        };
        let added = match in_bucket {
            Some(path) => store.add_to_bucket(path, file, content, upload_time),
            None => store.add_generated(file, &lifecycle.clone().unwrap_or_default(), content),
        };
        added.map_err(|exceeded| exceeded.to_string())?;
    }
    replace(&mut output, &moved);
    Ok(output)
}

/// Returns the unique prefix of a file's name in a bucket: 32 hexadecimal digits, the same whenever the result is read.
fn unique(job_id: &str, part: Part, index: usize) -> String {
    let digits: String = job_id.chars().filter(char::is_ascii_hexdigit).take(27).collect();
    let part = match part {
        Part::Partial(number) => number,
        Part::Final => 0,
    };
    format!("{digits}{part:x}{index:04x}")
}

/// Replaces URLs that are a whole string of the output.
fn replace(value: &mut Value, urls: &HashMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(url) = urls.get(text) {
                text.clone_from(url);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, urls)),
        Value::Object(members) => members.values_mut().for_each(|member| replace(member, urls)),
        _ => {}
    }
}
