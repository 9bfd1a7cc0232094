use crate::media::raster::Raster;

/// What an input gives to be worked on: a picture, and a mask that says where.
pub(crate) struct Canvas {
    pub(crate) picture: Raster,
    pub(crate) mask: Option<Raster>,
}

/// From which brightness on a mask is white.
const WHITE: u32 = 128 * 3;

impl Canvas {
    /// Width and height of its picture.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.picture.width as u32, self.picture.height as u32)
    }

    /// Lets it show through what is painted over it. With a mask, it stays as it is where the mask is black, and is
    /// painted over where the mask is white. Without, three quarters of every pixel are its own. Pictures of other
    /// sizes are stretched.
    pub(super) fn show_through(&self, painted: &mut Raster) {
        let (width, height) = (painted.width, painted.height);
        let columns = |raster: &Raster| -> Vec<usize> { (0..width).map(|x| x * raster.width / width * 3).collect() };
        let own_columns = columns(&self.picture);
        let mask = self.mask.as_ref().map(|mask| (mask, columns(mask)));
        for (y, row) in painted.pixels.chunks_exact_mut(width * 3).enumerate() {
            let own = self.picture.row(y, height);
            match &mask {
                Some((mask, columns)) => {
                    let mask = mask.row(y, height);
                    for ((pixel, from), at) in row.chunks_exact_mut(3).zip(&own_columns).zip(columns) {
                        let brightness: u32 = mask[*at..*at + 3].iter().map(|it| u32::from(*it)).sum();
                        if brightness < WHITE {
                            pixel.copy_from_slice(&own[*from..*from + 3]);
                        }
                    }
                }
                None => {
                    for (pixel, from) in row.chunks_exact_mut(3).zip(&own_columns) {
                        for (channel, own) in pixel.iter_mut().zip(&own[*from..*from + 3]) {
                            *channel = ((u16::from(*own) * 3 + u16::from(*channel)) / 4) as u8;
                        }
                    }
                }
            }
        }
    }
}
