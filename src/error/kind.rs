/// The category of an error.
///
/// ```no_run
/// use fal_client::ErrorKind;
///
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// match client.endpoint("fal-ai/flux/dev").run(serde_json::json!({ "prompt": "a fox" })).await {
///     Err(error) if error.kind() == ErrorKind::Credentials => eprintln!("check the API key: {error}"),
///     other => println!("{}", other?.data),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client's configuration is invalid. Nothing was sent.
    Configuration,
    /// The API key is missing, invalid, or could not be obtained. Nothing was sent.
    Credentials,
    /// The endpoint id does not have the form `owner/app` or `owner/app/path`. Nothing was sent.
    EndpointId,
    /// The input violates the endpoint's schema, or an option is invalid. Nothing was sent.
    InvalidInput,
    /// A file cannot be read or written, changed while it was being sent, or is too large. No call was made.
    File,
    /// A URL in a response leads to a host that is not fal's. The API key was not sent there.
    UntrustedUrl,
    /// No connection to the service could be established.
    Connect,
    /// A connection was lost.
    Transport,
    /// A time limit of the client or of the caller expired.
    Timeout,
    /// The future of `cancel_when` has ended the call.
    Cancelled,
    /// The service responded with an error.
    Service,
    /// The response does not match the endpoint's schema or the protocol.
    UnexpectedResponse,
    /// A webhook delivery was rejected: it is not from fal, or not for this receiver.
    Webhook,
    /// The budget of the client has too little left for the request. Nothing was sent.
    Budget,
    /// The price of an endpoint is unknown. If a budget needs it, nothing was sent.
    UnknownPrice,
    /// The units of a call are unknown: a response does not have the billed units, or the client does not know the units to
    /// expect. If a budget needs them, nothing was sent.
    UnknownUnits,
    /// An amount of money is invalid, out of range, or in another currency.
    Amount,
}
