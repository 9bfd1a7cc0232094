//! Decoders of the images that clients send.

use std::io::Cursor;

use image_webp::WebPDecoder;
use png::{ColorType, Decoder, Limits, Transformations};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::media::raster::{MAX_SIDE, Raster};

/// The most bytes that a decoder may allocate.
const MAX_MEMORY: usize = 256 << 20;

/// Decodes a PNG, JPEG or WebP. Returns `None` if it is invalid or a side exceeds [`MAX_SIDE`]. Transparency is ignored.
pub(crate) fn decode(bytes: &[u8]) -> Option<Raster> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => png(bytes),
        [0xff, 0xd8, ..] => jpeg(bytes),
        [b'R', b'I', b'F', b'F', ..] => webp(bytes),
        _ => None,
    }
}

fn png(bytes: &[u8]) -> Option<Raster> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MAX_MEMORY });
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().ok()?;
    let (width, height) = (reader.info().width, reader.info().height);
    if width > MAX_SIDE || height > MAX_SIDE {
        return None;
    }
    let mut samples = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut samples).ok()?;
    samples.truncate(info.buffer_size());
    let pixels = match info.color_type {
        ColorType::Rgb => samples,
        ColorType::Rgba => opaque(&samples),
        ColorType::Grayscale => samples.iter().flat_map(|grey| [*grey; 3]).collect(),
        ColorType::GrayscaleAlpha => samples.chunks_exact(2).flat_map(|pixel| [pixel[0]; 3]).collect(),
        ColorType::Indexed => return None,
    };
    Some(Raster { width: width as usize, height: height as usize, pixels })
}

fn jpeg(bytes: &[u8]) -> Option<Raster> {
    let side = MAX_SIDE as usize;
    let options = DecoderOptions::default().set_max_width(side).set_max_height(side);
    let mut decoder =
        JpegDecoder::new_with_options(ZCursor::new(bytes), options.jpeg_set_out_colorspace(ColorSpace::RGB));
    let pixels = decoder.decode().ok()?;
    let info = decoder.info()?;
    raster(info.width.into(), info.height.into(), pixels)
}

fn webp(bytes: &[u8]) -> Option<Raster> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).ok()?;
    decoder.set_memory_limit(MAX_MEMORY);
    let (width, height) = decoder.dimensions();
    if width > MAX_SIDE || height > MAX_SIDE {
        return None;
    }
    let mut samples = vec![0; decoder.output_buffer_size()?];
    decoder.read_image(&mut samples).ok()?;
    let pixels = if decoder.has_alpha() { opaque(&samples) } else { samples };
    raster(width as usize, height as usize, pixels)
}

/// Removes the transparency of pixels.
fn opaque(samples: &[u8]) -> Vec<u8> {
    samples.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
}

/// Returns an image, if it has as many pixels as its size says.
fn raster(width: usize, height: usize, pixels: Vec<u8>) -> Option<Raster> {
    (width > 0 && height > 0 && pixels.len() == width * height * 3).then_some(Raster { width, height, pixels })
}
