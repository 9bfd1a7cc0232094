//! Inpaints an image and saves the result.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use fal_client::endpoints::Endpoints;
use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;
use fal_client::{Client, FileInput, QueueUpdate};
use fal_emulator::Emulator;
use indicatif::{ProgressBar, ProgressStyle};

const HELP: &str = "\
Inpaints an image with fal-ai/fast-sdxl-controlnet-canny/inpainting and saves the result.

If the environment variable FAL_KEY is set, the example calls fal, which bills the request. Otherwise it starts the
emulator of this repository, which needs no network and draws a placeholder.

Usage: cargo run --example inpainting -- [OPTIONS]

Options:
  --prompt TEXT    The subject of the image
  --image FILE     The original image: a URL or a local path
  --mask FILE      The mask: its white area is inpainted
  --control FILE   The image whose edges guide the composition
  --seed N         The seed: the same input and seed give the same image
  --out PATH       The path of the result; replaces an existing file [default: inpainting.png]
  --help           Print help";

const PICTURES: &str = "https://raw.githubusercontent.com/CompVis/latent-diffusion/main/data/inpainting_examples";

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => paint(options).await,
        Ok(None) => {
            println!("{HELP}");
            Ok(())
        }
        Err(wrong) => Err(wrong.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn paint(options: Options) -> Result<(), Box<dyn Error>> {
    // The request is billed, so an invalid output path must be found before it.
    if options.out.parent().is_some_and(|folder| folder != Path::new("") && !folder.is_dir()) {
        return Err(format!("cannot write {}: its folder does not exist", options.out.display()).into());
    }
    // The emulator lives as long as this variable.
    let emulator;
    let is_set = |name| std::env::var(name).is_ok_and(|value| !value.trim().is_empty());
    let client = if is_set("FAL_KEY") || (is_set("FAL_KEY_ID") && is_set("FAL_KEY_SECRET")) {
        let host = std::env::var("FAL_QUEUE_RUN_HOST").unwrap_or_else(|_| "queue.fal.run".to_owned());
        println!("Calling {host} with the key from the environment.");
        Client::from_env()?
    } else {
        emulator = Emulator::start().await?;
        println!("FAL_KEY is not set. Calling the emulator at {}.", emulator.base_url());
        emulator.client()
    };

    let progress = Progress::start();
    let input = inpainting::Input::builder()
        .prompt(options.prompt)
        .control_image_url(options.control)
        .image_url(options.image)
        .mask_url(options.mask)
        .image_size(inpainting::ImageSizePreset::SquareHd)
        .strength(0.9)
        .maybe_seed(options.seed);
    let result = client
        .fal_ai()
        .fast_sdxl_controlnet_canny()
        .inpainting()
        .subscribe(input)
        .logs(true)
        .on_enqueue(|job| progress.line(&format!("Request {} is queued.", job.request_id)))
        .on_update(|update| progress.show(&update))
        // The call cancels the request before it returns, so that it is not billed after the program has ended.
        .cancel_when(tokio::signal::ctrl_c())
        .await?;
    progress.end();

    let image = result.data.images.first().ok_or("the response has no image")?;
    let saved = tokio::select! {
        saved = client.download(image, options.out).overwrite(true) => saved?,
        // tokio keeps its handler, so Ctrl-C no longer ends the program on its own.
        _ = tokio::signal::ctrl_c() => return Err("the download was interrupted".into()),
    };
    println!("Request id: {}", result.request_id.as_deref().unwrap_or_default());
    match result.data.seed {
        Some(seed) => println!("Seed:       {seed}"),
        None => println!("Seed:       unknown"),
    }
    println!("Image:      {}", saved.display());
    Ok(())
}

struct Options {
    prompt: String,
    image: FileInput,
    mask: FileInput,
    control: FileInput,
    seed: Option<i128>,
    out: PathBuf,
}

impl Options {
    /// Parses the command line. Returns `None` for `--help`.
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Options {
            prompt: "Ice fortress, aurora skies, polar wildlife, twilight".to_owned(),
            image: FileInput::url(format!("{PICTURES}/overture-creations-5sI6fQgYIuo.png")),
            mask: FileInput::url(format!("{PICTURES}/overture-creations-5sI6fQgYIuo_mask.png")),
            control: FileInput::url("https://avatars.githubusercontent.com/u/74778219"),
            seed: None,
            out: PathBuf::from("inpainting.png"),
        };
        while let Some(name) = args.next() {
            if matches!(name.as_str(), "--help" | "-h") {
                return Ok(None);
            }
            let is_known = ["--prompt", "--image", "--mask", "--control", "--seed", "--out"].contains(&name.as_str());
            if !is_known {
                return Err(format!("unknown option {name:?}: see `--help`"));
            }
            let value = args.next().ok_or_else(|| format!("missing value of {name}: see `--help`"))?;
            match name.as_str() {
                "--prompt" => options.prompt = value,
                "--image" => options.image = file(value),
                "--mask" => options.mask = file(value),
                "--control" => options.control = file(value),
                "--seed" => {
                    let seed = value.parse().map_err(|_| format!("invalid seed {value:?}: expected an integer"))?;
                    options.seed = Some(seed);
                }
                _ => options.out = PathBuf::from(value),
            }
        }
        Ok(Some(options))
    }
}

/// Accepts a URL or a local path. Only safe for trusted text such as the user's own command line.
fn file(text: String) -> FileInput {
    let is_url = ["http://", "https://", "data:"].iter().any(|scheme| text.starts_with(scheme));
    if is_url { FileInput::url(text) } else { FileInput::path(text) }
}

/// Shows the request in a terminal: permanent lines above a spinner with the current state.
struct Progress {
    bar: ProgressBar,
    began: Instant,
}

impl Progress {
    fn start() -> Self {
        let bar = ProgressBar::new_spinner().with_message("sending");
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress { bar, began: Instant::now() }
    }

    fn show(&self, update: &QueueUpdate) {
        match update {
            QueueUpdate::InQueue { position: Some(position), .. } => {
                self.line(&format!("Queue position: {position}."));
                self.bar.set_message("waiting");
            }
            QueueUpdate::InProgress { .. } => self.bar.set_message("running"),
            QueueUpdate::Completed { .. } => self.bar.set_message("fetching"),
            _ => {}
        }
        for log in update.logs() {
            self.line(&format!("| {}", log.message));
        }
    }

    fn line(&self, text: &str) {
        self.bar.suspend(|| println!("{text}"));
    }

    fn end(&self) {
        self.bar.finish_and_clear();
        println!("Done in {:.1} s.", self.began.elapsed().as_secs_f64());
    }
}
