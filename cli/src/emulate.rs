use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use fal_emulator::Emulator;

use crate::folders::count;

/// Run a local fal that serves the documents, with no key and no network
///
/// Without --schemas it serves the endpoints that fal-client ships.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The port of the loopback interface to listen on; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 8787)]
    port: u16,
    /// The folder of the documents to serve
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(arguments))
}

async fn serve(arguments: &Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut builder = Emulator::builder().port(arguments.port).on_request(|request| {
        let status = request.status().map_or("no answer".to_owned(), |status| status.to_string());
        let mistake = request.mistake().map(|mistake| format!(" ({mistake})")).unwrap_or_default();
        eprintln!("{} {} -> {status}{mistake}", request.method(), request.path());
    });
    if let Some(schemas) = &arguments.schemas {
        builder = builder.schemas(schemas);
    }
    let emulator = builder.start().await?;
    let base = emulator.base_url();
    println!("{base} serves {}; stop it with Ctrl-C", count(emulator.endpoints().count(), "endpoint"));
    println!("\nPrograms that use fal-client talk to it with:\n");
    println!("export FAL_KEY=emulated");
    println!("export FAL_RUN_HOST={base}/fal.run");
    println!("export FAL_QUEUE_RUN_HOST={base}/queue.fal.run");
    println!("export FAL_REST_HOST={base}/rest.fal.ai");
    println!("export FAL_API_HOST={base}/api.fal.ai");
    tokio::signal::ctrl_c().await?;
    Ok(ExitCode::SUCCESS)
}
