//! The program that the runner puts beside generated code: it reads each instance as its endpoint's type and prints
//! what became of it, a line an instance: `{"ok": what was written back}` or `{"error": "why it was refused"}`.

mod endpoints;
mod table;

use std::io::{BufRead as _, BufReader, BufWriter, Write as _};

use fal_client::EndpointInput;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// An endpoint's types, as functions.
pub struct Endpoint {
    id: &'static str,
    input: fn(&str) -> Result<Value, String>,
    output: fn(&str) -> Result<Value, String>,
}

/// The functions of an endpoint's types.
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
    let mut answers = BufWriter::new(std::io::stdout().lock());
    for line in BufReader::new(std::io::stdin().lock()).lines() {
        let line = line?;
        let mut columns = line.splitn(3, '\t');
        let (Some(id), Some(of), Some(text)) = (columns.next(), columns.next(), columns.next()) else {
            return Err(format!("this is not an instance: {line}").into());
        };
        let place = table::ENDPOINTS.binary_search_by_key(&id, |endpoint| endpoint.id);
        let endpoint = place.map(|place| &table::ENDPOINTS[place]).map_err(|_| format!("no endpoint {id}"))?;
        let answer = match of {
            "input" => (endpoint.input)(text),
            _ => (endpoint.output)(text),
        };
        let answer = match answer {
            Ok(written) => json!({ "ok": written }),
            Err(error) => json!({ "error": error }),
        };
        writeln!(answers, "{answer}")?;
    }
    answers.flush()?;
    Ok(())
}
