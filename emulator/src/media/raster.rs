use std::io::Cursor;

use png::{BitDepth, ColorType, Compression, Decoder, Encoder, Filter, Limits, Transformations};

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

    /// Encodes the image as PNG. The error comes from the encoder.
    pub(super) fn encode(&self) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::Fast);
        encoder.set_filter(Filter::Up);
        let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
        writer.write_image_data(&self.pixels).map_err(|error| error.to_string())?;
        writer.finish().map_err(|error| error.to_string())?;
        Ok(bytes)
    }

    /// Returns the row that corresponds to `row` of an image that is `height` rows high.
    pub(super) fn row(&self, row: usize, height: usize) -> &[u8] {
        let row = row * self.height / height;
        &self.pixels[row * self.width * 3..][..self.width * 3]
    }
}
