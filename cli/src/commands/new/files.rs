//! The files of a new project.

use std::fmt::Write as _;
use std::path::Path;

use fal_codegen::{Description, Field, Kind};
use serde_json::Value;

use crate::catalog::Entry;

pub(super) const IGNORED: &str = "/target\n/output\n/fal-output\n/.fal\n";

pub(super) const SETTINGS: &str = "\
# Settings of `cargo fal`. Every one is optional; these are the defaults.

# The folder of the endpoints' documents, and that of the code that is generated from them.
# schemas = \"schemas\"
# out = \"src/endpoints\"

# The limit of all that the jobs of `cargo fal` may cost, in USD.
# budget = 5.00
";

/// The program's prompt. The emulator paints it into the image.
const PROMPT: &str = "a lighthouse at dusk, oil on canvas";

pub(super) fn manifest(name: &str, checkout: Option<&Path>) -> String {
    let client = match checkout {
        Some(path) => format!("{{ path = {} }}", Value::from(path.display().to_string())),
        None => format!("\"{}\"", env!("CARGO_PKG_VERSION")),
    };
    format!(
        "\
[package]
name = \"{name}\"
version = \"0.1.0\"
edition = \"2024\"
publish = false

[dependencies]
fal-client = {client}
tokio = {{ version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }}
"
    )
}

/// Returns the document of an endpoint: as it is shipped, or else with the same schemas.
pub(super) fn document(entry: &Entry) -> String {
    #[cfg(feature = "online")]
    if entry.is_shipped {
        let path = format!("{}.json", entry.document.id);
        if let Some((_, text)) = fal_client::documents().find(|(shipped, _)| *shipped == path) {
            return text.to_owned();
        }
    }
    format!("{:#}\n", entry.document.to_openapi())
}

/// Returns the program: the example of the endpoint, with its files downloaded.
pub(super) fn program(description: &Description) -> String {
    let mut text = format!("//! Calls `{}`.\n\nmod endpoints;\n\n", description.id);
    let (imports, function) = description.example.split_once("\n\n").unwrap_or_default();
    let _ = write!(text, "{imports}\n\n{MAIN}\n");
    let mut function = function.replacen("println!(\"{response:?}\");", DOWNLOADS, 1);
    for field in description.input.iter().filter(|field| field.required) {
        if let Some((placeholder, value)) = value(field) {
            let setter = |value: &str| format!(".{}({value})", field.rust_name);
            function = function.replacen(&setter(placeholder), &setter(&value), 1);
        }
    }
    text.push_str(&function);
    text.push('\n');
    text
}

const MAIN: &str = "\
#[tokio::main]
async fn main() -> Result<(), fal_client::Error> {
    // The environment variable FAL_KEY has the key.
    let client = fal_client::Client::from_env()?;
    example(&client).await
}
";

const DOWNLOADS: &str = "\
println!(\"{:#?}\", response.data);
    for file in client.download_all(response.media(), \"output\").await? {
        println!(\"saved {}\", file.display());
    }";

/// Returns a value in place of the example's placeholder.
fn value(field: &Field) -> Option<(&'static str, String)> {
    let example = field.examples.iter().find_map(Value::as_str).filter(|text| is_url(text));
    match field.kind {
        Kind::String if field.name == "prompt" && field.values.is_empty() => Some(("\"…\"", format!("\"{PROMPT}\""))),
        Kind::File => Some(("\"https://…\"", format!("\"{}\"", example.unwrap_or("https://example.com/file")))),
        _ => None,
    }
}

/// Returns true for a URL that is safe inside of a string literal.
fn is_url(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@!$&'()*+,;=%".contains(c);
    text.starts_with("https://") && text.len() <= 200 && text.chars().all(is_plain)
}

pub(super) fn readme(name: &str, description: &Description) -> String {
    format!(
        "\
# {name}

Calls [`{id}`](https://fal.ai/models/{id}) with [fal-client](https://docs.rs/fal-client).

With a key of <https://fal.ai/dashboard/keys>:

```sh
FAL_KEY=… cargo run
```

Without a key, and for free, against the emulator. It prints the variables to set for `cargo run`:

```sh
cargo fal emulate
```

The documents of the endpoints are in `schemas/`, and the code in `src/endpoints/` is generated from them.
`cargo fal add ID` adds an endpoint, `cargo fal generate` updates the code, and `cargo fal show {id}` lists the fields.
",
        id = description.id
    )
}

pub(super) fn next_steps(folder: &Path) -> String {
    format!(
        "\
next:
  cd {}
  export FAL_KEY=…       # from https://fal.ai/dashboard/keys; `cargo fal emulate` needs none
  cargo run",
        folder.display()
    )
}
