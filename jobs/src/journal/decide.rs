use super::Journal;
use crate::error::{Error, ErrorKind};
use crate::record::Record;
use crate::state::Event;

impl Journal {
    /// Sets the request of an uncertain job, and returns the job, which is submitted then. Running it again follows the request.
    ///
    /// A failed job can adopt a request as well, such as its own: then it is followed once more. If fal does not know the request,
    /// the job fails ([`FailureKind::Expired`](crate::FailureKind::Expired)), and can adopt another one.
    ///
    /// ```no_run
    /// # async fn example(journal: fal_jobs::Journal, client: fal_client::Client) -> Result<(), fal_jobs::Error> {
    /// journal.adopt("hero-image", "764cabcf-b745-4b3e-ae38-1200304cf45b").await?;
    /// let job = journal.resume(&client, "hero-image").await?;
    /// # let _ = job;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - The request id is not a UUID, as fal's are ([`ErrorKind::Input`]).
    /// - The journal does not have the key ([`ErrorKind::NotFound`]).
    /// - The job is neither uncertain nor failed, or another job has the request ([`ErrorKind::State`]).
    pub async fn adopt(&self, key: impl AsRef<str>, request_id: impl AsRef<str>) -> Result<Record, Error> {
        let (key, request_id) = (key.as_ref(), request_id.as_ref().trim());
        if !is_uuid(request_id) {
            let message = "invalid request id: expected a UUID, such as `764cabcf-b745-4b3e-ae38-1200304cf45b`, as fal returns it";
            return Err(Error::new(ErrorKind::Input, message).of(key));
        }
        let record = self.existing(key).await?;
        if self.store().taken(&[request_id.to_owned()], &record).await?.contains(request_id) {
            let message = format!("another job has the request `{request_id}`");
            return Err(Error::new(ErrorKind::State, message).of(key));
        }
        self.store().apply(key, &Event::Adopt { request_id: request_id.to_owned() }).await
    }

    /// Permits another submission of an uncertain or failed job, and returns the job, which waits then. Running it again sends
    /// it.
    ///
    /// If fal had accepted the first submission, both are billed.
    ///
    /// ```no_run
    /// # async fn example(journal: fal_jobs::Journal, client: fal_client::Client) -> Result<(), fal_jobs::Error> {
    /// journal.permit("hero-image").await?;
    /// let job = journal.resume(&client, "hero-image").await?;
    /// # let _ = job;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - The journal does not have the key ([`ErrorKind::NotFound`]).
    /// - The job is submitted, completed, or being sent ([`ErrorKind::State`]).
    pub async fn permit(&self, key: impl AsRef<str>) -> Result<Record, Error> {
        let key = key.as_ref();
        let attempt = self.existing(key).await?.attempt;
        self.store().apply(key, &Event::Permit { attempt }).await
    }
}

fn is_uuid(text: &str) -> bool {
    let groups = text.split('-').map(|group| group.len());
    groups.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}
