/// A fault that happens to one webhook.
///
/// [`Emulator::inject_webhook_fault`](crate::Emulator::inject_webhook_fault) queues a fault. Each submission with a webhook takes
/// the next fault in the queue.
///
/// ```
/// # fn example(emulator: &fal_emulator::Emulator) {
/// use fal_emulator::WebhookFault;
///
/// emulator.inject_webhook_fault(WebhookFault::WrongSignature); // the first submission's
/// emulator.inject_webhook_fault(WebhookFault::Lost); // the second submission's
/// # }
/// ```
///
/// The webhook of a request that fails needs no fault: it follows from the request. See
/// [`Fault::outcome`](crate::Fault::outcome).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WebhookFault {
    /// The first attempt is signed with a key that is not published.
    WrongSignature,
    /// The body of the first attempt is altered after it was signed.
    AlteredBody,
    /// The timestamp of the first attempt is ten minutes old. The signature is valid.
    OldTimestamp,
    /// The body has `payload_error` instead of the payload, as for an output that is not JSON.
    PayloadError,
    /// The body has the shape of fal's older documentation: a success has no field `error`.
    OldShape,
    /// The webhook is delivered twice.
    Duplicate,
    /// The webhook is never delivered.
    Lost,
}
