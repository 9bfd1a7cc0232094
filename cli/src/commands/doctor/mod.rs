//! `cargo fal doctor`

mod account;
mod key;
mod network;
mod project;
mod report;
mod versions;

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use fal_client::RetryPolicy;

use self::key::Key;
use self::report::Report;
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::online;

/// Time limit for the response to each request.
const TIMEOUT: Duration = Duration::from_secs(8);

/// Check the key, the account, the network and the project
///
/// Each check passes, warns or fails. Requests are free of charge, and change nothing.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    /// Check without the network: neither the account nor the hosts
    #[arg(long)]
    offline: bool,
}

const HELP: &str = "\
Examples:
  cargo fal doctor
  cargo fal doctor --offline
  cargo fal doctor --json

Exit codes:
  0  no check failed; there may be warnings
  1  a check failed
  4  the key or the account is at fault
  5  a host cannot be reached";

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    online::block_on(async {
        let mut report = Report::default();
        let key = key::check(&mut report);
        if !arguments.offline {
            check_fal(key, &mut report).await;
        }
        project::check_settings(&context.settings, &mut report);
        let ids = project::check_schemas(&context.settings, &mut report);
        if !arguments.offline {
            project::check_models(&ids, &mut report).await;
        }
        project::check_code(&context.settings, &mut report);
        project::check_journal(&context.settings, &mut report).await;
        versions::check(&context.settings, &mut report);
        match context.terminal.json {
            true => context.terminal.print_json(&report.to_json())?,
            false => context.terminal.print(report.to_text(&context.terminal))?,
        }
        Ok(report.exit().map_or(ExitCode::SUCCESS, ExitCode::from))
    })
}

async fn check_fal(key: Key, report: &mut Report) {
    let builder = || {
        let builder = online::client_builder().retry(RetryPolicy::none());
        builder.response_timeout(TIMEOUT).idle_timeout(TIMEOUT)
    };
    if key == Key::Usable {
        match builder().build() {
            Ok(client) => account::check(&client, report).await,
            Err(error) if error.is_unauthorized() => {
                report.fail("key", Exit::Account, error.to_string(), "correct the key");
            }
            // The hosts or proxies are invalid, which is the next check.
            Err(_) => {}
        }
    }
    match builder().anonymous().build() {
        Ok(client) => network::check(&client, report).await,
        Err(error) => report.fail("network", Exit::Failed, error.to_string(), "correct the variable, or unset it"),
    }
}
