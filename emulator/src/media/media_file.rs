use bytes::Bytes;

use crate::media::canvas::Canvas;
use crate::media::fixed_file::FixedFile;
use crate::media::picture;
use crate::media::raster::MAX_SIDE;

/// The folder of generated files, as a path that starts with the host.
pub(crate) const FOLDER: &str = "v3.fal.media/files/emulator/";

/// A file that outputs refer to. Except for a painting, its name determines its content, so that it is generated when
/// it is read and need not be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MediaFile {
    motif: u64,
    kind: MediaKind,
}

/// The kind of a generated file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaKind {
    /// A PNG.
    Image { width: u32, height: u32 },
    /// A PNG that is painted over a source image.
    Painting { width: u32, height: u32 },
    /// A file without parameters.
    Fixed(FixedFile),
}

impl MediaFile {
    pub(crate) fn new(motif: u64, kind: MediaKind) -> Self {
        MediaFile { motif, kind }
    }

    /// Returns the file of a path that [`path`](Self::path) made, unless it is a painting.
    pub(crate) fn from_path(path: &str) -> Option<Self> {
        MediaFile::from_name(path.strip_prefix(FOLDER)?)
    }

    fn from_name(name: &str) -> Option<Self> {
        let (stem, extension) = name.rsplit_once('.')?;
        let (motif, rest) = stem.split_once('-').unwrap_or((stem, ""));
        let motif = u64::from_str_radix(motif, 16).ok()?;
        let kind = match extension {
            "png" => {
                let (width, height) = rest.split_once('x')?;
                MediaKind::Image { width: width.parse().ok()?, height: height.parse().ok()? }
            }
            extension => MediaKind::Fixed(FixedFile::from_extension(extension)?),
        };
        let file = MediaFile { motif, kind };
        let is_valid = file
            .size()
            .is_none_or(|(width, height)| (1..=MAX_SIDE).contains(&width) && (1..=MAX_SIDE).contains(&height));
        (is_valid && file.file_name() == name).then_some(file)
    }

    /// Returns the path, which starts with the host.
    pub(crate) fn path(&self) -> String {
        format!("{FOLDER}{}", self.file_name())
    }

    /// Returns the last segment of the path.
    pub(crate) fn file_name(&self) -> String {
        match self.kind {
            MediaKind::Painting { width, height } => {
                format!("painted-{:016x}-{width}x{height}.png", self.motif)
            }
            MediaKind::Image { width, height } => format!("{:016x}-{width}x{height}.png", self.motif),
            MediaKind::Fixed(file) => format!("{:016x}.{}", self.motif, file.extension()),
        }
    }

    pub(crate) fn content_type(&self) -> &'static str {
        match self.kind {
            MediaKind::Image { .. } | MediaKind::Painting { .. } => "image/png",
            MediaKind::Fixed(file) => file.content_type(),
        }
    }

    /// Returns width and height of an image.
    pub(crate) fn size(&self) -> Option<(u32, u32)> {
        match self.kind {
            MediaKind::Image { width, height } | MediaKind::Painting { width, height } => Some((width, height)),
            MediaKind::Fixed(_) => None,
        }
    }

    /// Returns whether the file is painted over a source image.
    pub(crate) fn is_painting(&self) -> bool {
        matches!(self.kind, MediaKind::Painting { .. })
    }

    /// Generates the bytes. A painting needs its canvas. A large image takes tens of milliseconds. The error comes from
    /// the encoder.
    pub(crate) fn bytes(&self, canvas: Option<&Canvas>) -> Result<Bytes, String> {
        match self.kind {
            MediaKind::Image { width, height } | MediaKind::Painting { width, height } => {
                let mut image = picture::draw(self.motif, width as usize, height as usize);
                if let Some(canvas) = canvas.filter(|_| self.is_painting()) {
                    canvas.blend_into(&mut image);
                }
                image.encode().map(Bytes::from)
            }
            MediaKind::Fixed(file) => Ok(file.bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_determines_the_file() {
        for kind in [MediaKind::Image { width: 3, height: 2048 }, MediaKind::Fixed(FixedFile::Video)] {
            let file = MediaFile::new(7, kind);
            assert_eq!(MediaFile::from_name(&file.file_name()), Some(file));
        }
        for name in [
            "",
            "x.png",
            "7-3x4.png",
            "0000000000000007-0x4.png",
            "../../etc.txt",
            "0000000000000007-9000x9000.png",
            "0000000000000007-+3x4.png",
            "0000000000000007-3x4.mp4",
            "0000000000000007.exe",
            "painted-0000000000000007-3x4.png",
        ] {
            assert_eq!(MediaFile::from_name(name), None, "{name}");
        }
    }
}
