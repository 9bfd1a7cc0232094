//! Faults: switches, a form for others, and those that are pending.

use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use maud::{Markup, html};

use crate::faults::fault::Fault;
use crate::faults::pending::PendingFault;
use crate::page::form_data::FormData;
use crate::page::layout::{Page, error, see_other};
use crate::page::text::shortened;
use crate::page::visit::{Visit, not_found};
use crate::request::operation::Operation;
use crate::response::reply::Reply;
use crate::webhooks::fault::WebhookFault;

/// A fault that happens to every request while it is switched on.
struct Switch {
    name: &'static str,
    label: &'static str,
    operation: Operation,
    fault: fn() -> Fault,
}

const SWITCHES: [Switch; 8] = [
    Switch {
        name: "submit-429",
        label: "Submissions get status 429",
        operation: Operation::Submit,
        fault: || Fault::respond(429).retry_after(Duration::from_secs(1)),
    },
    Switch {
        name: "submit-503",
        label: "Submissions get status 503",
        operation: Operation::Submit,
        fault: || Fault::respond(503),
    },
    Switch {
        name: "job-500",
        label: "Queued requests fail with 500",
        operation: Operation::Submit,
        fault: || Fault::outcome(500),
    },
    Switch {
        name: "run-500",
        label: "Direct runs fail with 500",
        operation: Operation::Run,
        fault: || Fault::outcome(500),
    },
    Switch {
        name: "status-502",
        label: "Status requests get 502 from a proxy",
        operation: Operation::Status,
        fault: || Fault::nginx(502),
    },
    Switch {
        name: "status-stream",
        label: "Status streams break after an event",
        operation: Operation::StatusStream,
        fault: || Fault::drop_response_after(1),
    },
    Switch {
        name: "result-drop",
        label: "Connections of result requests break",
        operation: Operation::Result,
        fault: Fault::drop_connection,
    },
    Switch {
        name: "media-slow",
        label: "Downloads are slow: 16 KiB a second",
        operation: Operation::Media,
        fault: || Fault::throttle(16 << 10, Duration::from_secs(1)),
    },
];

/// The operations that can be chosen, with their names.
const OPERATIONS: [(Operation, &str); 24] = [
    (Operation::Submit, "Submit to the queue"),
    (Operation::Run, "Run directly"),
    (Operation::Status, "Get a status"),
    (Operation::StatusStream, "Follow a status"),
    (Operation::Result, "Get a result"),
    (Operation::Cancel, "Cancel"),
    (Operation::Stream, "Stream outputs"),
    (Operation::Realtime, "Connect to a realtime endpoint"),
    (Operation::RealtimeInput, "Send a realtime input"),
    (Operation::WebSocket, "Connect for calls over a WebSocket"),
    (Operation::WebSocketRun, "Run over a WebSocket"),
    (Operation::Token, "Get a temporary token"),
    (Operation::CdnToken, "Get a token for uploads"),
    (Operation::InitiateUpload, "Initiate an upload"),
    (Operation::InitiateMultipart, "Initiate an upload in parts"),
    (Operation::Upload, "Upload a file"),
    (Operation::PutFile, "Upload to a signed URL"),
    (Operation::PutPart, "Upload a part"),
    (Operation::CompleteMultipart, "Complete an upload in parts"),
    (Operation::Media, "Read a file"),
    (Operation::Models, "List models"),
    (Operation::Pricing, "Get prices"),
    (Operation::Usage, "Get the usage"),
    (Operation::WebhookKeys, "Get the keys of webhooks"),
];

/// The kinds of faults that can be chosen, with their names.
const KINDS: [(&str, &str); 8] = [
    ("respond", "Respond with the status"),
    ("nginx", "Respond with the status, as a proxy does"),
    ("outcome", "Accept, then fail with the status"),
    ("drop", "Break the connection, without effect"),
    ("drop-after", "Break the connection, after the effect"),
    ("cut", "Break the connection in the response"),
    ("stall", "Stop in the response"),
    ("none", "Only wait"),
];

const WEBHOOK_FAULTS: [(WebhookFault, &str); 7] = [
    (WebhookFault::Lost, "It is lost"),
    (WebhookFault::Duplicate, "It arrives twice"),
    (WebhookFault::WrongSignature, "Its signature is forged"),
    (WebhookFault::AlteredBody, "Its body is altered"),
    (WebhookFault::OldTimestamp, "Its timestamp is old"),
    (WebhookFault::PayloadError, "It has an error instead of the payload"),
    (WebhookFault::OldShape, "Its body has an older shape"),
];

/// The most endpoints in the list of the form.
const MAX_ENDPOINTS: usize = 1_000;

impl Switch {
    fn is_of(&self, pending: &PendingFault) -> bool {
        pending.operation == self.operation
            && pending.left.is_none()
            && pending.fault.endpoint().is_none()
            && pending.fault.share().is_none()
            && pending.fault.to_string() == (self.fault)().to_string()
    }
}

pub(super) fn page(visit: &Visit<'_>) -> Reply {
    let body = html! {
        h1 { "Faults" }
        p { "Faults make requests of programs fail, to see how the programs react." }
    };
    Page::new("Faults", body).live(live(visit)).rest(form(visit)).reply(visit)
}

/// The part that updates itself.
pub(super) fn live(visit: &Visit<'_>) -> Markup {
    let all = visit.state.faults.all();
    let webhooks = visit.state.outbox.count_faults();
    html! {
        section #switches aria-labelledby="switches-title" {
            h2 #switches-title { "Switches" }
            p.hint { "A fault that is on happens to every request." }
            ul.switches {
                @for switch in &SWITCHES {
                    @let is_on = all.iter().any(|pending| switch.is_of(pending));
                    li {
                        form method="post" action="/faults/switch" {
                            input type="hidden" name="on" value=(!is_on);
                            button.switch #{ "switch-" (switch.name) } type="submit" role="switch" aria-checked=(is_on) name="switch" value=(switch.name) {
                                span.track aria-hidden="true" {} span { (switch.label) } span.onoff aria-hidden="true" { @if is_on { "On" } @else { "Off" } }
                            }
                        }
                    }
                }
            }
        }
        section #pending aria-labelledby="pending-title" {
            h2 #pending-title { "Pending" }
            @if all.is_empty() && webhooks == 0 {
                p.empty { "No faults. Every request gets its normal response." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Pending faults" {
                    table.faults {
                        caption.hidden { "Pending faults, in order" }
                        thead { tr { th scope="col" { "Operation" } th scope="col" { "Fault" } th scope="col" { "Endpoint" } th scope="col" { "Happens to" } th scope="col" { span.hidden { "Remove" } } } }
                        tbody {
                            @for pending in all.iter().take(200) { (row(pending)) }
                            @if webhooks > 0 { tr { td { "Webhook" } td colspan="2" { "of the next submissions with a webhook" } td { (webhooks) " deliveries" } td {} } }
                        }
                    }
                }
                form.actions method="post" action="/faults/clear" { button.quiet #clear type="submit" { "Remove all" } }
            }
        }
    }
}

fn row(pending: &PendingFault) -> Markup {
    let PendingFault { number, operation, fault, left } = pending;
    let name = OPERATIONS.iter().find(|(other, _)| other == operation).map(|(_, name)| (*name).to_owned());
    let first = fault.first().max(1);
    let happens = match (left, fault.share()) {
        (_, Some(share)) => format!("{}% of requests", (share * 10_000.0).round() / 100.0),
        (None, None) if first == 1 => "every request".to_owned(),
        (None, None) => format!("every request from number {first} on"),
        (Some(1), None) if first == 1 => "the next request".to_owned(),
        (Some(1), None) => format!("request number {first}"),
        (Some(left), None) => format!("the next {left} requests"),
    };
    html! {
        tr id={ "fault-" (number) } {
            td data-label="Operation" { (name.unwrap_or_else(|| format!("{operation:?}"))) }
            td data-label="Fault" { code { (fault) } @if !fault.waits().is_zero() { " after " (fault.waits().as_secs_f64()) " s" } }
            td data-label="Endpoint" { @match fault.endpoint() { Some(endpoint) => (shortened(endpoint, 120)), None => "any" } }
            td data-label="Happens to" { (happens) }
            td {
                form method="post" action="/faults/remove" {
                    button.quiet.small #{ "remove-" (number) } type="submit" name="number" value=(number) aria-label={ "Remove fault " (number + 1) } { "Remove" }
                }
            }
        }
    }
}

fn form(visit: &Visit<'_>) -> Markup {
    html! {
        section aria-labelledby="add-title" {
            h2 #add-title { "Add a fault" }
            form.input method="post" action="/faults/add" {
                div.grid {
                    div.field {
                        div.label { label for="operation" { "Operation" } }
                        select #operation name="operation" { @for (operation, name) in OPERATIONS { option value=(format!("{operation:?}")) { (name) } } }
                    }
                    div.field {
                        div.label { label for="kind" { "Fault" } }
                        select #kind name="kind" { @for (kind, name) in KINDS { option value=(kind) { (name) } } }
                    }
                    div.field {
                        div.label { label for="status" { "Status" } }
                        input #status type="number" name="status" min="200" max="599" value="503" required;
                    }
                    div.field {
                        div.label { label for="wait" { "Wait before, in seconds" } }
                        input #wait type="number" name="wait" min="0" step="any" value="0" required;
                    }
                    div.field {
                        div.label { label for="endpoint" { "Endpoint" } }
                        select #endpoint name="endpoint" {
                            option value="" { "Any" }
                            @for id in visit.state.catalog.ids().take(MAX_ENDPOINTS) { option { (id) } }
                        }
                    }
                    div.field {
                        div.label { label for="count" { "Happens to" } }
                        select #count name="count" {
                            option value="1" { "the next request" }
                            @for count in [2, 3, 5, 10] { option value=(count) { "the next " (count) " requests" } }
                            option value="all" { "every request" }
                            @for percent in [5, 10, 25, 50] { option value={ (percent) "%" } { (percent) " % of requests" } }
                        }
                    }
                }
                div.actions { button type="submit" { "Add fault" } }
            }
            form.input method="post" action="/faults/webhook" {
                div.field {
                    div.label { label for="webhook" { "Next webhook" } }
                    select #webhook name="webhook" { @for (fault, name) in WEBHOOK_FAULTS { option value=(format!("{fault:?}")) { (name) } } }
                }
                div.actions { button.quiet type="submit" { "Add fault of a webhook" } }
            }
        }
    }
}

/// Adds or removes faults.
pub(super) fn change(visit: &Visit<'_>, action: &str, body: &Bytes) -> Reply {
    let (state, form) = (visit.state, FormData::urlencoded(body));
    let invalid =
        |what: &str| error(visit, StatusCode::BAD_REQUEST, &format!("The form has an invalid value: {what}."));
    match action {
        "switch" => {
            let name = form.get("switch").unwrap_or_default();
            let Some(switch) = SWITCHES.iter().find(|switch| switch.name == name) else { return invalid("switch") };
            let on = state.faults.all().into_iter().filter(|pending| switch.is_of(pending));
            on.for_each(|pending| state.faults.remove(pending.number));
            if form.get("on").as_deref() == Some("true") {
                state.faults.add(switch.operation, (switch.fault)().repeat());
            }
        }
        "add" => match chosen(&form) {
            Ok((operation, fault)) => state.faults.add(operation, fault),
            Err(what) => return invalid(what),
        },
        "webhook" => {
            let name = form.get("webhook").unwrap_or_default();
            match WEBHOOK_FAULTS.into_iter().find(|(fault, _)| format!("{fault:?}") == name) {
                Some((fault, _)) => state.outbox.add_fault(fault),
                None => return invalid("webhook"),
            }
        }
        "remove" => match form.get("number").and_then(|number| number.parse().ok()) {
            Some(number) => state.faults.remove(number),
            None => return invalid("number"),
        },
        "clear" => state.clear_faults(),
        _ => return not_found(visit),
    }
    see_other("/faults")
}

/// Returns the fault of a form, or the name of the field that is invalid.
fn chosen(form: &FormData) -> Result<(Operation, Fault), &'static str> {
    let text = |name: &str| form.get(name).unwrap_or_default();
    let operation = OPERATIONS.into_iter().find(|(operation, _)| format!("{operation:?}") == text("operation"));
    let (operation, _) = operation.ok_or("operation")?;
    let status = text("status").parse().ok().filter(|status| (200..600).contains(status)).ok_or("status")?;
    let fault = match text("kind").as_str() {
        "respond" => Fault::respond(status),
        "nginx" => Fault::nginx(status),
        "outcome" => Fault::outcome(status),
        "drop" => Fault::drop_connection(),
        "drop-after" => Fault::drop_connection().after_effect(),
        "cut" => Fault::drop_response_after(1),
        "stall" => Fault::stall_response_after(1),
        "none" => Fault::none(),
        _ => return Err("kind"),
    };
    let seconds: f64 = text("wait").parse().map_err(|_| "wait")?;
    let fault = fault.delay(Duration::try_from_secs_f64(seconds).map_err(|_| "wait")?);
    let fault = match text("endpoint") {
        endpoint if endpoint.is_empty() => fault,
        endpoint => fault.on(endpoint),
    };
    let count = text("count");
    Ok((
        operation,
        match (count.as_str(), count.strip_suffix('%')) {
            ("all", _) => fault.repeat(),
            (_, Some(percent)) => {
                fault.probability(f64::from(percent.parse::<u8>().map_err(|_| "count")?.min(100)) / 100.0)
            }
            (count, None) => fault.times(count.parse().map_err(|_| "count")?),
        },
    ))
}
