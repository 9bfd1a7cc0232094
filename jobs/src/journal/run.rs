use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use fal_client::{EndpointInput, Handle, Response, TransferProgress};
use http::HeaderValue;
use serde::de::DeserializeOwned;

use super::Journal;
use super::call::{Call, Recorded, course_options, record_options};
use super::course::{Course, failed};
use super::follow::{Follow, follow_options};
use crate::error::{Error, ErrorKind};
use crate::files::{OnUpload, Target, output_removed};
use crate::future::call_future;
use crate::record::Record;
use crate::state::State;

/// A completed job. Dereferences to its [`Response`], so that it has `data`, `media()` and `billable_units`.
///
/// ```no_run
/// # async fn example(journal: fal_jobs::Journal, client: fal_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let flux = client.endpoint("fal-ai/flux/dev");
/// let done = journal.run(&flux, serde_json::json!({ "prompt": "a fox" })).await?;
/// println!("{:?} units for {}", done.billable_units, done.record.key);
/// client.download_all(done.media(), "foxes").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Completed<O> {
    /// The response, as the client reads one from fal.
    pub response: Response<O>,
    /// The job.
    pub record: Record,
}

impl<O> Deref for Completed<O> {
    type Target = Response<O>;

    fn deref(&self) -> &Response<O> {
        &self.response
    }
}

/// Runs a job of a journal. Starts when awaited.
///
/// ```no_run
/// # async fn example(journal: fal_jobs::Journal, client: fal_client::Client) -> Result<(), fal_jobs::Error> {
/// use std::time::Duration;
///
/// use fal_client::endpoints::Endpoints;
/// use fal_client::endpoints::fal_ai::flux::dev::redux;
///
/// let input = redux::Input::builder().image_url("https://example.com/fox.png").num_images(2);
/// let call = journal.run(&client.fal_ai().flux().dev().redux(), input).key("hero-image").label("website");
/// let done = call.on_update(|update| println!("{update:?}")).timeout(Duration::from_secs(600)).await?;
/// for image in &done.data.images {
///     println!("{} of request {:?}", image.url, done.record.request_id);
/// }
/// # Ok(())
/// # }
/// ```
///
/// Dropping the future at any time is as safe as a crash: the next call with the same key or input continues the job.
#[must_use = "a call does nothing until it is awaited"]
pub struct Run<I, O> {
    call: Call<I>,
    follow: Follow,
    on_recorded: Option<OnRecorded>,
    on_upload: Option<OnUpload>,
    of: PhantomData<fn() -> O>,
}

type OnRecorded = Box<dyn FnOnce(&Record) + Send>;

impl Journal {
    /// Runs an endpoint, unless the journal has the job already: then this continues it, or returns its recorded result.
    ///
    /// # Errors
    ///
    /// - The input is invalid, or the key belongs to another job ([`ErrorKind::Input`], [`ErrorKind::KeyConflict`]).
    /// - A request to fal failed, and the job is not finished ([`ErrorKind::Request`], [`ErrorKind::Timeout`]).
    /// - The job has failed, now or in an earlier call ([`ErrorKind::Failed`]).
    /// - It is unknown whether fal has accepted the job ([`ErrorKind::Uncertain`]).
    /// - The database fails ([`ErrorKind::Database`]). If fal has accepted the job already, the error has the
    ///   [request id](Error::request_id): [adopt](Journal::adopt) it.
    /// - The recorded output does not have the type of the handle ([`ErrorKind::Output`]).
    pub fn run<I: EndpointInput, O>(&self, handle: &Handle<I, O>, input: impl Into<I>) -> Run<I, O> {
        Run {
            call: Call::new(self, handle, input.into()),
            follow: Follow::default(),
            on_recorded: None,
            on_upload: None,
            of: PhantomData,
        }
    }
}

impl<I: EndpointInput, O: DeserializeOwned + Send + 'static> Run<I, O> {
    record_options!();
    course_options!();

    follow_options!();

    /// Registers a callback for the job, which is called when the journal has it and before it is sent. So the caller knows the
    /// automatic key, for example to cancel the job.
    pub fn on_recorded(mut self, call: impl FnOnce(&Record) + Send + 'static) -> Self {
        self.on_recorded = Some(Box::new(call));
        self
    }

    /// Registers a callback for the progress of uploads, with the field of the file. Files that were uploaded before are not
    /// reported.
    pub fn on_upload_progress(mut self, call: impl FnMut(&str, TransferProgress) + Send + 'static) -> Self {
        self.on_upload = Some(Box::new(call));
        self
    }

    /// Saves the files of the output into a folder, or to the writers of a [`Target`]. Default: none are saved.
    ///
    /// [`Record::files`] returns the saved files. If a file cannot be saved, the call fails with [`ErrorKind::File`], and the job
    /// stays completed: the same call, or [`Journal::download`] with the error's [`key`](Error::key), saves the rest without
    /// another request.
    pub fn download_to(mut self, target: impl Into<Target>) -> Self {
        self.follow.target = Some(target.into());
        self.call.saves_files = true;
        self
    }

    async fn start(self) -> Result<Completed<O>, Error> {
        let Run { call, follow, on_recorded, on_upload, .. } = self;
        let deadline = follow.deadline();
        let journal = call.journal.clone();
        let Recorded { call, record, claim, mut input } = call.record(journal.claims()).await?;
        if let Some(tell) = on_recorded {
            tell(&record);
        }
        let mut course = Course::new(&journal, &call.client);
        course.options = call.options.or_recorded();
        (course.on_failed, course.on_uncertain) = (call.on_failed, call.on_uncertain);
        let request = input.request(journal.uploads(), on_upload);
        completed(follow.finish(course, deadline, record, claim, request).await?)
    }
}

/// Reads the output of a job.
pub(crate) fn completed<O: DeserializeOwned + 'static>(record: Record) -> Result<Completed<O>, Error> {
    let output = match (&record.state, &record.output) {
        (State::Completed, Some(output)) => output.clone(),
        (State::Failed, _) => return Err(failed(&record)),
        (State::Completed, None) => return Err(output_removed(&record)),
        (state, _) => {
            let message = format!("the job is not completed: its state is `{state}`");
            return Err(Error::new(ErrorKind::State, message).of(&record.key));
        }
    };
    let mut response = Response::from_body(output).map_err(|error| {
        Error::new(ErrorKind::Output, "the recorded output does not match its type").caused_by(error).of(&record.key)
    })?;
    response.endpoint.clone_from(&record.endpoint);
    response.request_id.clone_from(&record.request_id);
    if let Some(units) = &record.units {
        response.billable_units = units.parse().ok().filter(|units: &f64| units.is_finite());
        if let Ok(units) = HeaderValue::from_str(units) {
            response.headers.insert("x-fal-billable-units", units);
        }
    }
    Ok(Completed { response, record })
}

call_future!([I: EndpointInput, O: DeserializeOwned + Send + 'static] Run<I, O> => Completed<O>);

impl<I, O> fmt::Debug for Run<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("call", &self.call).finish_non_exhaustive()
    }
}
