use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

/// A size of the font. Its pixels may be squares of several pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Font {
    height: RasterHeight,
    /// The side of a pixel of the font in pixels of the image.
    scale: usize,
}

/// The heights of the font, smallest first.
const HEIGHTS: [RasterHeight; 4] =
    [RasterHeight::Size16, RasterHeight::Size20, RasterHeight::Size24, RasterHeight::Size32];

impl Font {
    /// Returns the largest font whose lines are at most `height` pixels high, or else the smallest one.
    pub(super) fn with_line_height(height: usize) -> Self {
        let scale = height / RasterHeight::Size32.val();
        if scale > 1 {
            return Font { height: RasterHeight::Size32, scale };
        }
        let largest = HEIGHTS.into_iter().rev().find(|it| it.val() <= height);
        Font { height: largest.unwrap_or(RasterHeight::Size16), scale: 1 }
    }

    pub(super) fn line_height(self) -> usize {
        self.height.val() * self.scale
    }

    /// Returns the width of a character. All have the same.
    pub(super) fn char_width(self) -> usize {
        get_raster_width(FontWeight::Regular, self.height) * self.scale
    }

    /// Calls `paint` with the coordinates of each pixel of a character that is not empty, and its intensity.
    pub(super) fn draw(self, c: char, mut paint: impl FnMut(usize, usize, u8)) {
        let Some(glyph) = get_raster(c, FontWeight::Regular, self.height) else { return };
        for (y, row) in glyph.rows().enumerate() {
            for (x, intensity) in row.iter().enumerate().filter(|(_, intensity)| **intensity > 0) {
                for pixel in 0..self.scale * self.scale {
                    let (right, down) = (pixel % self.scale, pixel / self.scale);
                    paint(x * self.scale + right, y * self.scale + down, *intensity);
                }
            }
        }
    }
}

/// Returns the words of a text in characters that the font has. Other characters are transliterated. The rest of a text
/// beyond `max` characters is left out.
pub(super) fn words(text: &str, max: usize) -> Vec<String> {
    let mut plain = String::new();
    for c in text.chars().take(max) {
        match get_raster(c, FontWeight::Regular, RasterHeight::Size16) {
            _ if c.is_whitespace() => plain.push(' '),
            Some(_) => plain.push(c),
            None => {
                let latin = deunicode::deunicode_char(c).unwrap_or("");
                // An ideograph or an emoji is a word.
                let is_word = latin.len() > 1 && !c.is_alphabetic() || c >= '\u{2e80}' && latin.ends_with(' ');
                plain.push_str(if is_word { " " } else { "" });
                plain.push_str(latin);
                plain.push_str(if is_word { " " } else { "" });
            }
        }
    }
    plain.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_is_written_in_latin() {
        for (text, expected) in [
            ("Ein  Bär\n im\tWald", "Ein Bär im Wald"),
            ("Зимний лес", "Zimnii les"),
            ("雪の山", "Xue no Shan"),
            ("a 🦊!", "a fox face !"),
            ("\u{0}\u{301}", ""),
        ] {
            assert_eq!(words(text, 100).join(" "), expected);
        }
        assert_eq!(words(&"x".repeat(1000), 10), ["x".repeat(10)]);
    }

    #[test]
    fn fonts_grow_with_the_line_height() {
        for (height, expected) in [(0, 16), (16, 16), (23, 20), (40, 32), (100, 96)] {
            assert_eq!(Font::with_line_height(height).line_height(), expected);
        }
    }
}
