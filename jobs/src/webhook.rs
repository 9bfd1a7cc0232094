//! Webhooks complete jobs.

use std::time::Duration;

use axum_core::extract::{FromRequest, Request};
use axum_core::response::{IntoResponse, Response};
use fal_client::Client;
use fal_client::serde_json::Value;
use fal_client::webhook::{Delivery, Verifier};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::StatusCode;
use tokio::time::timeout;

use crate::error::{Error, ErrorKind};
use crate::journal::{Course, Journal};
use crate::record::Record;
use crate::state::State;

/// Time limit of a delivery. fal waits for 15 seconds, and then delivers again.
const TIME_LIMIT: Duration = Duration::from_secs(12);

impl Journal {
    /// Returns a handler for a route of axum, which completes the jobs that were submitted with the route's URL as their
    /// [webhook](crate::SubmitOptions::webhook).
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use axum::Router;
    /// use axum::routing::post;
    /// use fal_client::webhook::Verifier;
    /// use fal_jobs::Journal;
    ///
    /// let journal = Journal::open("postgres://localhost/jobs").await?;
    /// let verifier = Verifier::new(&client).user_id("your-user-id"); // see `Delivery::user_id`
    /// let app: Router = Router::new().route("/fal", post(journal.webhook_handler(&client, verifier)));
    /// let listener = tokio::net::TcpListener::bind("0.0.0.0:3000").await?;
    /// axum::serve(listener, app).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// | delivery | status |
    /// | --- | --- |
    /// | about a job of the journal, also if the job is final already | 200, once the outcome is recorded |
    /// | about another request | 503 |
    /// | not signed by fal, or about a request of another user | that of [`Rejection`](fal_client::webhook::Rejection) |
    /// | the database, or the result that has to be fetched, fails | 503 |
    ///
    /// fal delivers again after any other status than 2xx, for up to an hour. So nothing is lost if a delivery arrives before
    /// the request id is recorded, or while the database is down.
    ///
    /// Set the [`user_id`](Verifier::user_id) of the verifier: fal signs the deliveries of all its users. With a wrong one, each
    /// delivery is rejected, and an event of the level `warn` says so. A replay guard of the verifier is not needed, because a job
    /// is completed once.
    pub fn webhook_handler(
        &self,
        client: &Client,
        verifier: Verifier,
    ) -> impl Fn(Request) -> BoxFuture<'static, Response> + Clone + Send + Sync + use<> {
        let (journal, client) = (self.clone(), client.clone());
        move |request| {
            let (journal, client, verifier) = (journal.clone(), client.clone(), verifier.clone());
            async move {
                let delivery = match Delivery::from_request(request, &verifier).await {
                    Ok(delivery) => delivery,
                    Err(rejected) => {
                        tracing::warn!(target: "fal_jobs", error = %rejected, "a webhook was rejected");
                        return rejected.into_response();
                    }
                };
                match timeout(TIME_LIMIT, journal.accept(&client, delivery)).await {
                    Ok(Ok(_)) => StatusCode::OK.into_response(),
                    Ok(Err(error)) => {
                        tracing::warn!(target: "fal_jobs", %error, "a webhook was not recorded");
                        StatusCode::SERVICE_UNAVAILABLE.into_response()
                    }
                    Err(_) => {
                        tracing::warn!(target: "fal_jobs", "a webhook was not recorded in time");
                        StatusCode::SERVICE_UNAVAILABLE.into_response()
                    }
                }
            }
            .boxed()
        }
    }

    /// Completes or fails the job that a verified delivery is about, and returns it. For servers other than axum, and for
    /// handlers that take a [`Delivery`].
    ///
    /// ```no_run
    /// # async fn example(
    /// #     journal: fal_jobs::Journal, client: fal_client::Client, verifier: fal_client::webhook::Verifier,
    /// #     headers: http::HeaderMap, body: Vec<u8>,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let delivery = verifier.verify(&headers, body).await?;
    /// let job = journal.accept(&client, delivery).await?; // respond with 503 if it fails
    /// println!("{} is {}", job.key, job.state);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The same delivery changes nothing the second time. A webhook does not have the billable units, so that
    /// [`Record::units`] stays empty, unless the job has a budget or a [price](crate::JournalBuilder::prices): then the result is
    /// fetched from fal, which is free. It is also fetched if fal could not put the output into the webhook.
    ///
    /// # Errors
    ///
    /// - No job has the request id, at least not yet ([`ErrorKind::NotFound`]).
    /// - The result has to be fetched, and fal cannot be reached ([`ErrorKind::Request`]).
    /// - The database fails ([`ErrorKind::Database`]).
    ///
    /// Respond to each of them with a status of 5xx, so that fal delivers again.
    pub async fn accept(&self, client: &Client, delivery: Delivery) -> Result<Record, Error> {
        let webhook = delivery.parse::<Value>();
        let record = self.store().of_request(&webhook.request_id).await?.ok_or_else(|| {
            let message = "a webhook is about a request that no job of the journal has, at least not yet";
            Error::new(ErrorKind::NotFound, message)
        })?;
        if record.state != State::Submitted {
            return Ok(record);
        }
        let is_told = match &webhook.result {
            Ok(_) => record.billing.budget.is_none() && record.billing.unit_price.is_none(),
            Err(error) => error.is_outcome(),
        };
        let mut course = Course::new(self, client);
        let key = record.key.clone();
        let recorded = match is_told {
            true => course.record(&record, webhook.result).await,
            false => course.follow_queue(record).await,
        };
        let record = match recorded {
            // The failure of the job is recorded.
            Err(error) if error.kind() == ErrorKind::Failed => self.existing(&key).await?,
            recorded => recorded?,
        };
        self.watch().wake(&record.key);
        Ok(record)
    }
}
