use crate::media::caption::{Area, Caption};
use crate::media::raster::{MAX_SIDE, Raster};

/// The source images of an input, and their treatment.
pub(crate) struct Canvas {
    /// The source images, at least one, unless there is a control image. Several make a collage.
    pub(crate) images: Vec<Raster>,
    /// The image whose lines the result has.
    pub(crate) control: Option<Raster>,
    pub(crate) edit: Edit,
}

/// The treatment of a source image.
pub(crate) enum Edit {
    /// It is blended into a new picture, of which it makes at least three quarters. The strength of the new one is from 0
    /// to 1.
    Blend { strength: f64 },
    /// It is painted where the mask is white, and stays as it is elsewhere.
    Fill { mask: Raster },
    /// Its background becomes transparent.
    CutOut,
    /// It becomes larger by a factor.
    Enlarge { factor: f64 },
}

/// The least sum of the three channels of a white mask pixel.
const WHITE: u32 = 128 * 3;

impl Canvas {
    /// Returns width and height of the result, unless the input has others.
    pub(crate) fn size(&self) -> Option<(u32, u32)> {
        let image = self.images.first().or(self.control.as_ref())?;
        let longest = image.width.max(image.height) as f64;
        let factor = match self.edit {
            Edit::Enlarge { factor } => factor,
            _ => 1.0,
        };
        let factor = factor.min(f64::from(MAX_SIDE) / longest);
        let scaled = |side: usize| ((side as f64 * factor).round() as u32).clamp(1, MAX_SIDE);
        Some((scaled(image.width), scaled(image.height)))
    }

    /// Returns whether the result has the size that follows from the source image, whatever the input says.
    pub(crate) fn sets_size(&self) -> bool {
        matches!(self.edit, Edit::Enlarge { .. })
    }

    /// Returns the result of its size. `new` is a picture that follows from the input.
    pub(super) fn paint(&self, mut new: Raster, caption: Option<&Caption>) -> Raster {
        let (width, height) = (new.width, new.height);
        let source = match self.images.as_slice() {
            [] => None,
            [image] => Some(image.stretched(width, height)),
            images => Some(collage(images, width, height)),
        };
        let lines = self.control.as_ref().map(|control| control.stretched(width, height));
        match (source, &self.edit) {
            (Some(source), Edit::Enlarge { .. }) => source,
            (Some(mut source), Edit::CutOut) => {
                source.alpha = Some(foreground(&source));
                source
            }
            (Some(source), Edit::Fill { mask }) => {
                let mask = selected(mask, width, height);
                if let Some(lines) = &lines {
                    draw_edges(lines, &mut new);
                }
                if let (Some(caption), Some(area)) = (caption, bounds(&mask, width)) {
                    caption.draw(&mut new, area);
                }
                for (index, pixel) in new.pixels.chunks_exact_mut(3).enumerate().filter(|(index, _)| !mask[*index]) {
                    pixel.copy_from_slice(&source.pixels[index * 3..index * 3 + 3]);
                }
                new
            }
            (source, edit) => {
                if let Some(source) = source {
                    let strength = match edit {
                        Edit::Blend { strength } => strength.clamp(0.0, 1.0),
                        _ => 1.0,
                    };
                    let (part, all) = ((strength * 64.0) as u16, 256);
                    for (channel, source) in new.pixels.iter_mut().zip(&source.pixels) {
                        *channel = ((u16::from(*source) * (all - part) + u16::from(*channel) * part) >> 8) as u8;
                    }
                }
                if let Some(lines) = &lines {
                    draw_edges(lines, &mut new);
                }
                if let Some(caption) = caption {
                    caption.draw(&mut new, Area::of(width, height));
                }
                new
            }
        }
    }
}

/// Lays images out in rows.
fn collage(images: &[Raster], width: usize, height: usize) -> Raster {
    let columns = (1..).find(|columns| columns * columns >= images.len()).unwrap_or(1);
    let rows = images.len().div_ceil(columns);
    let mut all = Raster { width, height, pixels: vec![0; width * height * 3], alpha: None };
    for (index, image) in images.iter().enumerate() {
        let (row, column) = (index / columns, index % columns);
        // The last row may have fewer images, which are wider.
        let columns = if row + 1 == rows { images.len() - row * columns } else { columns };
        let (left, right) = (column * width / columns, (column + 1) * width / columns);
        let (top, bottom) = (row * height / rows, (row + 1) * height / rows);
        if right == left || bottom == top {
            continue;
        }
        let tile = image.cropped_to(right - left, bottom - top);
        for (y, row) in tile.pixels.chunks_exact(tile.width * 3).enumerate() {
            all.pixels[((top + y) * width + left) * 3..][..row.len()].copy_from_slice(row);
        }
    }
    all
}

/// Returns which pixels of an image a mask selects.
fn selected(mask: &Raster, width: usize, height: usize) -> Vec<bool> {
    let is_white = |pixel: &[u8]| pixel.iter().map(|channel| u32::from(*channel)).sum::<u32>() >= WHITE;
    mask.stretched(width, height).pixels.chunks_exact(3).map(is_white).collect()
}

/// Returns the smallest area around the selected pixels.
fn bounds(mask: &[bool], width: usize) -> Option<Area> {
    let rows = || mask.chunks_exact(width);
    let top = rows().position(|row| row.contains(&true))?;
    let bottom = rows().rposition(|row| row.contains(&true))?;
    let left = rows().filter_map(|row| row.iter().position(|it| *it)).min()?;
    let right = rows().filter_map(|row| row.iter().rposition(|it| *it)).max()?;
    Some(Area { x: left, y: top, width: right - left + 1, height: bottom - top + 1 })
}

/// Draws the edges of an image as bright lines.
fn draw_edges(of: &Raster, on: &mut Raster) {
    const STEP: u32 = 96;
    let width = of.width;
    let light = |at: usize| of.pixels[at * 3..at * 3 + 3].iter().map(|channel| u32::from(*channel)).sum::<u32>();
    for y in 0..of.height.saturating_sub(1) {
        for x in 0..width.saturating_sub(1) {
            let at = y * width + x;
            let here = light(at);
            if here.abs_diff(light(at + 1)) + here.abs_diff(light(at + width)) > STEP {
                on.pixels[at * 3..at * 3 + 3].copy_from_slice(&[235, 245, 255]);
            }
        }
    }
}

/// Returns the opacity of each pixel: the background has the colour of the corners, or surrounds an ellipse.
fn foreground(image: &Raster) -> Vec<u8> {
    const NEAR: u32 = 60;
    let (width, height) = (image.width, image.height);
    let pixel = |at: usize| [image.pixels[at * 3], image.pixels[at * 3 + 1], image.pixels[at * 3 + 2]];
    let corners = [0, width - 1, (height - 1) * width, height * width - 1].map(pixel);
    let is_near = |one: &[u8], other: &[u8; 3]| {
        one.iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(*other))).sum::<u32>() < NEAR
    };
    let opaque: Vec<u8> = image
        .pixels
        .chunks_exact(3)
        .map(|pixel| if corners.iter().any(|corner| is_near(pixel, corner)) { 0 } else { 255 })
        .collect();
    let count = opaque.iter().filter(|it| **it == 255).count();
    if count * 20 >= opaque.len() {
        return opaque;
    }
    let from_centre = |at: usize, side: usize| (2.0 * at as f32 + 1.0) / side as f32 - 1.0;
    let is_inside = |at: usize| from_centre(at % width, width).hypot(from_centre(at / width, height)) < 0.9;
    (0..width * height).map(|at| if is_inside(at) { 255 } else { 0 }).collect()
}
