//! Makes variations of an image in a program without async.

use std::error::Error;
use std::fs::File;
use std::process::ExitCode;

use fal_client::FileInput;
use fal_client::blocking::{Call, Client};
use fal_client::endpoints::Endpoints;
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_emulator::Emulator;
use tokio::runtime::Runtime;

const HELP: &str = "\
Makes a variation of an image in a program without async, and saves it.

If the environment variable FAL_KEY is set, the example calls fal, which bills the request. Otherwise it starts the
emulator of this repository, which needs no network and draws a placeholder.

Usage: cargo run --features blocking --example blocking -- [IMAGE] [OUTPUT]

  IMAGE      The path of a local image [default: docs/inpainting.png]
  OUTPUT     The file of the result, which is replaced [default: variation.png]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--help" | "-h", ..] => {
            println!("{HELP}");
            Ok(())
        }
        [] => vary("docs/inpainting.png", "variation.png"),
        [image] => vary(image, "variation.png"),
        [image, output] => vary(image, output),
        _ => Err("too many arguments: see `--help`".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn vary(image: &str, output: &str) -> Result<(), Box<dyn Error>> {
    // The emulator is async, and lives as long as these variables.
    let (runtime, emulator);
    let client = if std::env::var("FAL_KEY").is_ok_and(|key| !key.is_empty()) {
        println!("Calling fal with the key from the environment.");
        Client::from_env()?
    } else {
        runtime = Runtime::new()?;
        emulator = runtime.block_on(Emulator::start())?;
        println!("FAL_KEY is not set. Calling the emulator at {}.", emulator.base_url());
        emulator.client_builder().build_blocking()?
    };

    // Any reader works. It is uploaded while it is read.
    let file = File::open(image).map_err(|error| format!("cannot open `{image}`: {error}"))?;
    let image = FileInput::blocking_reader(file, None).name(image);
    let mut statuses = 0;
    let call = client.fal_ai().flux().dev().redux().subscribe(redux::Input::builder().image_url(image));
    let response = call
        .logs(true)
        .on_update(|update| {
            statuses += 1;
            update.logs().iter().for_each(|line| println!("Log:   {}", line.message));
        })
        .call()?;
    println!("Done:  request {}, {statuses} updates", response.request_id.as_deref().unwrap_or_default());

    let variation = response.data.images.first().ok_or("the output has no image")?;
    let bytes = client.download_to(variation, File::create(output)?).call()?;
    println!("Saved: {output}, {bytes} bytes");
    Ok(())
}
