use serde_json::Value;

/// An event of a workflow, which runs several models (fal's documentation of workflows).
///
/// An error of a node is not one of these: it is an [`Error`](crate::Error) of the stream.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum WorkflowEvent<O> {
    /// A node of the workflow was submitted.
    #[non_exhaustive]
    Submit {
        /// The node.
        node_id: String,
        /// The endpoint that the node calls.
        app_id: Option<String>,
        /// The id of the node's own request.
        request_id: Option<String>,
    },
    /// A node is completed.
    #[non_exhaustive]
    Completion {
        /// The node.
        node_id: String,
        /// The output of the node.
        output: Value,
    },
    /// The output of the whole workflow.
    Output(O),
}
