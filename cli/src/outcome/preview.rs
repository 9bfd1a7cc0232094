//! Images in the terminal.

use std::fs::File;
use std::io::{BufReader, IsTerminal, stdin, stdout};
use std::path::Path;

use anstream::{AutoStream, ColorChoice};
use image::{DynamicImage, ImageReader, Limits};
use viuer::Config;

use super::OutcomeFile;
use crate::terminal::Terminal;

/// The most images that are shown.
const MAX_IMAGES: usize = 4;

/// The largest file that is decoded, in bytes.
const MAX_FILE: u64 = 32 << 20;

/// The largest width and height that are decoded, in pixels, and the most memory that it takes, in bytes.
const MAX_PIXELS: u32 = 10_000;
const MAX_MEMORY: u64 = 256 << 20;

/// The largest width in the terminal, in columns.
const MAX_COLUMNS: u32 = 60;

/// The largest height of all images together, in rows.
const MAX_ROWS: u32 = 20;

/// Shows the saved images in a terminal with colours, the first ones if there are many. An image that cannot be decoded, and one
/// that is flagged as unsafe, is left out.
pub(super) fn show(files: &[OutcomeFile], terminal: &Terminal) {
    let has_colors = AutoStream::choice(&stdout()) != ColorChoice::Never;
    let Some(width) = terminal.width.filter(|_| stdout().is_terminal() && has_colors) else { return };
    let images = files.iter().filter(|file| file.is_image && !file.is_flagged).filter_map(|file| file.file.as_deref());
    let images: Vec<DynamicImage> = images.take(MAX_IMAGES).filter_map(decode).collect();
    let width = u32::try_from(width.saturating_sub(1)).unwrap_or(MAX_COLUMNS).clamp(1, MAX_COLUMNS);
    let height = MAX_ROWS / u32::try_from(images.len()).unwrap_or(MAX_ROWS).max(1);
    for image in images {
        let (columns, rows) = fitted(&image, width, height);
        // A terminal is only sent requests for its abilities if it can respond.
        let (use_kitty, use_iterm) = (stdin().is_terminal(), stdin().is_terminal());
        let config = Config {
            absolute_offset: false,
            transparent: true,
            width: Some(columns),
            height: Some(rows),
            use_kitty,
            use_iterm,
            ..Config::default()
        };
        let _ = viuer::print(&image, &config);
    }
}

/// Returns the size of an image in columns and rows. A row is as high as two columns are wide.
fn fitted(image: &DynamicImage, columns: u32, rows: u32) -> (u32, u32) {
    let (width, height) = (image.width().max(1), image.height().max(1));
    let is_wide = u64::from(width) * u64::from(rows) * 2 >= u64::from(height) * u64::from(columns);
    match is_wide {
        true => (columns, (height * columns / width / 2).max(1)),
        false => ((width * rows * 2 / height).max(1), rows),
    }
}

fn decode(path: &Path) -> Option<DynamicImage> {
    let file = File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > MAX_FILE {
        return None;
    }
    let mut reader = ImageReader::new(BufReader::new(file)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_PIXELS);
    limits.max_image_height = Some(MAX_PIXELS);
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    reader.decode().ok()
}
