use crate::media::font::Font;
use crate::media::h264::{Blocks, Encoder};
use crate::media::mp4::Track;
use crate::media::raster::Raster;

/// The longest side of a video in pixels. Larger sizes are reduced to it.
pub(crate) const MAX_SIDE: u32 = 1_280;
/// The most frames of a video.
pub(crate) const MAX_FRAMES: u32 = 1_800;
/// The most frames a second.
pub(crate) const MAX_FPS: u32 = 60;
/// The most moves of the moon a second.
const MAX_MOVES: u32 = 12;
/// The most bytes of all moves.
const MAX_MOVED_BYTES: usize = 2 << 20;

/// The size, the length and the speed of a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clip {
    /// An even number of pixels, at least 2.
    pub(crate) width: u32,
    /// An even number of pixels, at least 2.
    pub(crate) height: u32,
    pub(crate) frames: u32,
    /// Frames a second.
    pub(crate) fps: u32,
}

impl Clip {
    /// Returns whether the video is within the limits.
    pub(super) fn is_valid(self) -> bool {
        let is_side = |side: u32| (2..=MAX_SIDE).contains(&side) && side.is_multiple_of(2);
        is_side(self.width)
            && is_side(self.height)
            && (1..=MAX_FRAMES).contains(&self.frames)
            && (1..=MAX_FPS).contains(&self.fps)
    }

    pub(crate) fn seconds(self) -> f64 {
        f64::from(self.frames) / f64::from(self.fps)
    }
}

/// Returns an MP4 in which a moon crosses a picture of the clip's size. The number of the frame is in the upper left corner.
pub(super) fn film(picture: &Raster, clip: Clip) -> Vec<u8> {
    let mut encoder = Encoder::new(picture.width, picture.height);
    let radius = (picture.width.min(picture.height) / 14).max(1);
    let font = Font::with_line_height(picture.height / 24);
    let shows_number = picture.width >= font.char_width() * 16 && picture.height >= font.line_height() * 4;

    let cost = Moon { x: radius, y: radius, radius }.blocks(picture).bytes() * 2;
    let moves = (MAX_MOVED_BYTES / cost.max(1)).clamp(1, MAX_FRAMES as usize) as u32;
    let interval = clip.fps.div_ceil(MAX_MOVES).max(clip.frames.div_ceil(moves));
    let mut scene =
        Raster { width: picture.width, height: picture.height, pixels: picture.pixels.clone(), alpha: None };
    let mut last: Vec<Blocks> = Vec::new();
    let mut frames = Vec::with_capacity(clip.frames as usize);
    for number in 0..clip.frames {
        if number % interval != 0 {
            frames.push(encoder.frame(&scene, &[]));
            continue;
        }
        last.iter().for_each(|blocks| blocks.copy(picture, &mut scene));
        let moon = Moon::at(number as f32 / clip.frames as f32, picture, radius);
        moon.draw(&mut scene);
        let mut changed = vec![moon.blocks(picture)];
        if shows_number {
            let text = format!("{}/{}", number + 1, clip.frames);
            changed.push(draw_number(&text, font, &mut scene));
        }
        last.extend_from_slice(&changed);
        frames.push(encoder.frame(&scene, &last));
        last = changed;
    }
    let parameters = encoder.parameters();
    Track { width: clip.width as u16, height: clip.height as u16, fps: clip.fps, parameters, frames }.file()
}

/// A bright disc.
struct Moon {
    x: usize,
    y: usize,
    radius: usize,
}

impl Moon {
    /// Returns the moon at a time from 0 to 1, on its way from left to right.
    fn at(time: f32, picture: &Raster, radius: usize) -> Self {
        let (width, height) = (picture.width as f32, picture.height as f32);
        let x = radius as f32 + time * (width - 2.0 * radius as f32).max(0.0);
        let y = height * (0.55 - 0.35 * (time * std::f32::consts::PI).sin());
        let within = |at: f32, side: usize| (at as usize).min(side - 1);
        Moon { x: within(x, picture.width), y: within(y, picture.height), radius }
    }

    fn blocks(&self, picture: &Raster) -> Blocks {
        let (left, top) = (self.x.saturating_sub(self.radius), self.y.saturating_sub(self.radius));
        let right = (self.x + self.radius + 1).min(picture.width);
        Blocks::around(left, top, right, (self.y + self.radius + 1).min(picture.height))
    }

    fn draw(&self, scene: &mut Raster) {
        const COLOUR: [u32; 3] = [255, 246, 214];
        let radius = self.radius as f32;
        for y in self.y.saturating_sub(self.radius)..(self.y + self.radius + 1).min(scene.height) {
            for x in self.x.saturating_sub(self.radius)..(self.x + self.radius + 1).min(scene.width) {
                let distance = (x.abs_diff(self.x) as f32).hypot(y.abs_diff(self.y) as f32);
                let part = ((radius - distance).clamp(0.0, 1.0) * 256.0) as u32;
                let at = (y * scene.width + x) * 3;
                for (channel, light) in scene.pixels[at..at + 3].iter_mut().zip(COLOUR) {
                    *channel = ((u32::from(*channel) * (256 - part) + light * part) >> 8) as u8;
                }
            }
        }
    }
}

/// Draws a text in the upper left corner.
fn draw_number(text: &str, font: Font, scene: &mut Raster) -> Blocks {
    let margin = font.line_height() / 2;
    let (width, height) = (text.len() * font.char_width(), font.line_height());
    for y in margin..margin + height {
        let row = (y * scene.width + margin) * 3;
        scene.pixels[row..row + width * 3].iter_mut().for_each(|channel| *channel /= 4);
    }
    for (column, c) in text.chars().enumerate() {
        font.draw(c, |right, down, intensity| {
            let at = ((margin + down) * scene.width + margin + column * font.char_width() + right) * 3;
            scene.pixels[at..at + 3].iter_mut().for_each(|channel| *channel = (*channel).max(intensity));
        });
    }
    Blocks::around(margin, margin, margin + width, margin + height)
}
