//! Reads images of a request. Their bytes are untrusted, so that sizes are checked before pixels are decoded.

use std::io::Cursor;

use gif::{ColorOutput, DecodeOptions, MemoryLimit};
use image_webp::WebPDecoder;
use png::{ColorType, Decoder, Limits, Transformations};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::media::raster::Raster;

/// The longest side of an image that is read.
const MAX_SIDE: usize = 8_192;
/// The most pixels of an image that is read.
const MAX_PIXELS: usize = 32 << 20;
/// The most bytes that a decoder allocates.
const MAX_BYTES: usize = 256 << 20;

/// Decodes a PNG, JPEG, WebP or GIF, of which it takes the first frame. Returns `None` if it is invalid or too large.
/// Transparency is ignored.
pub(crate) fn decode(bytes: &[u8]) -> Option<Raster> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => png(bytes),
        [0xff, 0xd8, 0xff, ..] => jpeg(bytes),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp(bytes),
        [b'G', b'I', b'F', b'8', ..] => gif(bytes),
        _ => None,
    }
}

fn fits(width: usize, height: usize) -> bool {
    (1..=MAX_SIDE).contains(&width) && (1..=MAX_SIDE).contains(&height) && width * height <= MAX_PIXELS
}

fn png(bytes: &[u8]) -> Option<Raster> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MAX_BYTES });
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().ok()?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    if !fits(width, height) {
        return None;
    }
    let mut samples = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut samples).ok()?;
    samples.truncate(info.buffer_size());
    let channels = match info.color_type {
        ColorType::Grayscale => 1,
        ColorType::GrayscaleAlpha => 2,
        ColorType::Rgb => 3,
        ColorType::Rgba => 4,
        ColorType::Indexed => return None,
    };
    raster(width, height, channels, samples)
}

fn jpeg(bytes: &[u8]) -> Option<Raster> {
    let options = DecoderOptions::new_safe()
        .set_max_width(MAX_SIDE)
        .set_max_height(MAX_SIDE)
        .jpeg_set_max_scans(100)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(bytes), options);
    decoder.decode_headers().ok()?;
    let info = decoder.info()?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    if !fits(width, height) {
        return None;
    }
    let samples = decoder.decode().ok()?;
    raster(width, height, decoder.output_colorspace()?.num_components(), samples)
}

fn webp(bytes: &[u8]) -> Option<Raster> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).ok()?;
    decoder.set_memory_limit(MAX_BYTES);
    let (width, height) = decoder.dimensions();
    let (width, height) = (width as usize, height as usize);
    if !fits(width, height) {
        return None;
    }
    let mut samples = vec![0; decoder.output_buffer_size()?];
    decoder.read_image(&mut samples).ok()?;
    raster(width, height, if decoder.has_alpha() { 4 } else { 3 }, samples)
}

fn gif(bytes: &[u8]) -> Option<Raster> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    options.set_memory_limit(MemoryLimit::Bytes((MAX_BYTES as u64).try_into().ok()?));
    let mut decoder = options.read_info(Cursor::new(bytes)).ok()?;
    let frame = decoder.next_frame_info().ok()??;
    let (width, height) = (usize::from(frame.width), usize::from(frame.height));
    if !fits(width, height) {
        return None;
    }
    let mut samples = vec![0; decoder.buffer_size()];
    decoder.read_into_buffer(&mut samples).ok()?;
    raster(width, height, 4, samples)
}

/// Makes an image of samples with 1 to 4 channels: grey or colours, and perhaps opacity.
fn raster(width: usize, height: usize, channels: usize, samples: Vec<u8>) -> Option<Raster> {
    if samples.len() != width * height * channels {
        return None;
    }
    let pixels = match channels {
        1 => samples.iter().flat_map(|grey| [*grey; 3]).collect(),
        2 => samples.chunks_exact(2).flat_map(|pixel| [pixel[0]; 3]).collect(),
        3 => samples,
        4 => samples.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(),
        _ => return None,
    };
    Some(Raster { width, height, pixels, alpha: None })
}
