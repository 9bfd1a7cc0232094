//! `cargo fal emulate`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use fal_emulator::Emulator;

use crate::folders::count;

/// Run a local emulator of fal, which needs neither a key nor the internet
///
/// Without --schemas, it serves the endpoints that fal-client ships.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Port on the loopback interface. 0 chooses a free port
    #[arg(long, value_name = "N", default_value_t = 8787)]
    port: u16,
    /// Folder of the documents to serve
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,
    /// Name, in addition to loopback names, under which the emulator may be called. Can be repeated
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(arguments))
}

async fn serve(arguments: &Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut builder = Emulator::builder().port(arguments.port).on_request(|request| {
        let status = request.status().map_or("no response".to_owned(), |status| status.to_string());
        let mistake = request.mistake().map(|mistake| format!(" ({mistake})")).unwrap_or_default();
        eprintln!("{} {} -> {status}{mistake}", request.method(), request.path());
    });
    builder = builder.allow_hosts(&arguments.allow_host);
    if let Some(schemas) = &arguments.schemas {
        builder = builder.schemas(schemas);
    }
    let emulator = builder.start().await?;
    let base = emulator.base_url();
    println!("{base} serves {}; press Ctrl-C to stop", count(emulator.endpoints().count(), "endpoint"));
    println!("\nTo use it from programs with fal-client, set:\n");
    println!("export FAL_KEY=emulated");
    println!("export FAL_RUN_HOST={base}/fal.run");
    println!("export FAL_QUEUE_RUN_HOST={base}/queue.fal.run");
    println!("export FAL_REST_HOST={base}/rest.fal.ai");
    println!("export FAL_API_HOST={base}/api.fal.ai");
    tokio::signal::ctrl_c().await?;
    Ok(ExitCode::SUCCESS)
}
