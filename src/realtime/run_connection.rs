use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::BytesMut;
use futures_util::{FutureExt, SinkExt, StreamExt};
use http::Method;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tracing::Instrument;

use super::close_timeout::within_close_timeout;
use super::codec::unexpected_frame;
use super::connector::Connector;
use super::control::{self, Control};
use super::link::failed as lost;
use super::run_frame::{RunFrame, head};
use crate::call::{Hold, Response, check_input, upload_files};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::protocol::RawResponse;
use crate::schema::EndpointInput;
use crate::text::shown;
use crate::transport::{Operation, Request, WebSocket, judged, keyed_error};

/// A connection for direct runs of an endpoint, one after another. Opened by
/// [`Handle::run_connection`](crate::Handle::run_connection).
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// let mut connection = client.endpoint("fal-ai/flux/schnell").run_connection().await?;
/// let response = connection.run(serde_json::json!({ "prompt": "a fox" })).await?;
/// println!("{} for {:?} units", response.data, response.billable_units);
/// # Ok(())
/// # }
/// ```
///
/// Runs in parallel need a connection each, or [`Handle::run`](crate::Handle::run). Dropping the connection closes it.
pub struct RunConnection<I, O> {
    client: Client,
    connector: Arc<Connector>,
    socket: WebSocket,
    /// True from the time that an input is sent until its whole response has arrived.
    is_busy: bool,
    of: PhantomData<fn(I) -> O>,
}

impl<I, O> RunConnection<I, O> {
    pub(super) fn new(client: Client, connector: Arc<Connector>, socket: WebSocket) -> Self {
        RunConnection { client, connector, socket, is_busy: false, of: PhantomData }
    }

    /// Closes the connection and waits for fal to confirm.
    ///
    /// # Errors
    ///
    /// The connection is lost, or closing it takes longer than 10 seconds.
    pub async fn close(mut self) -> Result<(), Error> {
        let closed = async {
            self.socket.close(None).await.map_err(lost)?;
            while self.socket.next().await.is_some_and(|message| message.is_ok()) {}
            Ok(())
        };
        within_close_timeout(closed).await.map_err(|error| error.with_endpoint(&self.connector.endpoint))
    }

    /// Checks that fal has not closed the connection since the last run. Responds to pings.
    fn check(&mut self) -> Result<(), Error> {
        loop {
            return Err(match self.socket.next().now_or_never() {
                None => return Ok(()),
                Some(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => continue,
                Some(Some(Err(error))) => lost(error),
                Some(Some(Ok(Message::Close(_))) | None) => {
                    Error::new(ErrorKind::Transport, "fal has closed the connection since the last run: open another")
                }
                Some(Some(Ok(message))) => not_a_start(message),
            });
        }
    }

    /// Reads one response.
    async fn response(&mut self) -> Result<RawResponse, Error> {
        let mut begun = None;
        let response = self.frames(&mut begun).await;
        response.map_err(|error| match begun {
            Some((request_id, _)) => error.with_request_id(&request_id),
            None => error,
        })
    }

    /// Reads the frames of a response. `begun` is the id of its request and its head, once they have arrived.
    async fn frames(&mut self, begun: &mut Option<(String, RawResponse)>) -> Result<RawResponse, Error> {
        let (mut body, limit) = (BytesMut::new(), self.connector.max_message);
        loop {
            let message = self.message(begun.is_some()).await?;
            let frame = match &message {
                Message::Text(text) => RunFrame::parse(text),
                Message::Binary(_) => None,
                _ => continue,
            };
            match (frame, begun.as_mut()) {
                (Some(RunFrame::Start { request_id, status, headers }), None) => {
                    let Some(head) = head(&request_id, status, headers.unwrap_or_default()) else {
                        let message = format!("fal began a response with the status {status}");
                        return Err(Error::new(ErrorKind::UnexpectedResponse, message).with_request_id(&request_id));
                    };
                    *begun = Some((request_id, head));
                }
                (Some(RunFrame::End { request_id: end }), Some((request_id, head))) if end == *request_id => {
                    let headers = std::mem::take(&mut head.headers);
                    return Ok(RawResponse { status: head.status, headers, body: body.freeze() });
                }
                (None, Some(_)) => {
                    let part = message.into_data();
                    if body.len() + part.len() > limit {
                        let message = format!("the response exceeds the limit of {limit} bytes");
                        return Err(Error::new(ErrorKind::UnexpectedResponse, message));
                    }
                    body.extend_from_slice(&part);
                }
                (Some(_), Some(_)) => {
                    let message = "the response of one request contains a frame of another";
                    return Err(Error::new(ErrorKind::UnexpectedResponse, message));
                }
                (_, None) => {
                    let error = not_a_start(message);
                    return Err(if error.is_unauthorized() { error } else { error.with_acceptance() });
                }
            }
        }
    }

    /// Reads a message. Once a response has begun, silence has a time limit, as in the response of any other request.
    async fn message(&mut self, has_begun: bool) -> Result<Message, Error> {
        let limit = self.connector.context.timeouts.idle;
        let next = match has_begun {
            true => timeout(limit, self.socket.next())
                .await
                .map_err(|_| Error::timeout("waiting for the next part of the response", limit))?,
            false => self.socket.next().await,
        };
        match next {
            Some(Ok(Message::Close(frame))) => {
                let (code, reason) = frame.map_or((1005, "".into()), |frame| (frame.code.into(), frame.reason));
                Err(Error::closed(code, &reason))
            }
            Some(next) => next.map_err(lost),
            None => Err(Error::new(ErrorKind::Transport, "the connection was lost: the host has closed it")),
        }
    }
}

impl<I: EndpointInput, O: DeserializeOwned + Send + 'static> RunConnection<I, O> {
    /// Runs the model directly, and waits for its response. The options of the endpoint's other calls do not exist here.
    ///
    /// If the future is dropped before the response has arrived, the connection cannot be used any more, because a response would
    /// belong to an earlier input.
    ///
    /// # Errors
    ///
    /// - The input is invalid, or a file cannot be uploaded. Nothing was sent.
    /// - fal or the model fails the run, with the same errors as of [`Handle::run`](crate::Handle::run). The connection goes on.
    /// - The connection is lost, a response stops for longer than [`idle_timeout`](crate::ClientBuilder::idle_timeout), or an earlier
    ///   run was abandoned.
    ///   [`Error::may_have_been_accepted`] says whether this run may be billed.
    pub async fn run(&mut self, input: impl Into<I>) -> Result<Response<O>, Error> {
        let span = tracing::info_span!("fal.run", endpoint = shown(&self.connector.endpoint));
        let input = input.into();
        let ran = self.exchange(input).instrument(span).await;
        ran.map_err(|error| error.with_endpoint(&self.connector.endpoint))
    }

    async fn exchange(&mut self, mut input: I) -> Result<Response<O>, Error> {
        if self.is_busy {
            let message = "the connection cannot be used any more, because an earlier run was abandoned or has failed: open another";
            return Err(Error::new(ErrorKind::Transport, message));
        }
        check_input(&input).await?;
        let _turn = self.client.turn().await;
        let (is_out, endpoint) = (Arc::default(), &self.connector.endpoint);
        let mut hold = Hold::reserve(&self.connector.context, endpoint, None, &is_out)?;
        upload_files(&self.client, &mut input, None, None).await?;
        let body = serde_json::to_string(&input).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, format!("cannot serialize the input: {error}")).caused_by(error)
        })?;
        self.is_busy = true;
        self.check()?;
        let mut request = Request::new(Operation::Run, Method::POST, self.connector.url.clone());
        request.body = Some(body.clone().into());
        is_out.store(true, Ordering::Relaxed);
        let ran = match self.socket.send(Message::text(body)).await {
            Ok(()) => self.response().await,
            Err(error) => Err(lost(error)),
        };
        let parsed = ran.and_then(|response| {
            self.is_busy = false;
            if !response.status.is_success() {
                let error = keyed_error(&self.connector.context, &request, response);
                return Err(error.without_echo(request.body.as_deref().unwrap_or_default()));
            }
            let mut response = Response::parse(response)?;
            response.endpoint.clone_from(&self.connector.endpoint);
            Ok(response)
        });
        let parsed = parsed.map_err(|error| judged(Operation::Run, error));
        match &parsed {
            Ok(response) => hold.succeeded(&response.headers),
            Err(error) => hold.failed(Operation::Run, error),
        }
        parsed
    }
}

/// Creates the error of a frame that does not begin a response. It may be fal's word about the connection.
fn not_a_start(message: Message) -> Error {
    if let Message::Text(text) = &message
        && let Some(Control::Failed(error)) = control::of_text(text)
    {
        return error;
    }
    unexpected_frame("fal sent a frame that does not begin a response; see `Error::body` for the frame", message)
}

impl<I, O> fmt::Debug for RunConnection<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunConnection").field("endpoint", &self.connector.endpoint).finish_non_exhaustive()
    }
}
