use crate::media::raster::Raster;

/// The source image of an input, and the mask that selects the pixels to paint.
pub(crate) struct Canvas {
    pub(crate) image: Raster,
    pub(crate) mask: Option<Raster>,
}

/// The least sum of the three channels of a white mask pixel.
const WHITE: u32 = 128 * 3;

impl Canvas {
    /// Returns width and height of the source image.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.image.width as u32, self.image.height as u32)
    }

    /// Blends the source image into a painted one. With a mask, source pixels stay where the mask is black. Without a
    /// mask, the source makes three quarters of every pixel. Images of other sizes are stretched.
    pub(super) fn blend_into(&self, painted: &mut Raster) {
        let (width, height) = (painted.width, painted.height);
        let columns = |raster: &Raster| -> Vec<usize> { (0..width).map(|x| x * raster.width / width * 3).collect() };
        let source_columns = columns(&self.image);
        let mask = self.mask.as_ref().map(|mask| (mask, columns(mask)));
        for (y, row) in painted.pixels.chunks_exact_mut(width * 3).enumerate() {
            let source = self.image.row(y, height);
            match &mask {
                Some((mask, columns)) => {
                    let mask = mask.row(y, height);
                    for ((pixel, from), at) in row.chunks_exact_mut(3).zip(&source_columns).zip(columns) {
                        let brightness: u32 = mask[*at..*at + 3].iter().map(|it| u32::from(*it)).sum();
                        if brightness < WHITE {
                            pixel.copy_from_slice(&source[*from..*from + 3]);
                        }
                    }
                }
                None => {
                    for (pixel, from) in row.chunks_exact_mut(3).zip(&source_columns) {
                        for (channel, source) in pixel.iter_mut().zip(&source[*from..*from + 3]) {
                            *channel = ((u16::from(*source) * 3 + u16::from(*channel)) / 4) as u8;
                        }
                    }
                }
            }
        }
    }
}
