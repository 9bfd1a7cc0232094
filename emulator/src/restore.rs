//! Restores the state of an emulator after a restart.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use hyper::{Request, Uri};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;

use crate::handlers::jobs;
use crate::media::caption::Caption;
use crate::platform::bill::Bill;
use crate::platform::billed::Billed;
use crate::platform::price::Price;
use crate::queue::job::{Job, Prospect, Start};
use crate::queue::saved_job::{SavedJob, SavedPrice, SavedProgress, SavedProspect};
use crate::request::received::Received;
use crate::request::route::Route;
use crate::response::failure::Failure;
use crate::saved::change::{Kind, time};
use crate::saved::database::Database;
use crate::state::{CLOCK, State};
use crate::storage::saved_file::SavedFile;
use crate::urls::Urls;

/// Restores what the state file has. Jobs of endpoints that the emulator does not serve stay in the file. The error says which
/// record is invalid.
pub(crate) async fn restore(state: &State, database: &mut Database) -> Result<(), String> {
    if let Some(record) = database.record(Kind::Clock, CLOCK).await? {
        state.clock.advance(parse(Kind::Clock, CLOCK, &record)?);
    }
    for (key, record) in database.records(Kind::Caption).await? {
        let caption: Caption = parse(Kind::Caption, &key, &record)?;
        state.store.captions.restore(key.parse().map_err(|_| invalid(Kind::Caption, &key))?, caption);
    }
    for (path, record) in database.records(Kind::File).await? {
        let file: SavedFile = parse(Kind::File, &path, &record)?;
        let blob = match file.has_content() {
            true => {
                let mut blob = state.store.blob();
                let mut number = 0;
                while let Some(chunk) = database.chunk(&path, number).await? {
                    blob.append(&chunk).map_err(|error| format!("a stored file cannot be read: {error}"))?;
                    number += 1;
                }
                Some(blob)
            }
            false => None,
        };
        if !state.store.restore_file(path.clone(), &file, blob) {
            return Err(invalid(Kind::File, &path));
        }
    }
    for (endpoint, record) in database.records(Kind::Billed).await? {
        let billed = Billed::restore(parse(Kind::Billed, &endpoint, &record)?);
        state.jobs.restore_billed(&endpoint, billed.ok_or_else(|| invalid(Kind::Billed, &endpoint))?);
    }
    for (id, record) in database.records(Kind::Job).await? {
        let saved: SavedJob = parse(Kind::Job, &id, &record)?;
        let progress = database.record(Kind::Progress, &id).await?;
        let progress = progress.map(|record| parse(Kind::Progress, &id, &record)).transpose()?.unwrap_or_default();
        let number = saved.number;
        match job(state, &id, saved, progress)? {
            Some(job) => state.jobs.restore(number, job),
            None => state.jobs.skip(number),
        }
    }
    for (id, record) in database.records(Kind::Webhook).await? {
        let url: String = parse(Kind::Webhook, &id, &record)?;
        if let Some(job) = state.jobs.get(&id) {
            state.outbox.submit(&job, &url);
        }
    }
    Ok(())
}

/// Returns the job of a record, or `None` if the emulator does not serve its endpoint.
fn job(state: &State, id: &str, saved: SavedJob, progress: SavedProgress) -> Result<Option<Arc<Job>>, String> {
    let Some(endpoint) = state.catalog.endpoint(&saved.endpoint) else { return Ok(None) };
    let ended_at = saved.ends_at.map(time).filter(|at| *at <= state.clock.date());
    let received = received(state, &saved).ok_or_else(|| invalid(Kind::Job, id))?;
    received.set_request_id(id);
    let prospect = match saved.prospect {
        SavedProspect::Made => {
            // A URL of a file has the base URL from before the restart, which may have another port.
            let url = |url: &str| match saved.base_url.as_deref().and_then(|base| url.strip_prefix(base)) {
                Some(path) => format!("{}{path}", state.base_url),
                None => url.to_owned(),
            };
            Ok(Prospect::Made(jobs::restored_sources(state, &received, url)))
        }
        SavedProspect::Scripted(output) => Ok(Prospect::Scripted(Arc::new(output))),
        SavedProspect::Failed(failure) => Err(Failure::restore(failure).ok_or_else(|| invalid(Kind::Job, id))?),
    };
    let bill = bill(&saved.units, saved.price).ok_or_else(|| invalid(Kind::Job, id))?;
    let script = if saved.is_direct { &state.direct } else { &state.queued };
    let timeout = saved.start_timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    // The line for slots, and tests that hold jobs, are gone.
    let start = Start { timeout, seat: None, gates: Vec::new(), changed: state.jobs.changed() };
    let job =
        Job::new(Arc::clone(endpoint), Arc::new(received), prospect, bill, Arc::clone(script), start, &state.clock);
    Ok(Some(Arc::new(job.restored(id.to_owned(), time(saved.submitted_at), ended_at, progress))))
}

fn received(state: &State, saved: &SavedJob) -> Option<Received> {
    let mut request = Request::builder().method(saved.method.as_str()).uri(Uri::from_str(&saved.path).ok()?);
    for (name, value) in &saved.headers {
        request = request.header(name, value);
    }
    let (head, ()) = request.body(()).ok()?.into_parts();
    let route = Route::parse(&head.method, head.uri.path(), false);
    let urls = if saved.base_url.is_some() { Urls::Base(Arc::clone(&state.base_url)) } else { Urls::Real };
    let received = Received::new(&route, Some(saved.endpoint.clone()), 0, urls, head);
    received.set_body(saved.body.clone().into());
    Some(received)
}

fn bill(units: &str, price: Option<SavedPrice>) -> Option<Bill> {
    let price = match price {
        Some(SavedPrice { unit_price, currency, unit, per_call }) => {
            let per_call = per_call.map(|price| Decimal::from_str(&price)).transpose().ok()?;
            Some(Arc::new(Price { unit_price: unit_price.parse().ok()?, currency, unit, per_call }))
        }
        None => None,
    };
    Some(Bill { units: units.parse().ok()?, price })
}

fn parse<T: DeserializeOwned>(kind: Kind, key: &str, record: &str) -> Result<T, String> {
    serde_json::from_str(record).map_err(|error| format!("{}: {error}", invalid(kind, key)))
}

fn invalid(kind: Kind, key: &str) -> String {
    format!("invalid {} record `{key}`: restore or remove the file", kind.name())
}
