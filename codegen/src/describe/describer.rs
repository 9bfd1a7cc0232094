//! From a document to its description.

use fal_documents::{Document, Finding};

use super::Description;
use super::fields::Fields;
use crate::error::Error;
use crate::model::Endpoint;
use crate::render::{Call, MODULE_PATH, call};
use crate::schema::reference;
use crate::tree::module_path;
use crate::{lower, normalize, prose};

/// Describes an endpoint: its module, its fields, and an example in Rust.
///
/// ```
/// use std::path::PathBuf;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let text = r#"{"endpointId": "me/app", "input": {"required": ["prompt"], "properties": {
///     "prompt": {"type": "string", "maxLength": 800},
///     "steps": {"type": "integer", "minimum": 1, "maximum": 50, "default": 28}
/// }}}"#;
/// let source = fal_documents::Source {
///     file: PathBuf::from("app.json"),
///     path: "app.json".to_owned(),
///     text: text.into(),
///     patch: None,
/// };
/// let contents = fal_documents::parse(&source).map_err(|findings| findings[0].to_string())?;
/// let description = fal_codegen::describe(&contents.documents[0])?;
/// assert_eq!(description.module, "me::app");
/// assert_eq!(description.input[0].limits, ["at most 800 characters"]);
/// assert_eq!(description.input[1].range.as_deref(), Some("1 to 50"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Fails if the document has schemas that the generator refuses.
pub fn describe(document: &Document) -> Result<Description, Error> {
    Describer::new().describe(document)
}

/// Settings of descriptions. They affect the example only.
///
/// ```no_run
/// # fn run(document: &fal_documents::Document) -> Result<(), fal_codegen::Error> {
/// let description = fal_codegen::Describer::new().module_path("my_crate::fal").describe(document)?;
/// println!("{}", description.example);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Describer {
    module_path: String,
    trait_name: String,
    endpoints: Vec<String>,
}

impl Default for Describer {
    fn default() -> Self {
        Describer::new()
    }
}

impl Describer {
    /// Creates a describer with default settings.
    pub fn new() -> Self {
        let (module_path, trait_name) = (MODULE_PATH.to_owned(), "Endpoints".to_owned());
        Describer { module_path, trait_name, endpoints: Vec::new() }
    }

    /// Sets the path of the generated root module. Default: `crate::endpoints`.
    pub fn module_path(mut self, path: impl Into<String>) -> Self {
        self.module_path = path.into();
        self
    }

    /// Sets the name of the trait whose methods lead to the endpoints. Default: `Endpoints`.
    pub fn trait_name(mut self, name: impl Into<String>) -> Self {
        self.trait_name = name.into();
        self
    }

    /// Sets the ids of the endpoints that are generated together. Default: none.
    ///
    /// The method of an endpoint is another one where there are endpoints below it: `client.me().app().endpoint()`.
    pub fn endpoints(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.endpoints = ids.into_iter().map(Into::into).collect();
        self
    }

    /// Describes an endpoint.
    ///
    /// # Errors
    ///
    /// Fails if the document has schemas that the generator refuses.
    pub fn describe(&self, document: &Document) -> Result<Description, Error> {
        let mut document = document.clone();
        let endpoint = read(&mut document)?;
        let mut fields = Fields::new(&endpoint);
        Ok(Description {
            module: module_path(&endpoint.id).join("::"),
            summary: summary(&document),
            input: fields.of("Input"),
            output: fields.of("Output"),
            example: self.example(&endpoint),
            notes: endpoint.notes.clone(),
            id: endpoint.id.clone(),
            category: endpoint.category.clone(),
        })
    }

    fn example(&self, endpoint: &Endpoint) -> String {
        let path = module_path(&endpoint.id);
        let is_above = |id: &String| {
            let other = module_path(id);
            other.len() > path.len() && other.starts_with(&path)
        };
        let is_group = self.endpoints.iter().any(is_above);
        let Call { imports, statements, .. } = call(endpoint, is_group, &self.module_path, &self.trait_name);
        let mut lines = imports;
        lines.push(String::new());
        lines.push("async fn example(client: &fal_client::Client) -> Result<(), fal_client::Error> {".to_owned());
        lines.extend(statements.iter().map(|line| format!("    {line}")));
        lines.push("    println!(\"{response:?}\");".to_owned());
        lines.extend(["    Ok(())", "}"].map(str::to_owned));
        lines.join("\n")
    }
}

/// Returns the description of the input. Documents have no other text about the endpoint.
fn summary(document: &Document) -> Option<String> {
    let component = reference(&document.input).and_then(|component| document.components.get(component));
    let description = component.unwrap_or(&document.input).get("description")?.as_str()?;
    Some(prose::plain(description)).filter(|description| !description.is_empty())
}

fn read(document: &mut Document) -> Result<Endpoint, Finding> {
    normalize::normalize(document)?;
    lower::lower(document)
}
