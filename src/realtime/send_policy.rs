/// The behaviour of `send` while a realtime connection cannot take another input.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use fal_client::realtime::SendPolicy;
///
/// let connection = client.endpoint("fal-ai/fast-lcm-diffusion").realtime();
/// let connection = connection.send_policy(SendPolicy::NewestWins).send_queue(1).await?;
/// # let _ = connection;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendPolicy {
    /// Waits until the connection has taken the input. No input is lost.
    #[default]
    Wait,
    /// Does not wait. If the queue is full, its oldest input is discarded. Suits inputs that replace earlier ones, such as the
    /// states of a drawing.
    NewestWins,
}
