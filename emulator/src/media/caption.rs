use serde::{Deserialize, Serialize};

use crate::media::font::{Font, words};
use crate::media::raster::Raster;

/// The text of a generated file, which images show: the request that it was made for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Caption {
    /// The endpoint id.
    pub(crate) endpoint: String,
    /// The prompt, or the text to speak.
    pub(crate) prompt: String,
    pub(crate) seed: u64,
    /// Further parameters, such as `steps 28`.
    pub(crate) parameters: Vec<String>,
}

/// A part of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Area {
    /// Returns the area of a whole image.
    pub(super) fn of(width: usize, height: usize) -> Self {
        Area { x: 0, y: 0, width, height }
    }
}

/// The lines of a caption, and the colour of each.
type Lines = Vec<(String, [u8; 3])>;

const BRIGHT: [u8; 3] = [255, 255, 255];
const DIM: [u8; 3] = [178, 196, 214];
/// The least number of characters in a line.
const MIN_COLUMNS: usize = 9;
/// The least number of characters in a line for an endpoint id.
const MIN_ENDPOINT_COLUMNS: usize = 20;
/// The most lines of a prompt.
const MAX_PROMPT_LINES: usize = 5;
/// The most characters of a text that are looked at.
const MAX_CHARS: usize = 2_000;

impl Caption {
    /// Returns the bytes of memory that a caption takes.
    pub(crate) fn size(&self) -> usize {
        let parameters: usize = self.parameters.iter().map(|it| it.len() + size_of::<String>()).sum();
        size_of::<Self>() + self.endpoint.len() + self.prompt.len() + parameters
    }

    /// Draws the caption at the bottom of an area, on a dark band that the image shines through. A small area has only the
    /// prompt, or nothing.
    pub(super) fn draw(&self, image: &mut Raster, area: Area) {
        let font = Font::with_line_height(area.width.min(area.height) / 26);
        let (line_height, char_width) = (font.line_height(), font.char_width());
        let margin = line_height / 2;
        let columns = area.width.saturating_sub(2 * margin) / char_width;
        let room = (area.height / 2).saturating_sub(margin) / line_height;
        if columns < MIN_COLUMNS || room == 0 {
            return;
        }
        let lines = self.lines(columns, room, (image.width, image.height));
        if lines.is_empty() {
            return;
        }
        let top = area.y + area.height - lines.len() * line_height - margin;
        for y in top..area.y + area.height {
            let row = (y * image.width + area.x) * 3;
            for channel in &mut image.pixels[row..row + area.width * 3] {
                *channel = (u16::from(*channel) * 3 / 10) as u8;
            }
        }
        for (index, (line, colour)) in lines.iter().enumerate() {
            let y = top + margin / 2 + index * line_height;
            for (column, c) in line.chars().enumerate() {
                let x = area.x + margin + column * char_width;
                font.draw(c, |right, down, intensity| {
                    let at = ((y + down) * image.width + x + right) * 3;
                    for (channel, ink) in image.pixels[at..at + 3].iter_mut().zip(colour) {
                        let (ground, part) = (u32::from(*channel), u32::from(intensity));
                        *channel = ((ground * (255 - part) + u32::from(*ink) * part) / 255) as u8;
                    }
                });
            }
        }
    }

    /// Returns at most `room` lines: the prompt, then the parameters and the endpoint if there is room for them.
    fn lines(&self, columns: usize, room: usize, (width, height): (usize, usize)) -> Lines {
        let mut details = vec![format!("seed {}", self.seed), format!("{width}×{height}")];
        details.extend_from_slice(&self.parameters);
        let endpoint = wrapped(words(&self.endpoint, MAX_CHARS), columns, 1);
        let details = wrapped(words(&details.join(" · "), MAX_CHARS), columns, if room > 4 { 2 } else { 1 });
        let prompt = words(&self.prompt, MAX_CHARS);
        let others = match room {
            1 if !prompt.is_empty() => (Vec::new(), Vec::new()),
            3.. if columns >= MIN_ENDPOINT_COLUMNS => (endpoint, details),
            _ => (Vec::new(), details),
        };
        let rest = room - others.0.len() - others.1.len();
        let prompt = wrapped(prompt, columns, rest.min(MAX_PROMPT_LINES));
        let coloured = |lines: Vec<String>, colour| lines.into_iter().map(move |line| (line, colour));
        coloured(others.0, DIM).chain(coloured(prompt, BRIGHT)).chain(coloured(others.1, DIM)).collect()
    }
}

/// Wraps words into lines. The last line ends in dots if there is more.
fn wrapped(words: Vec<String>, columns: usize, max: usize) -> Vec<String> {
    let mut lines: Vec<Vec<char>> = Vec::new();
    for word in words {
        let mut word: Vec<char> = word.chars().collect();
        if let Some(line) = lines.last_mut().filter(|line| line.len() + 1 + word.len() <= columns) {
            line.push(' ');
            line.append(&mut word);
        } else {
            lines.extend(word.chunks(columns).map(<[char]>::to_vec));
        }
        if lines.len() > max {
            break;
        }
    }
    if lines.len() > max {
        lines.truncate(max);
        if let Some(last) = lines.last_mut() {
            last.truncate(columns.saturating_sub(3));
            last.extend(['.'; 3]);
        }
    }
    lines.into_iter().map(String::from_iter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, columns: usize, max: usize) -> Vec<String> {
        wrapped(text.split(' ').map(str::to_owned).collect(), columns, max)
    }

    #[test]
    fn text_is_wrapped_and_shortened() {
        assert_eq!(split("a fox in the snow", 9, 3), ["a fox in", "the snow"]);
        assert_eq!(split("a fox in the snow", 9, 1), ["a fox ..."]);
        assert_eq!(split("abcdefghijklm no", 5, 9), ["abcde", "fghij", "klm", "no"]);
        assert_eq!(split("a", 5, 0), Vec::<String>::new());
    }
}
