use hyper::header::AUTHORIZATION;

use crate::handlers::{auth, jobs, queue, stream, uploads, websocket};
use crate::platform::error;
use crate::request::operation::Operation;
use crate::request::received::Received;
use crate::request::route::Route;
use crate::response::refusal::Refusal;
use crate::state::State;
use crate::storage::grants::Grant;

/// Decides from the head of a request whether its body is read: the path, the method and the credentials have to fit.
pub(crate) fn admit(state: &State, route: &Route, received: &Received) -> Result<(), Refusal> {
    #[cfg(feature = "record")]
    if let Some(tape) = &state.tape {
        return tape.admit(received);
    }
    if !route.methods().contains(received.method()) && *route != Route::Unknown {
        return Err(Refusal::Method(route.methods()));
    }
    match route {
        Route::Run { id } | Route::Submit { id } => jobs::endpoint(state, id, received).map(drop),
        Route::Stream { id } => stream::endpoint(state, id, received).map(drop),
        Route::Realtime { id } => websocket::admit_realtime(state, id, received),
        Route::Calls { id } => websocket::admit_calls(state, id, received),
        Route::Token { .. } => auth::check_key(state, received),
        Route::Job { app, request_id, .. } => queue::job(state, app, request_id, received).map(drop),
        Route::Storage { operation } => match operation {
            Operation::Upload | Operation::StartMultipart => auth::check_token(state, received),
            Operation::SignFile | Operation::FileAcl | Operation::SetFileAcl => {
                auth::check_platform_key(state, received)
            }
            _ => auth::check_key(state, received),
        },
        Route::Platform { operation: Operation::Meta } => Ok(()),
        Route::Platform { operation: Operation::Document } => auth::check_rate(state),
        Route::Platform { operation: Operation::UserDetails } => auth::check_key(state, received),
        // Without a key, fal allows fewer requests.
        Route::Platform { operation: Operation::Models } if !received.headers().contains_key(AUTHORIZATION) => {
            auth::check_rate(state)
        }
        Route::Platform { .. } | Route::Workflow { .. } | Route::Payloads { .. } => {
            auth::check_platform_key(state, received)
        }
        Route::File { path, operation: Operation::PutFile } => {
            auth::check_signature(state, received, &Grant::Put(path.clone()))?;
            uploads::expected(state, path, received).map(drop)
        }
        Route::File { .. } | Route::PostObject { .. } | Route::WebhookKeys => Ok(()),
        Route::Part { path, upload_id, number } => {
            auth::check_parts(state, received, upload_id)?;
            uploads::check_part(state, path, upload_id, number)
        }
        Route::Complete { upload_id, .. } => auth::check_parts(state, received, upload_id),
        Route::SignPart { .. } | Route::CompleteByKey { .. } => auth::check_key(state, received),
        Route::Unknown if received.path().starts_with("/api.fal.ai/") => Err(error::not_found("Not found")),
        Route::RequestBelowPath | Route::Unknown => Err(Refusal::NoPath(received.path().to_owned())),
    }
}
