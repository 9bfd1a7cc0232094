use std::path::PathBuf;

use clap::Args;
use fal_client::money::Cost;

use super::rows::Format;
use crate::amount;

/// Run an endpoint for each row of a file
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Endpoint id, such as `fal-ai/flux/dev`
    pub(super) id: String,
    /// File of rows: a JSON object on each line, or CSV with a header. `-` reads stdin
    pub(super) file: PathBuf,
    /// Fields of all rows that do not have their own
    #[arg(value_name = "KEY=VALUE")]
    pub(super) fields: Vec<String>,
    /// Folder of the results and files. Default: a folder for the rows and the endpoint in the output folder
    #[arg(long, short, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Number of rows that run at the same time
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) concurrency: u16,
    /// Limit of the cost of this batch in USD, in all its runs together. Default: none
    #[arg(long, value_name = "USD", allow_negative_numbers = true, value_parser = amount::parse)]
    pub(super) max_cost: Option<Cost>,
    /// Continue an earlier run, and fail if the journal has none. Without it, an earlier run is continued too
    #[arg(long)]
    pub(super) resume: bool,
    /// Send failed rows again, even if fal may have billed them. Default: only those that fal has not billed
    #[arg(long)]
    pub(super) retry_failed: bool,
    /// Check all rows and estimate the cost. Sends no row
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Name of the batch, and label of its jobs. Another one is a new batch. Default: the path of the file
    #[arg(long, value_name = "LABEL")]
    pub(super) label: Option<String>,
    /// Use only the first N rows. Default: all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) limit: Option<u64>,
    /// Column or field with the key of a row, which names its job and its files
    #[arg(long, value_name = "NAME", default_value = "key")]
    pub(super) key_column: String,
    /// Format of the rows. Default: by the extension of the file
    #[arg(long, value_name = "FORMAT")]
    pub(super) format: Option<Format>,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal batch fal-ai/flux/dev prompts.csv --dry-run
  cargo fal batch fal-ai/flux/dev prompts.csv --max-cost 5 num_images=2
  cargo fal batch fal-ai/flux/dev/redux photos.jsonl --out photos --resume
  jq -c '.[]' prompts.json | cargo fal batch fal-ai/flux/dev - --label prompts";
