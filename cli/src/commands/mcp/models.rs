//! The tools that find models, show them and their prices, and return the results of jobs.

use fal_client::platform::{Model, ModelMetadata, ModelStatus};
use futures_util::{StreamExt, stream};
use rmcp::RoleServer;
use rmcp::model::{CallToolResult, Tool as Definition, ToolAnnotations};
use rmcp::service::RequestContext;
use serde_json::{Map, Value, json};

use super::confirm::price_text;
use super::result;
use super::server::Server;
use crate::catalog;
use crate::error::Error;
use crate::online::budget;
use crate::tool::{Tools, bounded};

/// The most models of a search, and of a list of prices.
const MAX_MODELS: usize = 50;
const MAX_DESCRIPTION: usize = 300;

/// Returns the definitions of these tools.
pub(super) fn definitions() -> Vec<Definition> {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let id = text("Id of an endpoint, such as fal-ai/flux/dev");
    let job = text("Key of the job, from the result of the call that started it");
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_MODELS, "default": 10, "description": "The most models" });
    vec![
        definition(
            "job_cancel",
            "Cancels a running job of a model.",
            json!({ "job": job }),
            &["job"],
            ToolAnnotations::new().read_only(false).destructive(true).idempotent(true).open_world(true),
        ),
        definition(
            "job_result",
            "Waits for the result of a job that a model's tool has returned as running, and returns it with its files. Bills nothing.",
            json!({ "job": job }),
            &["job"],
            read_only(),
        ),
        definition(
            "price",
            "Returns the prices of endpoints, and the average cost of a call.",
            json!({ "ids": { "type": "array", "items": id, "minItems": 1, "maxItems": MAX_MODELS } }),
            &["ids"],
            read_only(),
        ),
        definition(
            "search_models",
            "Searches the models of fal.ai by words. `tool` is the tool that runs a model; the user can add others with `cargo fal \
             add ID`.",
            json!({ "query": text("Words, such as: upscale video"), "category": text("Category, such as text-to-image"), "limit": limit }),
            &["query"],
            read_only(),
        ),
        definition(
            "show_model",
            "Shows a model of fal.ai: the JSON Schema of its input, the fields of its output, and its price.",
            json!({ "id": id }),
            &["id"],
            read_only(),
        ),
    ]
}

fn read_only() -> ToolAnnotations {
    ToolAnnotations::new().read_only(true).open_world(true)
}

fn definition(
    name: &'static str,
    description: &'static str,
    properties: Value,
    required: &[&str],
    annotations: ToolAnnotations,
) -> Definition {
    let schema =
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    let schema = match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    };
    Definition::new(name, description, schema).with_annotations(annotations)
}

impl Server {
    /// Calls a tool that does not belong to an endpoint. Returns `None` for an unknown name.
    pub(super) async fn call_other(
        &self,
        name: &str,
        arguments: &Map<String, Value>,
        context: &RequestContext<RoleServer>,
    ) -> Option<CallToolResult> {
        let definition = definitions().into_iter().find(|definition| definition.name == name)?;
        if let Some(reason) = invalid(&definition.input_schema, arguments) {
            return Some(result::error(reason));
        }
        let text = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
        let called = match name {
            "job_cancel" => return Some(self.cancel_job(text("job")).await),
            "job_result" => return Some(self.result_of_job(text("job"), context).await),
            "price" => self.prices(strings(&arguments["ids"])).await,
            "search_models" => self.search(arguments).await,
            "show_model" => self.show(text("id")).await,
            _ => return None,
        };
        Some(match called {
            Ok(value) => result::data(&value),
            Err(error) => result::error(result::message(&error)),
        })
    }

    async fn search(&self, arguments: &Map<String, Value>) -> Result<Value, Error> {
        let text = |name: &str| arguments.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let limit = arguments.get("limit").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.unwrap_or(10).min(MAX_MODELS);
        let models = self.catalogue().platform().models().search(text("query").unwrap_or_default());
        let models = text("category").into_iter().fold(models, fal_client::platform::Models::category);
        let page = models.status(ModelStatus::Active).limit(u32::try_from(limit).unwrap_or(10)).page().await?;
        let models: Vec<Value> = page.items.iter().take(limit).map(|model| self.listed(model)).collect();
        Ok(json!({ "models": models }))
    }

    fn listed(&self, model: &Model) -> Value {
        let id = bounded(&model.endpoint_id, 200);
        let mut listed = json!({ "id": id });
        if let Some(ModelMetadata { display_name, category, description, .. }) = &model.metadata {
            listed["name"] = json!(bounded(display_name, 100));
            listed["category"] = json!(bounded(category, 50));
            listed["description"] = json!(bounded(description, MAX_DESCRIPTION));
        }
        if let Some(name) = self.tool_of(&model.endpoint_id) {
            listed["tool"] = json!(name);
        }
        listed
    }

    async fn show(&self, id: &str) -> Result<Value, Error> {
        let entry = catalog::endpoint(self.context(), self.catalogue(), id).await?;
        let Tools { tools, notes } = Tools::new([&entry]);
        let mut shown = json!({ "id": id });
        match tools.first() {
            Some(tool) => {
                shown["description"] = json!(tool.description);
                shown["input_schema"] = json!(tool.input);
                shown["output_fields"] = json!(tool.output);
            }
            None => shown["note"] = json!(notes),
        }
        match self.tool_of(id) {
            Some(name) => shown["tool"] = json!(name),
            None => {
                shown["how_to_run"] = json!(format!("no tool runs it: the user can add it with `cargo fal add {id}`"))
            }
        }
        if let Ok(Value::Object(mut prices)) = self.prices(vec![id.to_owned()]).await
            && let Some(price) = prices.get_mut("prices").and_then(|prices| prices.get_mut(0))
        {
            shown["price"] = price.take();
        }
        Ok(shown)
    }

    async fn prices(&self, ids: Vec<String>) -> Result<Value, Error> {
        let client = self.catalogue();
        let prices = client.platform().prices(ids.iter()).skip_unknown(true).await?;
        let prices = &prices;
        let costs = ids.into_iter().map(|id| async move {
            // An endpoint without past calls has a price only.
            let cost = budget::estimate(client, &id).await.ok().map(|(_, estimate)| estimate.cost.to_string());
            match prices.get(&id).map(price_text) {
                None if cost.is_none() => json!({ "id": id, "note": "fal has no price of it" }),
                price => json!({ "id": id, "price": price, "average_cost_of_a_call": cost }),
            }
        });
        let prices: Vec<Value> = stream::iter(costs).buffered(4).collect().await;
        Ok(json!({ "prices": prices }))
    }
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Returns the reason why arguments do not fit the schema of one of these tools.
fn invalid(schema: &Map<String, Value>, arguments: &Map<String, Value>) -> Option<String> {
    let properties = schema.get("properties")?.as_object()?;
    let names: Vec<String> = properties.keys().map(|name| format!("`{name}`")).collect();
    if let Some(unknown) = arguments.keys().find(|name| !properties.contains_key(*name)) {
        let unknown = fal_documents::text::quoted(unknown);
        return Some(format!("unknown argument {unknown}: expected {}", names.join(", ")));
    }
    for required in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if !arguments.contains_key(required) {
            return Some(format!("missing argument `{required}`"));
        }
    }
    arguments.iter().find_map(|(name, value)| {
        let fits = match properties[name]["type"].as_str() {
            Some("integer") => value.as_u64().is_some_and(|value| (1..=MAX_MODELS as u64).contains(&value)),
            Some("array") => {
                let items = value.as_array();
                items.is_some_and(|items| (1..=MAX_MODELS).contains(&items.len()) && items.iter().all(Value::is_string))
            }
            _ => value.as_str().is_some_and(|text| text.len() <= 2000),
        };
        (!fits).then(|| format!("invalid argument `{name}`: expected {}", properties[name]))
    })
}
