/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// A direct run: `POST /fal.run/{id}`.
    Run,
    /// A request for the queue: `POST /queue.fal.run/{id}`.
    Submit,
    /// Where a request stands: `GET /queue.fal.run/{app}/requests/{request_id}/status`.
    Status,
    /// Where a request stands, as events: `GET …/status/stream`.
    StatusStream,
    /// What came of a request: `GET /queue.fal.run/{app}/requests/{request_id}`.
    Result,
    /// Taking a request back: `PUT …/cancel`.
    Cancel,
    /// A token for uploads to the CDN: `POST /rest.fal.ai/storage/auth/token`.
    CdnToken,
    /// A signed URL for an upload: `POST /rest.fal.ai/storage/upload/initiate`.
    InitiateUpload,
    /// A signed URL for an upload in parts: `POST /rest.fal.ai/storage/upload/initiate-multipart`.
    InitiateMultipart,
    /// An upload with a CDN token: `POST /v3.fal.media/files/upload`.
    Upload,
    /// The beginning of an upload in parts with a CDN token: `POST /v3.fal.media/files/upload/multipart`.
    StartMultipart,
    /// An upload to a signed URL: `PUT /v3.fal.media/files/{path}` or `PUT /storage.googleapis.com/{path}`.
    PutFile,
    /// A signed URL for a part of an upload to Google:
    /// `POST /rest.fal.ai/storage/upload/multipart/{upload_id}/{number}`.
    SignPart,
    /// A part of an upload: `PUT …/multipart/{upload_id}/{number}` below the URL of the file.
    PutPart,
    /// The end of an upload in parts: `POST …/multipart/{upload_id}/complete` below the URL of the file, or, to
    /// Google, below `/rest.fal.ai/storage/upload`.
    CompleteMultipart,
    /// Reading a file: `GET /v3.fal.media/files/{path}` or `GET /storage.googleapis.com/{path}`.
    Media,
    /// A URL with which everybody can read a file: `POST /api.fal.ai/v1/storage/files/sign`.
    SignFile,
    /// Who may read a file: `GET /api.fal.ai/v1/storage/files/acl`.
    FileAcl,
    /// Saying who may read a file: `PUT /api.fal.ai/v1/storage/files/acl`.
    SetFileAcl,
    /// Anything else; fal has no such path.
    Other,
}
