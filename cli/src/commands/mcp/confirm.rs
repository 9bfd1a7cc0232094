//! The confirmation of billed calls by the user, where the client can show it.

use std::collections::BTreeMap;
use std::hash::BuildHasher;

use fal_client::money::{Cost, Estimate, Price};
use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequestParams, ClientCapabilities, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationSchema, InputRequest, InputRequiredResult, ProtocolVersion,
};
use rmcp::service::RequestContext;
use serde_json::Value;

use super::Confirmation;
use super::server::Server;
use crate::layout::plain;
use crate::tool::bounded;

/// The key of the request in a result that requires input.
const KEY: &str = "confirm";
/// The field that turns further requests for the endpoint off.
const ALWAYS: &str = "always";

/// The cost of a call, as far as it is known.
pub(super) struct Expected {
    pub(super) price: Option<Price>,
    pub(super) estimate: Option<Estimate>,
}

pub(super) enum Decision {
    Run,
    /// The client shows the request, and calls again with the response.
    Ask(InputRequiredResult),
    Refuse(String),
}

impl Expected {
    fn is_free(&self) -> bool {
        self.price.as_ref().is_some_and(|price| price.unit_price.is_zero())
    }
}

/// Formats a price: `$0.0250 per megapixel`.
pub(super) fn price_text(price: &Price) -> String {
    let cost = Cost::new(price.unit_price, price.currency.clone());
    match price.unit.is_empty() {
        true => format!("{cost} per unit"),
        false => format!("{cost} per {}", bounded(&plain(&price.unit), 50)),
    }
}

impl Server {
    /// Returns true if a call of an endpoint needs the user's confirmation, as far as this is known without the price.
    pub(super) fn needs_confirmation(&self, endpoint: &str) -> bool {
        self.confirmation() != Confirmation::Never && !self.is_confirmed(endpoint)
    }

    /// Lets the user confirm a call.
    pub(super) async fn confirm(
        &self,
        endpoint: &str,
        expected: &Expected,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Decision {
        if expected.is_free() || !self.needs_confirmation(endpoint) {
            return Decision::Run;
        }
        if !context.client_capabilities().is_some_and(|client| has_forms(&client)) {
            return match self.confirmation() {
                Confirmation::Always => Decision::Refuse(
                    "the call needs a confirmation by the user, which this client does not support. The user can allow calls \
                     without one by starting the server without `--require-confirmation`"
                        .to_owned(),
                ),
                _ => Decision::Run,
            };
        }
        let params = match params(endpoint, expected) {
            Ok(params) => params,
            Err(reason) => return Decision::Refuse(reason.to_owned()),
        };
        if context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28) {
            return self.confirm_by_result(endpoint, params, request);
        }
        // The user has the time that the client gives them.
        let response = tokio::select! {
            response = context.peer.create_elicitation(params) => response,
            () = context.ct.cancelled() => return Decision::Refuse("the call was cancelled".to_owned()),
        };
        match response {
            Ok(response) => self.decide(endpoint, &response),
            Err(error) => Decision::Refuse(format!(
                "the client cannot show the confirmation to the user: {}",
                plain(&error.to_string())
            )),
        }
    }

    /// Since protocol version 2026-07-28, a server requires input by its result, and the client calls again.
    fn confirm_by_result(
        &self,
        endpoint: &str,
        params: ElicitRequestParams,
        request: &CallToolRequestParams,
    ) -> Decision {
        // The response confirms these arguments only.
        let arguments = request.arguments.as_ref().map(|arguments| Value::Object(arguments.clone()).to_string());
        let state = format!("{:016x}", self.hasher().hash_one((&request.name, arguments)));
        let response = request.input_responses.as_ref().and_then(|responses| responses.get(KEY));
        if let Some(response) = response.filter(|_| request.request_state.as_ref() == Some(&state)) {
            return match serde_json::from_value::<ElicitResult>(response.clone()) {
                Ok(response) => self.decide(endpoint, &response),
                Err(_) => Decision::Refuse("the client's response to the confirmation is invalid".to_owned()),
            };
        }
        let requests = BTreeMap::from([(KEY.to_owned(), InputRequest::Elicitation(ElicitRequest::new(params)))]);
        Decision::Ask(InputRequiredResult::new(Some(requests), Some(state)))
    }

    fn decide(&self, endpoint: &str, response: &ElicitResult) -> Decision {
        match response.action {
            ElicitationAction::Accept => {
                let content = response.content.as_ref();
                if content.and_then(|content| content.get(ALWAYS)).and_then(Value::as_bool) == Some(true) {
                    self.set_confirmed(endpoint);
                }
                Decision::Run
            }
            ElicitationAction::Decline => {
                Decision::Refuse("the user has declined the call. Nothing was sent".to_owned())
            }
            _ => Decision::Refuse("the user has not confirmed the call. Nothing was sent".to_owned()),
        }
    }
}

/// Returns true if a client can show forms. One that does not say which kind it supports shows forms.
fn has_forms(client: &ClientCapabilities) -> bool {
    client.elicitation.as_ref().is_some_and(|modes| modes.form.is_some() || modes.url.is_none())
}

fn params(endpoint: &str, expected: &Expected) -> Result<ElicitRequestParams, &'static str> {
    let mut message = format!("Run {} on fal.ai?", plain(endpoint));
    match &expected.estimate {
        Some(estimate) => message.push_str(&format!(" A call costs {} on average.", estimate.cost)),
        None => message.push_str(" The cost of a call is unknown."),
    }
    if let Some(price) = &expected.price {
        message.push_str(&format!(" The price is {}.", price_text(price)));
    }
    let requested_schema = ElicitationSchema::builder()
        .bool_property(ALWAYS, |field| {
            field.title("Run this model without asking again, until the server ends").with_default(false)
        })
        .build()?;
    Ok(ElicitRequestParams::FormElicitationParams { meta: None, message, requested_schema })
}
