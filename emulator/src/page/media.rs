//! Files of requests, as parts of a page. They are read without a record in the journal, and without faults.

use std::sync::Arc;

use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use hyper::{Method, Request, StatusCode};
use maud::{Markup, html};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::documents::schema::expand;
use crate::handlers::{files, jobs};
use crate::input::data_uri;
use crate::media::media_file::MediaFile;
use crate::page::outcome::{self, Media, MediaKind};
use crate::page::stage::Stage;
use crate::page::text::{bytes, shortened};
use crate::page::visit::{Visit, not_found};
use crate::queue::job::Job;
use crate::request::operation::Operation;
use crate::request::received::Received;
use crate::request::route::Route;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;
use crate::urls::Urls;
use crate::urls::encoded;

/// The most bytes of a data URI that is part of a page.
const MAX_INLINE: usize = 4 << 20;

/// Returns the path of the page for a URL of one of the emulator's files.
pub(super) fn local(state: &State, url: &str) -> Option<String> {
    let path = Urls::Base(Arc::clone(&state.base_url)).path(url).or_else(|| Urls::Real.path(url))?;
    let path = percent_decode_str(path).decode_utf8_lossy();
    // Also on the real host names, other hosts have no files here.
    let is_file = matches!(
        Route::parse(&Method::GET, &format!("/{}", encoded(&path)), false),
        Route::File { operation: Operation::Media, .. }
    );
    // fal has more files on its hosts than the emulator.
    let exists = || state.store.get_even_expired(&path).is_some() || MediaFile::from_path(&path).is_some();
    (is_file && exists()).then(|| format!("/media/{}", encoded(&path)))
}

/// Shows files: images, players, and links to all others.
pub(super) fn gallery(state: &State, files: &[Media]) -> Markup {
    html! {
        ul.gallery {
            @for file in files {
                li { (figure(state, file)) }
            }
        }
    }
}

fn figure(state: &State, file: &Media) -> Markup {
    let is_inline = file.url.starts_with("data:");
    let source = match is_inline {
        true => Some(file.url.clone()).filter(|url| url.len() <= MAX_INLINE && file.kind != MediaKind::Other),
        false => local(state, &file.url),
    };
    let name = match is_inline {
        true => format!("data URI, {}", bytes(file.url.len() as u64)),
        false => shortened(
            file.url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).unwrap_or_default(),
            60,
        ),
    };
    html! {
        figure {
            @match (&source, file.kind) {
                (Some(source), MediaKind::Image) => {
                    @if is_inline { img src=(source) alt={ "Image in " (file.field) } loading="lazy"; }
                    @else { a href=(source) { img src=(source) alt={ "Image in " (file.field) } loading="lazy"; } }
                }
                (Some(source), MediaKind::Video) => video src=(source) controls loop preload="metadata" aria-label={ "Video in " (file.field) } {},
                (Some(source), MediaKind::Audio) => audio src=(source) controls preload="metadata" aria-label={ "Audio in " (file.field) } {},
                (Some(_), MediaKind::Other) => {}
                (None, _) if is_inline => p.hint { "Too large to show here" }
                (None, _) => p.hint { "Not a file of the emulator, so it is not loaded" }
            }
            figcaption {
                code { (file.field) } " "
                @match &source {
                    Some(source) if !is_inline => a href=(source) download dir="auto" { (name) },
                    _ => span dir="auto" { (name) },
                }
            }
        }
    }
}

/// Shows the first image of a completed job, or the kind of its output.
pub(super) fn preview(job: &Job, stage: Stage) -> Markup {
    let schemas = &job.endpoint.document.schemas;
    let output = expand(&schemas.root, &schemas.output, &mut Vec::new());
    let category = job.endpoint.document.category.as_deref().unwrap_or_default();
    let has = |names: &[&str]| names.iter().any(|name| output.pointer(&format!("/properties/{name}")).is_some());
    html! {
        @if stage == Stage::Succeeded && job.deletion().is_none() && (has(&["images", "image"]) || category.ends_with("-to-image")) {
            img src={ "/requests/" (job.id) "/thumbnail" } alt="" width="48" height="48" loading="lazy";
        } @else {
            span.symbol aria-hidden="true" {
                @if has(&["video", "videos"]) { "▶" } @else if has(&["audio", "audio_file"]) { "♪" } @else if has(&["images", "image"]) { "▦" } @else { "¶" }
            }
        }
    }
}

/// Responds with the first image of a job's output.
pub(super) async fn thumbnail(visit: &Visit<'_>, id: &str) -> Reply {
    let Some(job) = visit.state.jobs.get(id).filter(|job| Stage::of(job) == Stage::Succeeded) else {
        return not_found(visit);
    };
    let output = output(visit.state, &job).await.unwrap_or_default();
    let image = outcome::media(&output).into_iter().find(|media| media.kind == MediaKind::Image);
    let Some(image) = image else { return not_found(visit) };
    let reply = match local(visit.state, &image.url) {
        Some(path) => read(visit, path.trim_start_matches("/media/")).await,
        None => inline(&image.url).unwrap_or_else(|| not_found(visit)),
    };
    // The output of a request does not change.
    if reply.status().is_success() {
        reply::with_header(reply, CACHE_CONTROL, "private, max-age=3600, immutable")
    } else {
        reply
    }
}

/// Makes the output of a completed job. The error is its failure.
pub(super) async fn output(state: &State, job: &Arc<Job>) -> Result<Value, (StatusCode, Value)> {
    let urls = Urls::Base(Arc::clone(&state.base_url));
    jobs::output_of(state, job, &urls).await.map_err(|failure| (failure.status(), failure.json()))
}

fn inline(url: &str) -> Option<Reply> {
    let (content_type, bytes) = data_uri::parse(url).filter(|(content_type, _)| content_type.starts_with("image/"))?;
    let reply = Reply::new(reply::full(bytes.into()));
    Some(files::sandboxed(reply::with_header(reply, CONTENT_TYPE, content_type)))
}

/// Responds with a file of the emulator. `path` starts with the host, and is decoded.
pub(super) async fn file(visit: &Visit<'_>, path: &str) -> Reply {
    read(visit, &encoded(path)).await
}

/// Reads a file with the accepted key, because private files belong to the account. `path` is percent-encoded.
async fn read(visit: &Visit<'_>, path: &str) -> Reply {
    let route = Route::parse(&Method::GET, &format!("/{path}"), false);
    let Route::File { path: file, operation: Operation::Media } = &route else { return not_found(visit) };
    let key = format!("Key {}", visit.state.settings.keys.accepted());
    let request = Request::get(format!("/{path}")).header(AUTHORIZATION, key);
    let conditions = ["range", "if-range"].into_iter().filter_map(|name| Some((name, visit.head.headers.get(name)?)));
    let request = conditions.fold(request, |request, (name, value)| request.header(name, value));
    let Ok(request) = request.body(()) else { return not_found(visit) };
    let urls = Urls::Base(Arc::clone(&visit.state.base_url));
    let received = Received::new(&route, None, 0, urls, request.into_parts().0);
    files::read(visit.state, file, &received, false).await.unwrap_or_else(Refusal::into_reply)
}
