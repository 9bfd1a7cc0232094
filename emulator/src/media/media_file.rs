use bytes::Bytes;

use crate::media::canvas::Canvas;
use crate::media::picture;
use crate::media::raster::MAX_SIDE;

/// A file that outputs refer to. Unless it is a painting it need not be kept: its name says all about it, and it is
/// made when it is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MediaFile {
    motif: u64,
    content: Content,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A PNG.
    Picture { width: u32, height: u32 },
    /// A PNG that is painted over a picture of the input.
    Painting { width: u32, height: u32 },
    /// A second of silence, as WAV.
    Silence,
    /// A text that says that the emulator makes no such files.
    Note,
}

const NOTE: &str = "This file stands for one that fal would have made. The emulator makes pictures and silence only.\n";

impl MediaFile {
    pub(crate) fn new(motif: u64, content: Content) -> Self {
        MediaFile { motif, content }
    }

    /// The file of a path that [`path`](Self::path) gave, if its name says all.
    pub(crate) fn from_path(path: &str) -> Option<Self> {
        MediaFile::from_name(path.strip_prefix("v3.fal.media/files/")?)
    }

    fn from_name(name: &str) -> Option<Self> {
        let (stem, ending) = name.strip_prefix("emulator/")?.rsplit_once('.')?;
        let (motif, rest) = stem.split_once('-').unwrap_or((stem, ""));
        let motif = u64::from_str_radix(motif, 16).ok()?;
        let content = match (ending, rest) {
            ("png", size) => {
                let (width, height) = size.split_once('x')?;
                Content::Picture { width: width.parse().ok()?, height: height.parse().ok()? }
            }
            ("wav", "") => Content::Silence,
            ("txt", "") => Content::Note,
            _ => return None,
        };
        let file = MediaFile { motif, content };
        let possible = match content {
            Content::Picture { width, height } => (1..=MAX_SIDE).contains(&width) && (1..=MAX_SIDE).contains(&height),
            _ => true,
        };
        (possible && file.name() == name).then_some(file)
    }

    /// Where the file is, the host first.
    pub(crate) fn path(&self) -> String {
        format!("v3.fal.media/files/{}", self.name())
    }

    fn name(&self) -> String {
        match self.content {
            Content::Painting { width, height } => format!("emulator/painted-{:016x}-{width}x{height}.png", self.motif),
            Content::Picture { width, height } => format!("emulator/{:016x}-{width}x{height}.png", self.motif),
            Content::Silence => format!("emulator/{:016x}.wav", self.motif),
            Content::Note => format!("emulator/{:016x}.txt", self.motif),
        }
    }

    pub(crate) fn content_type(&self) -> &'static str {
        match self.content {
            Content::Picture { .. } | Content::Painting { .. } => "image/png",
            Content::Silence => "audio/wav",
            Content::Note => "text/plain; charset=utf-8",
        }
    }

    /// The last part of its name.
    pub(crate) fn file_name(&self) -> String {
        self.name().trim_start_matches("emulator/").to_owned()
    }

    /// Width and height of a picture.
    pub(crate) fn size(&self) -> Option<(u32, u32)> {
        match self.content {
            Content::Picture { width, height } | Content::Painting { width, height } => Some((width, height)),
            _ => None,
        }
    }

    /// Whether it is painted over a picture of the input.
    pub(crate) fn is_painting(&self) -> bool {
        matches!(self.content, Content::Painting { .. })
    }

    /// Makes the bytes; a painting needs its canvas. A large picture takes some tens of milliseconds. The error is the
    /// encoder's.
    pub(crate) fn bytes(&self, canvas: Option<&Canvas>) -> Result<Bytes, String> {
        match self.content {
            Content::Picture { width, height } | Content::Painting { width, height } => {
                let mut picture = picture::draw(self.motif, width as usize, height as usize);
                if let Some(canvas) = canvas.filter(|_| self.is_painting()) {
                    canvas.show_through(&mut picture);
                }
                picture.encode().map(Bytes::from)
            }
            Content::Silence => Ok(silence().into()),
            Content::Note => Ok(Bytes::from_static(NOTE.as_bytes())),
        }
    }
}

/// A WAV file: one channel, 8 bits, 8,000 samples a second, for a second.
fn silence() -> Vec<u8> {
    const SAMPLES: u32 = 8_000;
    let mut wav = Vec::with_capacity(44 + SAMPLES as usize);
    wav.extend(b"RIFF");
    wav.extend((36 + SAMPLES).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    wav.extend([1, 0, 1, 0]);
    wav.extend(SAMPLES.to_le_bytes());
    wav.extend(SAMPLES.to_le_bytes());
    wav.extend([1, 0, 8, 0]);
    wav.extend(b"data");
    wav.extend(SAMPLES.to_le_bytes());
    wav.resize(wav.len() + SAMPLES as usize, 128);
    wav
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_all() {
        for content in [Content::Picture { width: 3, height: 2048 }, Content::Silence, Content::Note] {
            let file = MediaFile::new(7, content);
            assert_eq!(MediaFile::from_name(&file.name()), Some(file));
        }
        for name in [
            "",
            "x.png",
            "emulator/7-3x4.png",
            "emulator/0000000000000007-0x4.png",
            "emulator/../../etc.txt",
            "emulator/0000000000000007-9000x9000.png",
            "emulator/0000000000000007-+3x4.png",
            "emulator/painted-0000000000000007-3x4.png",
        ] {
            assert_eq!(MediaFile::from_name(name), None, "{name}");
        }
    }
}
