use std::io::Cursor;

use png::{BitDepth, ColorType, Compression, Decoder, Filter, Limits, Transformations};

use crate::media::image_format::ImageFormat;

/// The longest side of an image in pixels. Larger sizes are reduced to it.
pub(crate) const MAX_SIDE: u32 = 4096;

/// An image in memory: red, green and blue of every pixel, row by row.
pub(crate) struct Raster {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<u8>,
}

impl Raster {
    /// Decodes a PNG. Returns `None` if it is invalid or a side exceeds [`MAX_SIDE`].
    pub(crate) fn decode(png: &[u8]) -> Option<Self> {
        let mut decoder = Decoder::new_with_limits(Cursor::new(png), Limits { bytes: 256 << 20 });
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
            // Transparency is ignored.
            ColorType::Rgba => samples.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(),
            ColorType::Grayscale => samples.iter().flat_map(|grey| [*grey; 3]).collect(),
            ColorType::GrayscaleAlpha => samples.chunks_exact(2).flat_map(|pixel| [pixel[0]; 3]).collect(),
            ColorType::Indexed => return None,
        };
        Some(Raster { width: width as usize, height: height as usize, pixels })
    }

    /// Encodes the image. The error comes from the encoder.
    pub(super) fn encode(&self, format: ImageFormat) -> Result<Vec<u8>, String> {
        match format {
            ImageFormat::Png => self.png().map_err(|error| error.to_string()),
            ImageFormat::Jpeg => self.jpeg().map_err(|error| error.to_string()),
            ImageFormat::Webp => self.webp().map_err(|error| error.to_string()),
        }
    }

    fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::Fast);
        encoder.set_filter(Filter::Up);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()?;
        Ok(bytes)
    }

    /// Encodes the image as JPEG. Sides up to [`MAX_SIDE`] fit its 16 bits.
    fn jpeg(&self) -> Result<Vec<u8>, jpeg_encoder::EncodingError> {
        const QUALITY: u8 = 85;
        let mut bytes = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut bytes, QUALITY);
        encoder.encode(&self.pixels, self.width as u16, self.height as u16, jpeg_encoder::ColorType::Rgb)?;
        Ok(bytes)
    }

    /// Encodes the image as WebP without loss.
    fn webp(&self) -> Result<Vec<u8>, image_webp::EncodingError> {
        let mut bytes = Vec::new();
        let (width, height) = (self.width as u32, self.height as u32);
        image_webp::WebPEncoder::new(&mut bytes).encode(&self.pixels, width, height, image_webp::ColorType::Rgb8)?;
        Ok(bytes)
    }

    /// Returns the row that corresponds to `row` of an image that is `height` rows high.
    pub(super) fn row(&self, row: usize, height: usize) -> &[u8] {
        let row = row * self.height / height;
        &self.pixels[row * self.width * 3..][..self.width * 3]
    }
}
