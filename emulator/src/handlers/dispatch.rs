use hyper::StatusCode;

use crate::handlers::call::Call;
use crate::handlers::{bucket, files, platform, queue, run, stream, tokens, uploads, websocket};
use crate::request::operation::Operation;
use crate::request::route::Route;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;
use crate::storage::content::Blob;

/// Handles an admitted request. `file` is its body if the route takes a file.
pub(crate) async fn dispatch(state: &State, call: Call<'_>, file: Option<Blob>) -> Result<Reply, Refusal> {
    let Call { route, received, fault } = call;
    let blob = || file.unwrap_or_else(|| state.store.blob());
    match route {
        Route::Run { id } => run::run(state, call, id).await,
        Route::Stream { id } => stream::stream(state, call, id).await,
        Route::Realtime { .. } | Route::Calls { .. } => websocket::accept(received),
        Route::Submit { id } => queue::submit(state, call, id),
        Route::Token { realtime } => tokens::create(state, received, *realtime),
        Route::Job { operation, app, request_id } => {
            let job = queue::job(state, app, request_id, received)?;
            queue::handle(state, *operation, &job, received).await
        }
        Route::Storage { operation } => match operation {
            Operation::CdnToken => uploads::cdn_token(state, received),
            Operation::InitiateMultipart => uploads::initiate_multipart(state, received),
            Operation::Upload => uploads::upload(state, received, blob()),
            Operation::StartMultipart => uploads::start_multipart(state, received),
            Operation::SignFile => platform::files::sign_file(state, received),
            Operation::FileAcl => platform::files::file_acl(state, received),
            Operation::SetFileAcl => platform::files::set_file_acl(state, received),
            _ => uploads::initiate_upload(state, received),
        },
        Route::Payloads { request_id } => platform::delete_payloads(state, request_id, received).await,
        Route::Workflow { owner, name } => platform::workflow(state, owner, name),
        Route::Platform { operation } => platform::respond(state, *operation, received).await,
        Route::File { path, operation: Operation::PutFile } => uploads::put_file(state, path, received, blob()),
        Route::File { path, .. } => files::read(state, path, received, fault.ignores_range()).await,
        Route::Part { path, upload_id, number } => uploads::put_part(state, path, upload_id, number, blob()),
        Route::Complete { path, upload_id } => uploads::complete_multipart(state, path, upload_id, received),
        Route::SignPart { upload_id, number } => uploads::sign_part(state, upload_id, number, received),
        Route::CompleteByKey { upload_id } => uploads::complete_by_key(state, upload_id, received),
        Route::PostObject { path } => bucket::post(state, path, received),
        Route::WebhookKeys => Ok(reply::json(StatusCode::OK, &state.outbox.signer().jwks())),
        Route::RequestBelowPath | Route::Unknown => Err(Refusal::NoPath(received.path().to_owned())),
    }
}
