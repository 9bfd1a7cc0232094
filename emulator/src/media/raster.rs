use std::borrow::Cow;

use png::{BitDepth, ColorType, Compression, Filter};

use crate::media::caption::Area;
use crate::media::image_format::ImageFormat;

/// The longest side of an image in pixels. Larger sizes are reduced to it.
pub(crate) const MAX_SIDE: u32 = 4096;

/// An image in memory: red, green and blue of every pixel, row by row.
pub(crate) struct Raster {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<u8>,
    /// The opacity of every pixel.
    pub(super) alpha: Option<Vec<u8>>,
}

impl Raster {
    pub(crate) fn pixel_count(&self) -> usize {
        self.width * self.height
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
        encoder.set_color(if self.alpha.is_some() { ColorType::Rgba } else { ColorType::Rgb });
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::Fast);
        encoder.set_filter(Filter::Up);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.samples())?;
        writer.finish()?;
        Ok(bytes)
    }

    /// Encodes the image as JPEG, without opacity. Sides up to [`MAX_SIDE`] fit its 16 bits.
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
        let colours = if self.alpha.is_some() { image_webp::ColorType::Rgba8 } else { image_webp::ColorType::Rgb8 };
        image_webp::WebPEncoder::new(&mut bytes).encode(&self.samples(), width, height, colours)?;
        Ok(bytes)
    }

    /// Returns the colours of every pixel, with its opacity if there is one.
    fn samples(&self) -> Cow<'_, [u8]> {
        let Some(alpha) = &self.alpha else { return Cow::Borrowed(&self.pixels) };
        let pixels = self.pixels.chunks_exact(3).zip(alpha);
        Cow::Owned(pixels.flat_map(|(pixel, alpha)| [pixel[0], pixel[1], pixel[2], *alpha]).collect())
    }

    /// Returns the image in another size, in which each pixel has the colour of the nearest one.
    pub(super) fn stretched(&self, width: usize, height: usize) -> Raster {
        self.part(Area::of(self.width, self.height), width, height)
    }

    /// Returns the centre of the image in another size, without distortion.
    pub(super) fn cropped_to(&self, width: usize, height: usize) -> Raster {
        let across = (self.height * width / height).clamp(1, self.width);
        let down = (self.width * height / width).clamp(1, self.height);
        let centre = Area { x: (self.width - across) / 2, y: (self.height - down) / 2, width: across, height: down };
        self.part(centre, width, height)
    }

    fn part(&self, area: Area, width: usize, height: usize) -> Raster {
        let columns: Vec<usize> = (0..width).map(|x| (area.x + x * area.width / width) * 3).collect();
        let mut pixels = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            let row = &self.pixels[(area.y + y * area.height / height) * self.width * 3..][..self.width * 3];
            if width == self.width && area.width == self.width {
                pixels.extend_from_slice(row);
            } else {
                columns.iter().for_each(|at| pixels.extend_from_slice(&row[*at..*at + 3]));
            }
        }
        Raster { width, height, pixels, alpha: None }
    }
}
