use png::{BitDepth, ColorType, Compression, Encoder, Filter};

/// The longest side of an image in pixels. Larger sizes are reduced to it.
pub(crate) const MAX_SIDE: u32 = 4096;

/// An image in memory: red, green and blue of every pixel, row by row.
pub(crate) struct Raster {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<u8>,
}

impl Raster {
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
