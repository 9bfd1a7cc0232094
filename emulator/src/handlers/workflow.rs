//! Runs of workflows. Each node is a request of its own, with its own validation and files.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::endpoints::endpoint::Endpoint;
use crate::endpoints::workflow::{Node, Workflow};
use crate::handlers::jobs;
use crate::hex::hex;
use crate::queue::job::Job;
use crate::random;
use crate::response::failure::Failure;
use crate::state::State;
use crate::urls::Urls;

/// Runs the nodes, and returns the output of the workflow. It fails with the first node that fails.
pub(super) async fn output(state: &State, job: &Arc<Job>, workflow: &Workflow, urls: &Urls) -> Result<Value, Failure> {
    let mut values = values(job);
    for node in &workflow.nodes {
        let run = Run::new(state, job, workflow, node, &values)?;
        values.insert(node.id.clone(), jobs::output_of(state, &run.job, urls).await?);
    }
    Ok(workflow.output_of(&values))
}

/// Runs the nodes, and returns the events of the stream.
pub(super) async fn events(state: &State, job: &Arc<Job>, workflow: &Workflow) -> Vec<Value> {
    let (mut values, mut events) = (values(job), Vec::new());
    for node in &workflow.nodes {
        let run = match Run::new(state, job, workflow, node, &values) {
            Ok(run) => run,
            Err(failure) => {
                events.push(error(&node.id, &failure));
                return events;
            }
        };
        events.push(submit(&node.id, &node.app, &run.job.id));
        match jobs::output_of(state, &run.job, job.received.urls()).await {
            Ok(output) => {
                events.push(completion(&node.id, &output));
                values.insert(node.id.clone(), output);
            }
            Err(failure) => {
                events.push(error(&node.id, &failure));
                return events;
            }
        }
    }
    events.push(json!({ "type": "output", "output": workflow.output_of(&values) }));
    events
}

/// Returns the events of a workflow whose nodes are unknown: it has one node, which is the workflow itself.
pub(super) fn events_of_one_node(job: &Job, result: Result<&Value, &Failure>) -> Vec<Value> {
    let node = job.endpoint.workflow.as_ref().and_then(|workflow| workflow.nodes.first());
    let (id, app) = node.map_or(("node", job.endpoint.app.as_str()), |node| (&node.id, &node.app));
    let submit = submit(id, app, &random::uuid());
    match result {
        Ok(output) => vec![submit, completion(id, output), json!({ "type": "output", "output": output })],
        Err(failure) => vec![submit, error(id, failure)],
    }
}

fn submit(node: &str, app: &str, request_id: &str) -> Value {
    json!({ "type": "submit", "node_id": node, "app_id": app, "request_id": request_id })
}

fn completion(node: &str, output: &Value) -> Value {
    json!({ "type": "completion", "node_id": node, "output": output })
}

fn error(node: &str, failure: &Failure) -> Value {
    let (status, body) = (failure.status().as_u16(), failure.json());
    let message = format!("Node {node} failed: {}", failure.reason());
    json!({ "type": "error", "node_id": node, "message": message, "error": { "status": status, "body": body } })
}

/// Returns the values that references begin with: at first only the input of the workflow.
fn values(job: &Job) -> BTreeMap<String, Value> {
    BTreeMap::from([("input".to_owned(), job.received.input().cloned().unwrap_or_default())])
}

/// A run of a node.
struct Run {
    job: Arc<Job>,
}

impl Run {
    fn new(
        state: &State,
        job: &Job,
        workflow: &Workflow,
        node: &Node,
        values: &BTreeMap<String, Value>,
    ) -> Result<Self, Failure> {
        // The catalog has the endpoint of each node.
        let endpoint: &Arc<Endpoint> = state
            .catalog
            .endpoint(&node.app)
            .ok_or_else(|| Failure::internal(format!("the endpoint `{}` is missing", node.app)))?;
        let mut run = jobs::part_of(state, job, endpoint, &workflow.input_of(node, values));
        // The result is the same whenever it is read, so the id is too.
        run.id = request_id(&job.id, &node.id);
        Ok(Run { job: Arc::new(run) })
    }
}

/// Returns the id of a node's request: a UUID.
fn request_id(workflow: &str, node: &str) -> String {
    let hex = hex(&Sha256::digest(format!("{workflow}/{node}"))[..16]);
    let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32]);
    format!("{a}-{b}-4{c}-8{d}-{e}")
}
