/// The operation of fal that a request addresses. Each names the section of fal's documentation that the emulator follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Run an endpoint directly: `POST /fal.run/{id}`.
    ///
    /// Section: [Synchronous API, Run](https://fal.ai/docs/inference-api/sync/run).
    Run,
    /// Run an endpoint directly, and stream its outputs as server-sent events: `POST /fal.run/{id}/stream`.
    ///
    /// Section: [Synchronous API, Run with a path; Streaming](https://fal.ai/docs/inference-api/sync/run-path).
    Stream,
    /// Connect to a realtime endpoint: `GET /fal.run/{id}/realtime` with a WebSocket upgrade.
    ///
    /// Section: [Real-Time Inference](https://fal.ai/docs/documentation/model-apis/inference/real-time).
    Realtime,
    /// Send an input on a realtime connection: a WebSocket message.
    ///
    /// Section: [Real-Time Inference](https://fal.ai/docs/documentation/model-apis/inference/real-time).
    RealtimeInput,
    /// Connect for calls over a WebSocket: `GET /ws.fal.run/{id}` with an upgrade.
    ///
    /// Section: [HTTP over WebSockets](https://fal.ai/docs/documentation/model-apis/inference/websockets).
    WebSocket,
    /// Run an endpoint over a WebSocket: a message.
    ///
    /// Section: [HTTP over WebSockets, Communication protocol](https://fal.ai/docs/documentation/model-apis/inference/websockets).
    WebSocketRun,
    /// Submit a request to the queue: `POST /queue.fal.run/{id}`.
    ///
    /// Section: [Queue API, Submit](https://fal.ai/docs/inference-api/queue/submit).
    Submit,
    /// Get the status of a request: `GET /queue.fal.run/{app}/requests/{request_id}/status`.
    ///
    /// Section: [Queue API, Status](https://fal.ai/docs/inference-api/queue/status).
    Status,
    /// Follow the status of a request as server-sent events: `GET …/status/stream`.
    ///
    /// Section: [Queue API, Status stream](https://fal.ai/docs/inference-api/queue/status-stream).
    StatusStream,
    /// Get the result of a request: `GET /queue.fal.run/{app}/requests/{request_id}`.
    ///
    /// Section: [Queue API, Result](https://fal.ai/docs/inference-api/queue/result).
    Result,
    /// Cancel a request: `PUT …/cancel`.
    ///
    /// Section: [Queue API, Cancel](https://fal.ai/docs/inference-api/queue/cancel).
    Cancel,
    /// Get a temporary token for streams and WebSockets: `POST /rest.fal.ai/tokens/` or `POST /rest.fal.ai/tokens/realtime`.
    ///
    /// Section: [Real-Time Inference, Tokens](https://fal.ai/docs/documentation/model-apis/inference/real-time).
    Token,
    /// Get a token for uploads to the CDN: `POST /rest.fal.ai/storage/auth/token`.
    ///
    /// Section: [fal CDN, as the official clients upload](https://fal.ai/docs/documentation/model-apis/fal-cdn).
    CdnToken,
    /// Get a signed URL for an upload: `POST /rest.fal.ai/storage/upload/initiate`.
    ///
    /// Section: [fal CDN, as the official clients upload](https://fal.ai/docs/documentation/model-apis/fal-cdn).
    InitiateUpload,
    /// Get a signed URL for a multipart upload: `POST /rest.fal.ai/storage/upload/initiate-multipart`.
    ///
    /// Section: [fal CDN, as the official clients upload](https://fal.ai/docs/documentation/model-apis/fal-cdn).
    InitiateMultipart,
    /// Upload a file with a CDN token: `POST /v3.fal.media/files/upload`.
    ///
    /// Section: [fal CDN, as the official clients upload](https://fal.ai/docs/documentation/model-apis/fal-cdn).
    Upload,
    /// Start a multipart upload with a CDN token: `POST /v3.fal.media/files/upload/multipart`.
    ///
    /// Section: [fal CDN, as the official clients upload](https://fal.ai/docs/documentation/model-apis/fal-cdn).
    StartMultipart,
    /// Upload a file to a signed URL: `PUT /v3.fal.media/files/{path}` or `PUT /storage.googleapis.com/{path}`.
    ///
    /// Section: [fal CDN, as the official clients upload](https://fal.ai/docs/documentation/model-apis/fal-cdn).
    PutFile,
    /// Get a signed URL for a part of a multipart upload to Google Cloud Storage:
    /// `POST /rest.fal.ai/storage/upload/multipart/{upload_id}/{number}`.
    ///
    /// Section: [fal CDN, as the official clients upload](https://fal.ai/docs/documentation/model-apis/fal-cdn).
    SignPart,
    /// Upload a part: `PUT …/multipart/{upload_id}/{number}` below the file's URL.
    ///
    /// Section: [fal CDN, as the official clients upload](https://fal.ai/docs/documentation/model-apis/fal-cdn).
    PutPart,
    /// Complete a multipart upload: `POST …/multipart/{upload_id}/complete` below the file's URL, or below
    /// `/rest.fal.ai/storage/upload` for Google Cloud Storage.
    ///
    /// Section: [fal CDN, as the official clients upload](https://fal.ai/docs/documentation/model-apis/fal-cdn).
    CompleteMultipart,
    /// Read a file: `GET /v3.fal.media/files/{path}` or `GET /storage.googleapis.com/{path}`, or one in a client's bucket:
    /// `GET /{bucket}.s3.{region}.amazonaws.com/{key}`.
    ///
    /// Section: [fal CDN; Media expiration](https://fal.ai/docs/documentation/model-apis/media-expiration).
    Media,
    /// Upload a file to a bucket in S3 with a presigned form: `POST /{bucket}.s3.{region}.amazonaws.com/`.
    ///
    /// Section: [Custom output storage; Amazon S3, Browser-based uploads using POST](https://fal.ai/docs/documentation/model-apis/custom-output-storage).
    PostObject,
    /// Get a URL with which everyone can read a file: `POST /api.fal.ai/v1/storage/files/sign`.
    ///
    /// Section: [File access controls, Signed URLs](https://fal.ai/docs/documentation/model-apis/file-access-controls).
    SignFile,
    /// Get the ACL of a file: `GET /api.fal.ai/v1/storage/files/acl`.
    ///
    /// Section: [File access controls](https://fal.ai/docs/documentation/model-apis/file-access-controls).
    FileAcl,
    /// Set the ACL of a file: `PUT /api.fal.ai/v1/storage/files/acl`.
    ///
    /// Section: [File access controls](https://fal.ai/docs/documentation/model-apis/file-access-controls).
    SetFileAcl,
    /// Search or list models: `GET /api.fal.ai/v1/models`.
    ///
    /// Section: [Platform APIs, Model search](https://fal.ai/docs/platform-apis/v1/models).
    Models,
    /// Get the OpenAPI document of an endpoint: `GET /fal.ai/api/openapi/queue/openapi.json`.
    ///
    /// Section: [Agent-readable surfaces, Per-model schemas](https://fal.ai/docs/documentation/setting-up/agent-surfaces).
    Document,
    /// List workflows: `GET /api.fal.ai/v1/workflows`.
    ///
    /// Section: [Platform APIs, List user workflows](https://fal.ai/docs/platform-apis/v1/workflows).
    Workflows,
    /// Get a workflow with its definition: `GET /api.fal.ai/v1/workflows/{username}/{workflow_name}`.
    ///
    /// Section: [Platform APIs, Get workflow details](https://fal.ai/docs/platform-apis/v1/workflows/get).
    Workflow,
    /// Get the prices of endpoints: `GET /api.fal.ai/v1/models/pricing`.
    ///
    /// Section: [Platform APIs, Pricing](https://fal.ai/docs/platform-apis/v1/models/pricing).
    Pricing,
    /// Estimate the cost of calls: `POST /api.fal.ai/v1/models/pricing/estimate`.
    ///
    /// Section: [Platform APIs, Estimate cost](https://fal.ai/docs/platform-apis/v1/models/pricing/estimate).
    EstimateCost,
    /// Get what was used and what it cost, by endpoint and time: `GET /api.fal.ai/v1/models/usage`.
    ///
    /// Section: [Platform APIs, Usage](https://fal.ai/docs/platform-apis/v1/models/usage).
    Usage,
    /// List what each request was billed: `GET /api.fal.ai/v1/models/billing-events`.
    ///
    /// Section: [Platform APIs, Billing events](https://fal.ai/docs/platform-apis/v1/models/billing-events).
    BillingEvents,
    /// List the requests of endpoints: `GET /api.fal.ai/v1/models/requests/by-endpoint`.
    ///
    /// Section: [Platform APIs, List requests by endpoint](https://fal.ai/docs/platform-apis/v1/models/requests/by-endpoint).
    RequestsByEndpoint,
    /// Search the requests: `GET /api.fal.ai/v1/models/requests/search`.
    ///
    /// Section: [Platform APIs, Search requests](https://fal.ai/docs/platform-apis/v1/models/requests/search).
    SearchRequests,
    /// Delete the payloads and output files of a request: `DELETE /api.fal.ai/v1/models/requests/{request_id}/payloads`.
    ///
    /// Section: [Platform APIs, Delete request payloads](https://fal.ai/docs/platform-apis/v1/models/requests/payloads).
    DeletePayloads,
    /// Get the billing account, with its credits: `GET /api.fal.ai/v1/account/billing`.
    ///
    /// Section: [Platform APIs, Account billing](https://fal.ai/docs/platform-apis/v1/account/billing).
    AccountBilling,
    /// Get the state of the account, with its lock: `GET /rest.fal.ai/billing/user_details`.
    ///
    /// Section: [Spending controls, as the official fal package reads a lock](https://fal.ai/docs/documentation/organizations/spending-controls).
    UserDetails,
    /// Get facts about the platform, such as the addresses of webhooks: `GET /api.fal.ai/v1/meta`.
    ///
    /// Section: [Platform APIs, Platform metadata](https://fal.ai/docs/api-reference/platform-apis/meta).
    Meta,
    /// Get the public keys of webhooks: `GET /rest.fal.ai/.well-known/jwks.json`.
    ///
    /// Section: [Webhooks, Verification](https://fal.ai/docs/documentation/model-apis/inference/webhooks).
    WebhookKeys,
    /// Any other path. fal does not have it.
    ///
    /// Section: [Errors](https://fal.ai/docs/documentation/model-apis/errors).
    Other,
}

impl Operation {
    /// All operations.
    pub const ALL: &'static [Operation] = &[
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
        Operation::Workflows,
        Operation::Workflow,
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

    /// Returns the section of fal's documentation that the emulator follows: its page and section, a colon, and the URL.
    ///
    /// ```
    /// use fal_emulator::Operation;
    ///
    /// assert_eq!(Operation::Submit.section(), "Queue API, Submit: https://fal.ai/docs/inference-api/queue/submit");
    /// ```
    pub fn section(self) -> &'static str {
        match self {
            Operation::Run => "Synchronous API, Run: https://fal.ai/docs/inference-api/sync/run",
            Operation::Stream => {
                "Synchronous API, Run with a path; Streaming: https://fal.ai/docs/inference-api/sync/run-path"
            }
            Operation::Realtime | Operation::RealtimeInput => {
                "Real-Time Inference: https://fal.ai/docs/documentation/model-apis/inference/real-time"
            }
            Operation::WebSocket => {
                "HTTP over WebSockets: https://fal.ai/docs/documentation/model-apis/inference/websockets"
            }
            Operation::WebSocketRun => {
                "HTTP over WebSockets, Communication protocol: https://fal.ai/docs/documentation/model-apis/inference/websockets"
            }
            Operation::Submit => "Queue API, Submit: https://fal.ai/docs/inference-api/queue/submit",
            Operation::Status => "Queue API, Status: https://fal.ai/docs/inference-api/queue/status",
            Operation::StatusStream => {
                "Queue API, Status stream: https://fal.ai/docs/inference-api/queue/status-stream"
            }
            Operation::Result => "Queue API, Result: https://fal.ai/docs/inference-api/queue/result",
            Operation::Cancel => "Queue API, Cancel: https://fal.ai/docs/inference-api/queue/cancel",
            Operation::Token => {
                "Real-Time Inference, Tokens: https://fal.ai/docs/documentation/model-apis/inference/real-time"
            }
            Operation::CdnToken
            | Operation::InitiateUpload
            | Operation::InitiateMultipart
            | Operation::Upload
            | Operation::StartMultipart
            | Operation::PutFile
            | Operation::SignPart
            | Operation::PutPart
            | Operation::CompleteMultipart => {
                "fal CDN, as the official clients upload: https://fal.ai/docs/documentation/model-apis/fal-cdn"
            }
            Operation::Media => {
                "fal CDN; Media expiration: https://fal.ai/docs/documentation/model-apis/media-expiration"
            }
            Operation::PostObject => {
                "Custom output storage; Amazon S3, Browser-based uploads using POST: https://fal.ai/docs/documentation/model-apis/custom-output-storage"
            }
            Operation::SignFile => {
                "File access controls, Signed URLs: https://fal.ai/docs/documentation/model-apis/file-access-controls"
            }
            Operation::FileAcl | Operation::SetFileAcl => {
                "File access controls: https://fal.ai/docs/documentation/model-apis/file-access-controls"
            }
            Operation::Models => "Platform APIs, Model search: https://fal.ai/docs/platform-apis/v1/models",
            Operation::Document => {
                "Agent-readable surfaces, Per-model schemas: https://fal.ai/docs/documentation/setting-up/agent-surfaces"
            }
            Operation::Workflows => {
                "Platform APIs, List user workflows: https://fal.ai/docs/platform-apis/v1/workflows"
            }
            Operation::Workflow => {
                "Platform APIs, Get workflow details: https://fal.ai/docs/platform-apis/v1/workflows/get"
            }
            Operation::Pricing => "Platform APIs, Pricing: https://fal.ai/docs/platform-apis/v1/models/pricing",
            Operation::EstimateCost => {
                "Platform APIs, Estimate cost: https://fal.ai/docs/platform-apis/v1/models/pricing/estimate"
            }
            Operation::Usage => "Platform APIs, Usage: https://fal.ai/docs/platform-apis/v1/models/usage",
            Operation::BillingEvents => {
                "Platform APIs, Billing events: https://fal.ai/docs/platform-apis/v1/models/billing-events"
            }
            Operation::RequestsByEndpoint => {
                "Platform APIs, List requests by endpoint: https://fal.ai/docs/platform-apis/v1/models/requests/by-endpoint"
            }
            Operation::SearchRequests => {
                "Platform APIs, Search requests: https://fal.ai/docs/platform-apis/v1/models/requests/search"
            }
            Operation::DeletePayloads => {
                "Platform APIs, Delete request payloads: https://fal.ai/docs/platform-apis/v1/models/requests/payloads"
            }
            Operation::AccountBilling => {
                "Platform APIs, Account billing: https://fal.ai/docs/platform-apis/v1/account/billing"
            }
            Operation::UserDetails => {
                "Spending controls, as the official fal package reads a lock: https://fal.ai/docs/documentation/organizations/spending-controls"
            }
            Operation::Meta => "Platform APIs, Platform metadata: https://fal.ai/docs/api-reference/platform-apis/meta",
            Operation::WebhookKeys => {
                "Webhooks, Verification: https://fal.ai/docs/documentation/model-apis/inference/webhooks"
            }
            Operation::Other => "Errors: https://fal.ai/docs/documentation/model-apis/errors",
        }
    }

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
