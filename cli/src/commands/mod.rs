//! The commands, one a file.

// `offline.rs` is each of the commands that a build leaves out.
#![allow(clippy::duplicate_mod)]

#[cfg_attr(not(feature = "online"), path = "offline.rs")]
mod add;
pub(crate) mod arguments;
#[cfg_attr(not(feature = "online"), path = "offline.rs")]
mod batch;
#[cfg_attr(not(feature = "online"), path = "offline.rs")]
mod cancel;
mod changes;
mod check;
pub(crate) mod completions;
mod diff;
#[cfg_attr(not(feature = "online"), path = "offline.rs")]
mod doctor;
#[cfg_attr(not(feature = "emulate"), path = "offline.rs")]
mod emulate;
mod folders;
#[cfg_attr(not(feature = "online"), path = "offline.rs")]
mod gallery;
mod generate;
#[cfg_attr(not(feature = "online"), path = "offline.rs")]
mod history;
#[cfg(feature = "online")]
mod jobs;
mod list;
#[cfg_attr(not(feature = "emulate"), path = "offline.rs")]
mod listen;
mod man;
#[cfg_attr(not(feature = "mcp"), path = "offline.rs")]
mod mcp;
mod new;
#[cfg_attr(not(feature = "online"), path = "offline.rs")]
mod price;
#[cfg_attr(not(feature = "online"), path = "offline.rs")]
mod result;
#[cfg_attr(not(feature = "online"), path = "offline.rs")]
pub(crate) mod run;
#[cfg_attr(not(feature = "online"), path = "offline.rs")]
mod search;
mod show;
#[cfg_attr(not(feature = "online"), path = "offline.rs")]
mod status;
mod tools;
#[cfg_attr(not(feature = "emulate"), path = "offline.rs")]
mod trigger;
#[cfg_attr(not(feature = "online"), path = "offline.rs")]
mod update;
#[cfg_attr(not(feature = "online"), path = "offline.rs")]
mod usage;
#[cfg_attr(not(feature = "online"), path = "offline.rs")]
mod watch;

use std::process::ExitCode;

use clap::Subcommand;

pub(crate) use self::folders::count;
use crate::context::Context;
use crate::error::Error;

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Search(search::Arguments),
    Add(add::Arguments),
    List(list::Arguments),
    Show(show::Arguments),
    Update(update::Arguments),
    Diff(diff::Arguments),
    Generate(generate::Arguments),
    Check(check::Arguments),
    New(new::Arguments),
    Run(Box<run::Arguments>),
    Status(status::Arguments),
    Result(result::Arguments),
    Cancel(cancel::Arguments),
    Watch(watch::Arguments),
    History(history::Arguments),
    Batch(batch::Arguments),
    Gallery(gallery::Arguments),
    Price(price::Arguments),
    Usage(usage::Arguments),
    Doctor(doctor::Arguments),
    Listen(listen::Arguments),
    Trigger(trigger::Arguments),
    Mcp(mcp::Arguments),
    Tools(tools::Arguments),
    Emulate(Box<emulate::Arguments>),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

impl Command {
    pub(crate) fn run(&self, context: &Context) -> Result<ExitCode, Error> {
        match self {
            Command::Search(arguments) => search::run(arguments, context),
            Command::Add(arguments) => add::run(arguments, context),
            Command::List(arguments) => list::run(arguments, context),
            Command::Show(arguments) => show::run(arguments, context),
            Command::Update(arguments) => update::run(arguments, context),
            Command::Diff(arguments) => diff::run(arguments, context),
            Command::Generate(arguments) => generate::run(arguments, context),
            Command::Check(arguments) => check::run(arguments, context),
            Command::New(arguments) => new::run(arguments, context),
            Command::Run(arguments) => run::run(arguments, context),
            Command::Status(arguments) => status::run(arguments, context),
            Command::Result(arguments) => result::run(arguments, context),
            Command::Cancel(arguments) => cancel::run(arguments, context),
            Command::Watch(arguments) => watch::run(arguments, context),
            Command::History(arguments) => history::run(arguments, context),
            Command::Batch(arguments) => batch::run(arguments, context),
            Command::Gallery(arguments) => gallery::run(arguments, context),
            Command::Price(arguments) => price::run(arguments, context),
            Command::Usage(arguments) => usage::run(arguments, context),
            Command::Doctor(arguments) => doctor::run(arguments, context),
            Command::Listen(arguments) => listen::run(arguments, context),
            Command::Trigger(arguments) => trigger::run(arguments, context),
            Command::Mcp(arguments) => mcp::run(arguments, context),
            Command::Tools(arguments) => tools::run(arguments, context),
            Command::Emulate(arguments) => emulate::run(arguments, context),
            Command::Completions(arguments) => completions::run(arguments, context),
            Command::Man(arguments) => man::run(arguments, context),
        }
    }
}
