//! The arguments of `cargo fal run`: its own options, and the fields of the endpoint.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use fal_client::money::Cost;

use crate::online::budget::amount;

/// Run an endpoint, and download the files of its output
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Endpoint id, such as fal-ai/flux/dev/image-to-image
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Fields of the input
    #[arg(value_name = "FIELD=VALUE")]
    pub(crate) pairs: Vec<String>,
    /// File with the input: .json, .toml or .yaml. - reads JSON or YAML from stdin. Pairs take precedence
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// Output folder for downloaded files. Default: fal-output
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print the output while the endpoint generates it: the text of a language model, or else a JSON line for each output.
    /// A stream bypasses the queue and the journal, so it cannot be continued
    #[arg(long, conflicts_with_all = ["detach", "key", "logs", "out"])]
    pub(crate) stream: bool,
    /// Most that the request may cost, in USD. Default: the budget of fal.toml, if set
    #[arg(long, value_name = "USD", value_parser = amount)]
    pub(crate) max_cost: Option<Cost>,
    /// Name of the job in the journal. A second run with the same key returns the result of the first, without another
    /// request. Default: one of the endpoint and the input, which continues a run that was interrupted
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Submit the request and exit. `cargo fal watch` follows it
    #[arg(long, alias = "no-wait")]
    pub(crate) detach: bool,
    /// Print the log lines of the model
    #[arg(long)]
    pub(crate) logs: bool,
    /// Time limit, such as 90s or 10m. The job continues after it, and `cargo fal watch` follows it. Default: none
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Show no images in the terminal
    #[arg(long)]
    pub(crate) no_preview: bool,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal run fal-ai/flux/dev/image-to-image prompt='a fox' image_url=@room.png
  cargo fal run fal-ai/flux/dev/image-to-image --input fox.json seed=42 --out foxes";

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "expected a number with a unit, such as 90s or 10m".to_owned())
}
