//! Uploads an image with a progress bar, inpaints it twice and saves the results.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use fal_client::endpoints::Endpoints;
use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;
use fal_client::{Client, FileInput, Lifecycle};
use fal_emulator::Emulator;
use indicatif::{ProgressBar, ProgressStyle};

const HELP: &str = "\
Uploads an image to fal, inpaints two parts of it and saves the results.

If the environment variable FAL_KEY is set, the example calls fal, which bills the requests. Otherwise it starts the
emulator of this repository, which needs no network and draws placeholders.

Usage: cargo run --example upload -- [IMAGE] [FOLDER]

  IMAGE      The path of a local image [default: a generated PNG]
  FOLDER     The folder of the results; existing files are kept [default: uploaded]";

/// The side length of the generated image and of the masks, in pixels.
const SIDE: u32 = 512;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--help" | "-h", ..] => {
            println!("{HELP}");
            Ok(())
        }
        [] => inpaint(None, "uploaded").await,
        [image] => inpaint(Some(image.into()), "uploaded").await,
        [image, folder] => inpaint(Some(image.into()), folder).await,
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

async fn inpaint(image: Option<PathBuf>, folder: impl AsRef<Path>) -> Result<(), Box<dyn Error>> {
    // The emulator lives as long as this variable.
    let emulator;
    let client = if std::env::var("FAL_KEY").is_ok_and(|key| !key.is_empty()) {
        println!("Calling fal with the key from the environment.");
        Client::from_env()?
    } else {
        emulator = Emulator::start().await?;
        println!("FAL_KEY is not set. Calling the emulator at {}.", emulator.base_url());
        emulator.client()
    };

    // A file for several calls is uploaded once, with a lifecycle of its own.
    let file = match image {
        Some(path) => FileInput::path(path),
        None => FileInput::bytes(png(|x, y| [(x / 2) as u8, (y / 2) as u8, 128])?, "image/png").name("generated.png"),
    };
    let bar = ProgressBar::no_length().with_style(ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}")?);
    let room = client
        .storage()
        .upload(file)
        .lifecycle(Lifecycle::expires_after(Duration::from_secs(3600)))
        .on_progress(|progress| {
            if let Some(total) = progress.total {
                bar.set_length(total);
            }
            bar.set_position(progress.bytes);
        })
        .await?;
    bar.finish();
    println!("Uploaded:  {}", room.url);

    // The white area of a mask is inpainted. The call itself uploads a file for one call.
    let left = png(|x, _| if x < SIDE / 2 { [255; 3] } else { [0; 3] })?;
    let right = png(|x, _| if x < SIDE / 2 { [0; 3] } else { [255; 3] })?;
    let mut images = Vec::new();
    for mask in [left, right] {
        let input = inpainting::Input::builder()
            .prompt("Ice fortress, aurora skies, polar wildlife, twilight")
            .control_image_url(&room)
            .image_url(&room)
            .mask_url(FileInput::bytes(mask, "image/png"));
        let call = client.fal_ai().fast_sdxl_controlnet_canny().inpainting().subscribe(input);
        let result = call.cancel_when(tokio::signal::ctrl_c()).await?;
        println!("Inpainted: request {}", result.request_id.as_deref().unwrap_or_default());
        images.extend(result.data.images);
    }
    let saved = tokio::select! {
        saved = client.download_all(&images, folder) => saved?,
        // tokio keeps its handler, so Ctrl-C no longer ends the program on its own.
        _ = tokio::signal::ctrl_c() => return Err("the downloads were interrupted".into()),
    };
    for path in saved {
        println!("Saved:     {}", path.display());
    }
    Ok(())
}

/// Encodes a square PNG.
fn png(pixel: impl Fn(u32, u32) -> [u8; 3]) -> Result<Vec<u8>, png::EncodingError> {
    let pixels: Vec<u8> =
        (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE, SIDE);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}
