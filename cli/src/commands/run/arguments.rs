//! The arguments of `cargo fal run`: its own options, and the fields of the endpoint.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use fal_client::money::Decimal;

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
    /// Print the output while the endpoint generates it
    #[arg(long, conflicts_with = "detach")]
    pub(crate) stream: bool,
    /// Most that the request may cost, in USD. Default: the budget of fal.toml, if set
    #[arg(long, value_name = "USD", value_parser = usd)]
    pub(crate) max_cost: Option<Decimal>,
    /// Submit the request and exit. `cargo fal watch` follows it
    #[arg(long, alias = "no-wait")]
    pub(crate) detach: bool,
    /// Print the log lines of the model
    #[arg(long)]
    pub(crate) logs: bool,
    /// Time limit, such as 90s or 10m. The request is cancelled after it. Default: none
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

fn usd(text: &str) -> Result<Decimal, String> {
    match text.parse::<Decimal>() {
        Ok(amount) if !amount.is_sign_negative() => Ok(amount),
        _ => Err("expected an amount in USD, such as 0.50".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "expected a number with a unit, such as 90s or 10m".to_owned())
}
