//! `cargo fal run --stream`: the outputs of an endpoint as it makes them.

use std::io::{IsTerminal, stdout};
use std::process::ExitCode;

use fal_client::{Client, EventData, JsonInput, WorkflowEvent};
use fal_documents::text::is_hidden;
use futures_util::StreamExt;
use serde_json::Value;

use super::Arguments;
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::online::Signals;
use crate::online::budget::{self, MaxCost};
use crate::terminal::Terminal;

/// Prints the outputs of a direct run. It has no place in the queue and in the journal.
pub(super) async fn run(
    arguments: &Arguments,
    context: &Context,
    client: &Client,
    input: JsonInput,
) -> Result<ExitCode, Error> {
    if context.settings.budget.is_some() {
        let error = Error::new(Exit::Budget, "a stream cannot be charged to the budget of fal.toml");
        return Err(error.help("leave out --stream, or remove `budget` from fal.toml"));
    }
    if let Some(cost) = &arguments.max_cost {
        budget::open(&context.settings, client, &arguments.id, Some(&MaxCost::Call(cost.clone()))).await?;
    }
    let terminal = &context.terminal;
    let mut stream = client.endpoint(arguments.id.as_str()).stream(input);
    if let Some(timeout) = arguments.timeout {
        stream = stream.timeout(timeout);
    }
    let mut signals = Signals::new()?;
    let mut printer = Printer { terminal, text: String::new(), is_text: false };
    loop {
        let event = tokio::select! {
            event = stream.next() => event,
            _ = signals.next() => {
                printer.end()?;
                let error = Error::new(Exit::Interrupted, "interrupted; fal may bill what the model has made");
                return Err(error.help("a stream cannot be continued; run the command again"));
            }
        };
        match event {
            None => break,
            Some(Ok(event)) => printer.print(event.data)?,
            Some(Err(error)) => {
                printer.end()?;
                return Err(error.into());
            }
        }
    }
    printer.end()?;
    Ok(ExitCode::SUCCESS)
}

/// Prints outputs: a growing text as text, and everything else as a JSON line each.
struct Printer<'a> {
    terminal: &'a Terminal,
    /// The text so far.
    text: String,
    /// True if a text was printed whose line has not ended.
    is_text: bool,
}

impl Printer<'_> {
    fn print(&mut self, data: EventData<Value>) -> Result<(), Error> {
        match data {
            EventData::Output(output)
            | EventData::Workflow(WorkflowEvent::Output(output))
            | EventData::Json(output) => self.print_output(&output),
            EventData::Text(text) => self.print_text(&text),
            EventData::Binary(bytes) if stdout().is_terminal() => {
                self.end()?;
                self.terminal.note(format_args!("{} bytes; to keep them, redirect stdout to a file", bytes.len()));
                Ok(())
            }
            EventData::Binary(bytes) => self.terminal.write(&bytes),
            _ => Ok(()),
        }
    }

    fn print_output(&mut self, output: &Value) -> Result<(), Error> {
        match output.get("output").and_then(Value::as_str).filter(|_| !self.terminal.json) {
            // A language model: the text so far, or the next part of it.
            Some(text) => {
                let new = text.strip_prefix(self.text.as_str()).unwrap_or(text).to_owned();
                self.text.push_str(&new);
                self.print_text(&new)
            }
            None => {
                self.end()?;
                let line = serde_json::to_string(output)
                    .map_err(|error| Error::new(Exit::Failed, format!("cannot print JSON: {error}")))?;
                self.terminal.write(format!("{line}\n").as_bytes())
            }
        }
    }

    /// Prints a part of a text. In a terminal, without the characters that control it.
    fn print_text(&mut self, text: &str) -> Result<(), Error> {
        if text.is_empty() {
            return Ok(());
        }
        self.is_text = !text.ends_with('\n');
        if !stdout().is_terminal() {
            return self.terminal.write(text.as_bytes());
        }
        let safe = |c: char| match c {
            '\n' | '\t' => c.to_string(),
            c if is_hidden(c) => c.escape_default().to_string(),
            c => c.to_string(),
        };
        self.terminal.write(text.chars().map(safe).collect::<String>().as_bytes())
    }

    /// Ends the line of a text.
    fn end(&mut self) -> Result<(), Error> {
        match std::mem::take(&mut self.is_text) {
            true => self.terminal.write(b"\n"),
            false => Ok(()),
        }
    }
}
