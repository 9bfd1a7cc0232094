//! `cargo fal mcp`

mod call;
mod confirm;
mod files;
mod input;
mod models;
mod progress;
mod result;
mod server;
mod stdin;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use fal_client::money::Cost;
use rmcp::service::{QuitReason, ServerInitializeError};
use rmcp::{ServiceExt, transport};

use crate::amount;
use crate::commands::folders::count;
use crate::commands::tools::Selection;
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::layout::plain;
use crate::online::{Signals, block_on};

/// Serve the endpoints to agents over stdio (Model Context Protocol)
///
/// Each endpoint is a tool. Others search models, show them and their prices, and return the results of jobs. A client starts
/// this command, and ends it by closing stdin: jobs that run then continue at fal, and stay in the journal.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Folder whose files tools may upload, with those of its folders. Can be repeated. Default: the project's folder, if any
    #[arg(long, value_name = "DIR")]
    allow_folder: Vec<PathBuf>,
    /// Folder for the files of results. Tools may upload these, too. Default: the setting `downloads`, or else fal-output
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Limit for the cost of all calls until the server ends, in US dollars, within the setting `budget`. Default: none
    #[arg(long, value_name = "USD", allow_negative_numbers = true, value_parser = amount::parse)]
    max_cost: Option<Cost>,
    /// Never ask the user before a call. Default: ask, if the client can
    #[arg(long, conflicts_with = "require_confirmation")]
    no_confirm: bool,
    /// Refuse calls if the client cannot ask the user. Default: allow them
    #[arg(long)]
    require_confirmation: bool,
    /// Time in seconds after which a call returns its unfinished job. Clients with tasks wait without a limit
    #[arg(long, value_name = "SECONDS", default_value = "50", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    wait: u64,
    /// The most calls that run in parallel. Others wait
    #[arg(long, value_name = "N", default_value = "8", value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal mcp
  cargo fal mcp fal-ai/flux/dev/redux --allow-folder ~/Pictures --max-cost 5
  cargo fal mcp --include 'fal-ai/flux/**' --require-confirmation";

/// The rules for asking the user before a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Confirmation {
    Never,
    IfPossible,
    Always,
}

impl Arguments {
    fn confirmation(&self) -> Confirmation {
        match (self.no_confirm, self.require_confirmation) {
            (true, _) => Confirmation::Never,
            (_, true) => Confirmation::Always,
            _ => Confirmation::IfPossible,
        }
    }

    fn wait(&self) -> Duration {
        Duration::from_secs(self.wait)
    }
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let server = server::Server::new(arguments, context)?;
    block_on(serve(server, context))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(server: server::Server, context: &Context) -> Result<(), Error> {
    let terminal = &context.terminal;
    let tools = count(server.endpoints(), "endpoint");
    terminal.note(format_args!("serving {tools} over stdio until stdin closes"));
    if io::stdin().is_terminal() {
        terminal.note("stdin is a terminal, and has to be a client of MCP: see the guide for its configuration");
    }
    let mut signals = Signals::new()?;
    let (input, output) = transport::stdio();
    let input = stdin::Input::new(input, server.closing(), terminal.clone());
    let service = tokio::select! {
        service = server.clone().serve((input, output)) => service,
        _ = signals.next() => return Ok(()),
    };
    let service = match service {
        Ok(service) => service,
        // A client that only looks whether the command starts.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(ServerInitializeError::ExpectedInitializeRequest(_)) => {
            let error = Error::new(Exit::Failed, "the client began without `initialize`");
            return Err(error.help("stdin has to be a client of the Model Context Protocol, such as Claude Desktop"));
        }
        Err(error) => return Err(failed(&error.to_string())),
    };
    let mut waiting = std::pin::pin!(service.waiting());
    let reason = tokio::select! {
        reason = &mut waiting => reason,
        _ = signals.next() => Ok(QuitReason::Cancelled),
    };
    // Before the service is dropped, which cancels its calls.
    server.leave().await;
    match reason {
        Ok(QuitReason::Closed | QuitReason::Cancelled) => Ok(()),
        Ok(reason) => Err(failed(&format!("{reason:?}"))),
        Err(error) => Err(failed(&error.to_string())),
    }
}

fn failed(reason: &str) -> Error {
    Error::new(Exit::Failed, format!("the connection to the client failed: {}", plain(reason)))
}
