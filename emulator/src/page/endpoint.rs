//! The page of an endpoint: a form, examples, and its schemas.

use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use maud::{Markup, html};
use serde_json::Value;

use crate::endpoints::endpoint::Endpoint;
use crate::output::limits;
use crate::page::field::{Field, fields};
use crate::page::form::{self, Filled, control_name};
use crate::page::form_data::FormData;
use crate::page::layout::{Page, error, see_other};
use crate::page::text::{pretty, shortened};
use crate::page::visit::{Visit, not_found};
use crate::page::{call, code, schema_view};
use crate::response::reply::Reply;
use crate::storage::lifecycle::Lifecycle;
use crate::storage::metadata::Metadata;

/// The name of the control for the whole input.
const RAW: &str = "raw";

pub(super) fn page(visit: &Visit<'_>, id: &str) -> Reply {
    let Some(endpoint) = visit.state.catalog.endpoint(id) else { return not_found(visit) };
    let fields = fields(&endpoint.document);
    let earlier = visit.query("from").and_then(|id| visit.state.jobs.get(id)).filter(|job| job.endpoint_id() == id);
    let input = earlier.as_ref().and_then(|job| job.received.input().ok());
    let filled = input.map_or_else(|| Filled::example(&fields), |input| Filled::of_input(&fields, input));
    let raw = pretty(&input.cloned().unwrap_or_else(|| code::example(&fields)));
    Page::new(id, body(visit, endpoint, &fields, &Attempt { filled, raw, ..Attempt::default() })).reply(visit)
}

/// A submitted form, and the reasons why it was not accepted.
#[derive(Default)]
struct Attempt {
    filled: Filled,
    /// The text of the whole input.
    raw: String,
    /// The text was submitted instead of the controls.
    is_raw: bool,
    webhook: String,
    /// The errors that belong to no control.
    errors: Vec<String>,
    /// The input can be submitted although it is invalid.
    can_force: bool,
}

/// Submits the form of an endpoint to the queue. An invalid input returns to the form, unless the form says otherwise.
pub(super) async fn submit(visit: &Visit<'_>, id: &str, bytes: Bytes) -> Reply {
    let Some(endpoint) = visit.state.catalog.endpoint(id) else { return not_found(visit) };
    let mut form = match FormData::parse(&visit.head.headers, &bytes) {
        Ok(form) => form,
        Err(reason) => return error(visit, StatusCode::BAD_REQUEST, reason),
    };
    let fields = fields(&endpoint.document);
    let mut attempt =
        Attempt { webhook: form.get("webhook").unwrap_or_default(), is_raw: form.has(RAW), ..Attempt::default() };
    let input = if attempt.is_raw {
        attempt.raw = form.get(RAW).unwrap_or_default();
        attempt.filled = Filled::example(&fields);
        serde_json::from_str(&attempt.raw).map_err(|error| format!("The input is not JSON: {error}"))
    } else {
        match store(visit, &mut form) {
            Ok(()) => Ok(form::read(&fields, &form, &mut attempt.filled)),
            Err(reason) => Err(format!("The file cannot be stored: {reason}")),
        }
    };
    let has_unread = !attempt.filled.errors.is_empty();
    match input {
        Err(reason) => attempt.errors.push(reason),
        Ok(input) => {
            attempt.raw = pretty(&input);
            attempt.judge(endpoint, &fields, &input);
            let is_valid = attempt.errors.is_empty() && attempt.filled.errors.is_empty();
            attempt.can_force = !is_valid && !has_unread;
            if is_valid || (attempt.can_force && form.has("force")) {
                let webhook = Some(attempt.webhook.trim()).filter(|url| !url.is_empty());
                match call::submit(visit, id, webhook, &input).await {
                    Ok(request_id) => return see_other(&format!("/requests/{request_id}")),
                    Err(reason) => attempt.errors.push(format!("The request was not accepted. {reason}")),
                }
            }
        }
    }
    let page = Page::new(id, body(visit, endpoint, &fields, &attempt));
    page.with_status(visit, StatusCode::UNPROCESSABLE_ENTITY)
}

/// Stores the files of a form, and sets their URLs in the fields.
fn store(visit: &Visit<'_>, form: &mut FormData) -> Result<(), String> {
    for file in std::mem::take(&mut form.files) {
        let Some(field) = file.field.strip_prefix("upload.") else { continue };
        let mut blob = visit.state.store.blob();
        blob.append(&file.bytes).map_err(|error| error.to_string())?;
        let metadata = Metadata { name: file.name, content_type: file.content_type, lifecycle: Lifecycle::default() };
        let stored = visit.state.store.add(metadata, blob).map_err(|full| full.to_string())?;
        let name = control_name(field);
        match form.texts.iter_mut().find(|(key, text)| *key == name && !text.is_empty()) {
            Some((_, text)) if field.ends_with("_urls") => *text = format!("{text}\n{}", stored.url()),
            Some((_, text)) => *text = stored.url().to_owned(),
            None => form.texts.insert(0, (name, stored.url().to_owned())),
        }
    }
    Ok(())
}

impl Attempt {
    /// Checks an input as the emulator does, and assigns what is wrong to the fields.
    fn judge(&mut self, endpoint: &Endpoint, fields: &[Field], input: &Value) {
        let violations = match endpoint.validator() {
            Err(reason) => return self.errors.push(reason.to_owned()),
            Ok(validator) if !validator.is_within_bounds(input) => {
                return self.errors.push("The input is too large to be checked.".to_owned());
            }
            Ok(validator) => match validator.errors(input) {
                violations if violations.is_empty() => limits::violations(&endpoint.document, input),
                violations => violations,
            },
        };
        for violation in violations {
            let loc: Vec<&Value> = violation["loc"].as_array().into_iter().flatten().skip(1).collect();
            let message = violation["msg"].as_str().unwrap_or_default();
            let field = loc
                .first()
                .and_then(|name| name.as_str())
                .and_then(|name| fields.iter().find(|field| field.name == name));
            match field {
                Some(field) if !self.is_raw => {
                    let below: Vec<String> =
                        loc[1..].iter().map(|part| part.to_string().trim_matches('"').to_owned()).collect();
                    let message =
                        if below.is_empty() { message.to_owned() } else { format!("{}: {message}", below.join(".")) };
                    self.filled.errors.entry(field.name.clone()).or_default().push(message);
                }
                _ => self.errors.push(format!("{}: {message}", crate::page::request::location(&violation))),
            }
        }
    }
}

fn body(visit: &Visit<'_>, endpoint: &Arc<Endpoint>, fields: &[Field], attempt: &Attempt) -> Markup {
    let document = &endpoint.document;
    let id = &document.id;
    let schemas = &document.schemas;
    let is_wrong = !attempt.errors.is_empty() || !attempt.filled.errors.is_empty();
    let action = format!("/endpoints/{id}");
    html! {
        nav.crumbs aria-label="Breadcrumb" { ol { li { a href="/endpoints" { "Endpoints" } } li aria-current="page" { (id) } } }
        h1 { (id) }
        p.facts {
            @if let Some(category) = &document.category { (shortened(category, 60)) " · " }
            @if let Some(price) = visit.state.prices.get(id) { (price.unit_price.normalize()) " " (price.currency) ", unit: " (shortened(&price.unit, 60)) " · " }
            a href={ "/requests?q=" (id) } { "Requests" }
        }
        div.columns {
            section aria-labelledby="try" {
                h2 #try { "Try it" }
                @if is_wrong { (summary(fields, attempt)) }
                @if !fields.is_empty() {
                    form.input method="post" action=(action) enctype="multipart/form-data" novalidate[is_wrong] {
                        (form::controls(fields, &attempt.filled))
                        (webhook(attempt, "webhook"))
                        div.actions {
                            button type="submit" { "Submit" }
                            @if attempt.can_force && !attempt.is_raw { button.quiet type="submit" name="force" value="1" { "Submit although it is invalid" } }
                        }
                    }
                }
                details #raw-input open[attempt.is_raw || fields.is_empty()] {
                    summary { "Input as JSON" }
                    form.input method="post" action=(action) {
                        div.field {
                            div.label { label for="raw" { "Input" } }
                            textarea.code #raw name=(RAW) rows="12" spellcheck="false" aria-invalid=[(attempt.is_raw && is_wrong).then_some("true")] { "\n" (attempt.raw) }
                        }
                        (webhook(attempt, "raw-webhook"))
                        div.actions {
                            button type="submit" { "Submit JSON" }
                            @if attempt.can_force && attempt.is_raw { button.quiet type="submit" name="force" value="1" { "Submit although it is invalid" } }
                        }
                    }
                }
            }
            div {
                section aria-labelledby="call" {
                    h2 #call { "Call it" }
                    (code::examples(&visit.state.base_url, id, &code::example(fields)))
                }
                section aria-labelledby="schemas" {
                    h2 #schemas { "Schemas" }
                    details #input-schema { summary { "Input" } (schema_view::schema(&schemas.root, &schemas.input, "i")) }
                    details #output-schema open { summary { "Output" } (schema_view::schema(&schemas.root, &schemas.output, "o")) }
                }
            }
        }
    }
}

fn webhook(attempt: &Attempt, id: &str) -> Markup {
    html! {
        details.options id={ (id) "-options" } open[!attempt.webhook.is_empty()] {
            summary { "Options" }
            div.field {
                div.label { label for=(id) { "Webhook URL" } }
                input id=(id) type="url" name="webhook" value=(attempt.webhook) placeholder="http://localhost:3000/webhook" aria-describedby={ (id) "-hint" };
                div.hint id={ (id) "-hint" } { "The emulator posts the result to it. Loopback hosts only, unless others were allowed at the start." }
            }
        }
    }
}

/// Lists what is wrong, with links to the controls.
fn summary(fields: &[Field], attempt: &Attempt) -> Markup {
    html! {
        div.alert role="alert" {
            p { strong { "The input was not submitted." } }
            ul {
                @for error in attempt.errors.iter().take(30) { li dir="auto" { (shortened(error, 600)) } }
                @for (index, field) in fields.iter().enumerate() {
                    @if let Some(message) = attempt.filled.errors.get(&field.name).and_then(|errors| errors.first()) {
                        li dir="auto" { a href={ "#" (form::id(index)) } { (shortened(&field.name, 80)) } ": " (shortened(message, 300)) }
                    }
                }
            }
        }
    }
}
