use crate::emulator::Emulator;
use crate::webhooks::delivery::WebhookDelivery;
use crate::webhooks::fault::WebhookFault;

impl Emulator {
    /// Returns the webhooks of submitted requests, oldest first. The limits of [`requests`](Self::requests) apply.
    ///
    /// When a request is completed, the emulator signs its webhook and posts it to the URL of the submission. It delivers
    /// to loopback hosts only, unless the builder
    /// [allows others](crate::EmulatorBuilder::allow_webhook_hosts). Only a response with a 2xx status is an acknowledgement.
    /// After a redirect there are no further attempts. After any other outcome the emulator retries on its clock, 31 times
    /// at most: after 5 s, 10 s, 20 s and so on up to 2 minutes, until fal would no longer keep the result. That is an hour
    /// after the completion, or six minutes for a result of 10 KB or more.
    ///
    /// The timestamps come from the clock of the system, so that receivers accept them after
    /// [`advance_time`](Self::advance_time).
    pub fn webhooks(&self) -> Vec<WebhookDelivery> {
        self.state.outbox.all()
    }

    /// Waits until the webhook of a request is delivered or has failed, or until it has had `attempts` attempts. Returns `None`
    /// if the request has no webhook.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # async fn example(emulator: &fal_emulator::Emulator, request_id: &str) {
    /// emulator.webhook_attempted(request_id, 1).await; // the receiver is not reachable
    /// emulator.advance_time(Duration::from_secs(5)); // the emulator retries
    /// emulator.webhook_attempted(request_id, 2).await;
    /// # }
    /// ```
    pub async fn webhook_attempted(&self, request_id: &str, attempts: usize) -> Option<WebhookDelivery> {
        self.state.outbox.attempted(request_id, attempts).await
    }

    /// Queues a fault for the webhook of the next submission that has one, after the faults that are queued already.
    pub fn inject_webhook_fault(&self, fault: WebhookFault) {
        self.state.outbox.add_fault(fault);
    }

    /// Replaces the key that signs webhooks. The key set has the new key only:
    /// `GET /rest.fal.ai/.well-known/jwks.json`.
    pub fn rotate_webhook_key(&self) {
        self.state.outbox.rotate_key();
    }
}
