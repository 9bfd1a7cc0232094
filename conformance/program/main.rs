//! The program that is compiled with generated code. It deserializes each instance as its endpoint's type, and prints
//! one line for it: `{"ok": serialized value}` or `{"error": "reason for rejection"}`.

mod endpoints;
mod table;

use std::io::{BufRead as _, BufReader, BufWriter, Write as _};

use fal_client::EndpointInput;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// An endpoint, with functions for its types.
pub struct Endpoint {
    id: &'static str,
    input: fn(&str) -> Result<Value, String>,
    output: fn(&str) -> Result<Value, String>,
}

/// Returns an endpoint for its types.
pub const fn endpoint<I, O>(id: &'static str) -> Endpoint
where
    I: EndpointInput + DeserializeOwned,
    O: Serialize + DeserializeOwned,
{
    Endpoint { id, input: input::<I>, output: output::<O> }
}

fn input<I: EndpointInput + DeserializeOwned>(text: &str) -> Result<Value, String> {
    let input: I = serde_json::from_str(text).map_err(|error| error.to_string())?;
    input.validate().map_err(|error| error.to_string())?;
    serde_json::to_value(input).map_err(|error| error.to_string())
}

fn output<O: Serialize + DeserializeOwned>(text: &str) -> Result<Value, String> {
    let output: O = serde_json::from_str(text).map_err(|error| error.to_string())?;
    serde_json::to_value(output).map_err(|error| error.to_string())
}

/// Reads `ID<tab>input|output<tab>JSON` lines.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut output = BufWriter::new(std::io::stdout().lock());
    for line in BufReader::new(std::io::stdin().lock()).lines() {
        let line = line?;
        let mut columns = line.splitn(3, '\t');
        let (Some(id), Some(side), Some(text)) = (columns.next(), columns.next(), columns.next()) else {
            return Err(format!("invalid instance: {line}").into());
        };
        let index = table::ENDPOINTS.binary_search_by_key(&id, |endpoint| endpoint.id);
        let endpoint = index.map(|index| &table::ENDPOINTS[index]).map_err(|_| format!("unknown endpoint `{id}`"))?;
        let outcome = match side {
            "input" => (endpoint.input)(text),
            _ => (endpoint.output)(text),
        };
        let line = match outcome {
            Ok(serialized) => json!({ "ok": serialized }),
            Err(error) => json!({ "error": error }),
        };
        writeln!(output, "{line}")?;
    }
    output.flush()?;
    Ok(())
}
