use std::path::PathBuf;
use std::sync::Arc;

use crate::builder::EmulatorBuilder;
use crate::endpoints::catalog::{Catalog, CatalogBuilder};
use crate::error::Error;

impl EmulatorBuilder {
    /// Adds the documents in a folder and its subfolders: the same files, in the same forms, that `fal-codegen` generates types
    /// from. Patches (`NAME.patch.json`) are applied, because the generated types have them too.
    ///
    /// Default: the documents that `fal-client` ships, unless [`schemas`](Self::schemas) or
    /// [`document`](Self::document) adds others. Can be called several times.
    pub fn schemas(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folders.push(folder.into());
        self
    }

    /// Adds a document as a JSON string, in any form that a file of [`schemas`](Self::schemas) may have. Can be called several
    /// times.
    pub fn document(mut self, text: impl Into<String>) -> Self {
        self.documents.push(text.into());
        self
    }

    /// Adds a workflow by its definition as a JSON string: an object with `name` and `contents`, such as
    /// `GET /v1/workflows/{username}/{workflow_name}` of fal returns. Can be called several times.
    ///
    /// Its endpoint is `workflows/{owner}/{name}`, with the owner in `user_nickname` (default: `emulator`). Each node calls an
    /// endpoint that the emulator serves, with the outputs of earlier nodes. Streams have the events of each node.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_emulator::Emulator;
    ///
    /// let definition = serde_json::json!({
    ///     "name": "variant",
    ///     "contents": {
    ///         "nodes": {
    ///             "draw": {
    ///                 "type": "run",
    ///                 "app": "fal-ai/flux/dev/redux",
    ///                 "depends": ["input"],
    ///                 "input": { "image_url": "$input.image_url" }
    ///             }
    ///         },
    ///         "output": { "image": "$draw.images.0.url" },
    ///         "schema": { "input": { "image_url": { "name": "image_url", "type": "string", "required": true } } }
    ///     }
    /// });
    /// let emulator = Emulator::builder().workflow(definition.to_string()).start().await?;
    /// assert!(emulator.endpoints().any(|id| id == "workflows/emulator/variant"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn workflow(mut self, definition: impl Into<String>) -> Self {
        self.workflows.push(definition.into());
        self
    }

    pub(super) fn catalog(&self) -> Result<Arc<Catalog>, Error> {
        let is_shipped = self.folders.is_empty() && self.documents.is_empty();
        if is_shipped && self.workflows.is_empty() {
            return Catalog::shipped();
        }
        let mut builder = CatalogBuilder::default();
        if is_shipped {
            builder.shipped();
        }
        self.folders.iter().for_each(|folder| builder.folder(folder));
        for (index, text) in self.documents.iter().enumerate() {
            builder.text(&format!("document {}", index + 1), text);
        }
        for (index, text) in self.workflows.iter().enumerate() {
            builder.workflow(&format!("workflow {}", index + 1), text);
        }
        builder.build().map(Arc::new).map_err(Error::Documents)
    }
}
