//! Uploads a picture of this machine, shows how far it is, has it repainted twice, and saves what comes of it.

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
Uploads a picture to fal, has two parts of it repainted, and saves the results.

With the environment variable FAL_KEY it calls fal, which costs money. Without, it starts the emulator that comes with
this repository, which needs no network and draws a picture of its own.

Usage: cargo run --example upload -- [PICTURE] [FOLDER]

  PICTURE    A picture on this machine; without one, a PNG is drawn [default: none]
  FOLDER     Where the results are saved; nothing there is replaced [default: uploaded]";

/// The side of the picture that is drawn, and of the masks, in pixels.
const SIDE: u32 = 512;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--help" | "-h", ..] => {
            println!("{HELP}");
            Ok(())
        }
        [] => repaint(None, "uploaded").await,
        [picture] => repaint(Some(picture.into()), "uploaded").await,
        [picture, folder] => repaint(Some(picture.into()), folder).await,
        _ => Err("too many arguments; `--help` explains".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn repaint(picture: Option<PathBuf>, folder: impl AsRef<Path>) -> Result<(), Box<dyn Error>> {
    // The emulator lives as long as this variable.
    let emulator;
    let client = if std::env::var("FAL_KEY").is_ok_and(|key| !key.is_empty()) {
        println!("Calling fal with the key in FAL_KEY.");
        Client::from_env()?
    } else {
        emulator = Emulator::start().await?;
        println!("FAL_KEY is not set: calling the embedded emulator at {}.", emulator.base_url());
        emulator.client()
    };

    // A file that is used more than once is uploaded by itself, and may have a life of its own.
    let file = match picture {
        Some(path) => FileInput::path(path),
        None => FileInput::bytes(png(|x, y| [(x / 2) as u8, (y / 2) as u8, 128])?, "image/png").name("drawn.png"),
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

    // What is white in a mask is painted anew. A file that is used once is uploaded by the call.
    let left = png(|x, _| if x < SIDE / 2 { [255; 3] } else { [0; 3] })?;
    let right = png(|x, _| if x < SIDE / 2 { [0; 3] } else { [255; 3] })?;
    let mut images = Vec::new();
    for mask in [left, right] {
        let input = inpainting::Input::builder()
            .prompt("Ice fortress, aurora skies, polar wildlife, twilight")
            .control_image_url(&room)
            .image_url(&room)
            .mask_url(FileInput::bytes(mask, "image/png"));
        let result = client.fal_ai().fast_sdxl_controlnet_canny().inpainting().subscribe(input).await?;
        println!("Repainted: request {}", result.request_id.as_deref().unwrap_or_default());
        images.extend(result.data.images);
    }
    for saved in client.download_all(&images, folder).await? {
        println!("Saved:     {}", saved.display());
    }
    Ok(())
}

/// A square PNG.
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
