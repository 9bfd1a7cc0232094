/// The operation of fal that a request addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Run an endpoint directly: `POST /fal.run/{id}`.
    Run,
    /// Run an endpoint directly, and stream its outputs as server-sent events: `POST /fal.run/{id}/stream`.
    Stream,
    /// Connect to a realtime endpoint: `GET /fal.run/{id}/realtime` with a WebSocket upgrade.
    Realtime,
    /// Send an input on a realtime connection: a WebSocket message.
    RealtimeInput,
    /// Connect for calls over a WebSocket: `GET /ws.fal.run/{id}` with an upgrade.
    WebSocket,
    /// Run an endpoint over a WebSocket: a message.
    WebSocketRun,
    /// Submit a request to the queue: `POST /queue.fal.run/{id}`.
    Submit,
    /// Get the status of a request: `GET /queue.fal.run/{app}/requests/{request_id}/status`.
    Status,
    /// Follow the status of a request as server-sent events: `GET …/status/stream`.
    StatusStream,
    /// Get the result of a request: `GET /queue.fal.run/{app}/requests/{request_id}`.
    Result,
    /// Cancel a request: `PUT …/cancel`.
    Cancel,
    /// Get a temporary token for streams and WebSockets: `POST /rest.fal.ai/tokens/` or `POST /rest.fal.ai/tokens/realtime`.
    Token,
    /// Get a token for uploads to the CDN: `POST /rest.fal.ai/storage/auth/token`.
    CdnToken,
    /// Get a signed URL for an upload: `POST /rest.fal.ai/storage/upload/initiate`.
    InitiateUpload,
    /// Get a signed URL for a multipart upload: `POST /rest.fal.ai/storage/upload/initiate-multipart`.
    InitiateMultipart,
    /// Upload a file with a CDN token: `POST /v3.fal.media/files/upload`.
    Upload,
    /// Start a multipart upload with a CDN token: `POST /v3.fal.media/files/upload/multipart`.
    StartMultipart,
    /// Upload a file to a signed URL: `PUT /v3.fal.media/files/{path}` or `PUT /storage.googleapis.com/{path}`.
    PutFile,
    /// Get a signed URL for a part of a multipart upload to Google Cloud Storage:
    /// `POST /rest.fal.ai/storage/upload/multipart/{upload_id}/{number}`.
    SignPart,
    /// Upload a part: `PUT …/multipart/{upload_id}/{number}` below the file's URL.
    PutPart,
    /// Complete a multipart upload: `POST …/multipart/{upload_id}/complete` below the file's URL, or below
    /// `/rest.fal.ai/storage/upload` for Google Cloud Storage.
    CompleteMultipart,
    /// Read a file: `GET /v3.fal.media/files/{path}` or `GET /storage.googleapis.com/{path}`, or one in a client's bucket:
    /// `GET /{bucket}.s3.{region}.amazonaws.com/{key}`.
    Media,
    /// Upload a file to a bucket in S3 with a presigned form: `POST /{bucket}.s3.{region}.amazonaws.com/`.
    PostObject,
    /// Get a URL with which everyone can read a file: `POST /api.fal.ai/v1/storage/files/sign`.
    SignFile,
    /// Get the ACL of a file: `GET /api.fal.ai/v1/storage/files/acl`.
    FileAcl,
    /// Set the ACL of a file: `PUT /api.fal.ai/v1/storage/files/acl`.
    SetFileAcl,
    /// Search or list models: `GET /api.fal.ai/v1/models`.
    Models,
    /// Get the OpenAPI document of an endpoint: `GET /fal.ai/api/openapi/queue/openapi.json`.
    Document,
    /// List workflows: `GET /api.fal.ai/v1/workflows`.
    Workflows,
    /// Get a workflow with its definition: `GET /api.fal.ai/v1/workflows/{username}/{workflow_name}`.
    Workflow,
    /// Get the prices of endpoints: `GET /api.fal.ai/v1/models/pricing`.
    Pricing,
    /// Estimate the cost of calls: `POST /api.fal.ai/v1/models/pricing/estimate`.
    EstimateCost,
    /// Get what was used and what it cost, by endpoint and time: `GET /api.fal.ai/v1/models/usage`.
    Usage,
    /// List what each request was billed: `GET /api.fal.ai/v1/models/billing-events`.
    BillingEvents,
    /// List the requests of endpoints: `GET /api.fal.ai/v1/models/requests/by-endpoint`.
    RequestsByEndpoint,
    /// Search the requests: `GET /api.fal.ai/v1/models/requests/search`.
    SearchRequests,
    /// Delete the payloads and output files of a request: `DELETE /api.fal.ai/v1/models/requests/{request_id}/payloads`.
    DeletePayloads,
    /// Get the billing account, with its credits: `GET /api.fal.ai/v1/account/billing`.
    AccountBilling,
    /// Get the state of the account, with its lock: `GET /rest.fal.ai/billing/user_details`.
    UserDetails,
    /// Get facts about the platform, such as the addresses of webhooks: `GET /api.fal.ai/v1/meta`.
    Meta,
    /// Get the public keys of webhooks: `GET /rest.fal.ai/.well-known/jwks.json`.
    WebhookKeys,
    /// Any other path. fal does not have it.
    Other,
}

impl Operation {
    /// All operations.
    pub(crate) const ALL: &'static [Operation] = &[
        Operation::Run,
        Operation::Stream,
        Operation::Realtime,
        Operation::RealtimeInput,
        Operation::WebSocket,
        Operation::WebSocketRun,
        Operation::Submit,
        Operation::Status,
        Operation::StatusStream,
        Operation::Result,
        Operation::Cancel,
        Operation::Token,
        Operation::CdnToken,
        Operation::InitiateUpload,
        Operation::InitiateMultipart,
        Operation::Upload,
        Operation::StartMultipart,
        Operation::PutFile,
        Operation::SignPart,
        Operation::PutPart,
        Operation::CompleteMultipart,
        Operation::Media,
        Operation::PostObject,
        Operation::SignFile,
        Operation::FileAcl,
        Operation::SetFileAcl,
        Operation::Models,
        Operation::Document,
        Operation::Pricing,
        Operation::EstimateCost,
        Operation::Usage,
        Operation::BillingEvents,
        Operation::RequestsByEndpoint,
        Operation::SearchRequests,
        Operation::DeletePayloads,
        Operation::AccountBilling,
        Operation::UserDetails,
        Operation::Meta,
        Operation::WebhookKeys,
        Operation::Other,
    ];

    /// Returns whether the operation is one of `api.fal.ai`, which has an error format of its own.
    pub(crate) fn is_of_platform_api(self) -> bool {
        matches!(
            self,
            Operation::SignFile
                | Operation::FileAcl
                | Operation::SetFileAcl
                | Operation::Models
                | Operation::Workflows
                | Operation::Workflow
                | Operation::Pricing
                | Operation::EstimateCost
                | Operation::Usage
                | Operation::BillingEvents
                | Operation::RequestsByEndpoint
                | Operation::SearchRequests
                | Operation::DeletePayloads
                | Operation::AccountBilling
                | Operation::Meta
        )
    }
}
