use bytes::Bytes;

use crate::media::canvas::Canvas;
use crate::media::caption::{Area, Caption};
use crate::media::fixed_file::FixedFile;
use crate::media::image_format::ImageFormat;
use crate::media::picture;
use crate::media::raster::{MAX_SIDE, Raster};

/// The folder of generated files, as a path that starts with the host.
pub(crate) const FOLDER: &str = "v3.fal.media/files/emulator/";

/// A file that outputs refer to. Except for a painting, its name and its caption determine its content, so that it is
/// generated when it is read and need not be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MediaFile {
    /// The seed of the content in the upper 40 bits, and a hash of the caption in the others.
    motif: u64,
    /// The owner of a file that is not shared by all requests with the same input.
    owner: Option<u64>,
    kind: MediaKind,
}

/// The number of bits of a motif that depend on the caption.
pub(crate) const CAPTION_BITS: u32 = 24;

/// The kind of a generated file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaKind {
    Image {
        width: u32,
        height: u32,
        format: ImageFormat,
    },
    /// An image that is painted over a source image.
    Painting {
        width: u32,
        height: u32,
        format: ImageFormat,
    },
    /// A file without parameters.
    Fixed(FixedFile),
}

impl MediaFile {
    pub(crate) fn new(motif: u64, kind: MediaKind) -> Self {
        MediaFile { motif, owner: None, kind }
    }

    /// Returns the same content with a name of its owner.
    pub(crate) fn owned(self, owner: Option<u64>) -> Self {
        MediaFile { owner, ..self }
    }

    pub(crate) fn motif(&self) -> u64 {
        self.motif
    }

    /// Returns the file of a path that [`path`](Self::path) made, unless it has an owner.
    pub(crate) fn from_path(path: &str) -> Option<Self> {
        MediaFile::from_name(path.strip_prefix(FOLDER)?)
    }

    fn from_name(name: &str) -> Option<Self> {
        let (stem, extension) = name.rsplit_once('.')?;
        let (motif, rest) = stem.split_once('-').unwrap_or((stem, ""));
        let motif = u64::from_str_radix(motif, 16).ok()?;
        let kind = match ImageFormat::parse(extension) {
            Some(format) => {
                let (width, height) = rest.split_once('x')?;
                MediaKind::Image { width: width.parse().ok()?, height: height.parse().ok()?, format }
            }
            None => MediaKind::Fixed(FixedFile::from_extension(extension)?),
        };
        let file = MediaFile::new(motif, kind);
        let is_valid = file
            .size()
            .is_none_or(|(width, height)| (1..=MAX_SIDE).contains(&width) && (1..=MAX_SIDE).contains(&height));
        (is_valid && file.file_name() == name).then_some(file)
    }

    /// Returns the path, which starts with the host.
    pub(crate) fn path(&self) -> String {
        let folder = self.owner.map_or(String::new(), |owner| format!("{owner:016x}/"));
        format!("{FOLDER}{folder}{}", self.file_name())
    }

    /// Returns the last segment of the path.
    pub(crate) fn file_name(&self) -> String {
        let motif = self.motif;
        match self.kind {
            MediaKind::Painting { width, height, format } => {
                format!("painted-{motif:016x}-{width}x{height}.{}", format.extension())
            }
            MediaKind::Image { width, height, format } => {
                format!("{motif:016x}-{width}x{height}.{}", format.extension())
            }
            MediaKind::Fixed(file) => format!("{motif:016x}.{}", file.extension()),
        }
    }

    pub(crate) fn content_type(&self) -> &'static str {
        match self.kind {
            MediaKind::Image { format, .. } | MediaKind::Painting { format, .. } => format.content_type(),
            MediaKind::Fixed(file) => file.content_type(),
        }
    }

    /// Returns width and height of an image.
    pub(crate) fn size(&self) -> Option<(u32, u32)> {
        match self.kind {
            MediaKind::Image { width, height, .. } | MediaKind::Painting { width, height, .. } => Some((width, height)),
            MediaKind::Fixed(_) => None,
        }
    }

    /// Returns whether the file is painted over a source image.
    pub(crate) fn is_painting(&self) -> bool {
        matches!(self.kind, MediaKind::Painting { .. })
    }

    /// Generates the bytes. A painting needs its canvas. A large image takes tens of milliseconds. The error comes from
    /// the encoder.
    pub(crate) fn bytes(&self, caption: Option<&Caption>, canvas: Option<&Canvas>) -> Result<Bytes, String> {
        match self.kind {
            MediaKind::Image { width, height, format } | MediaKind::Painting { width, height, format } => {
                let new = picture::draw(self.motif >> CAPTION_BITS, width as usize, height as usize);
                let image = match canvas.filter(|_| self.is_painting()) {
                    Some(canvas) => canvas.paint(new, caption),
                    None => captioned(new, caption),
                };
                image.encode(format).map(Bytes::from)
            }
            MediaKind::Fixed(file) => Ok(file.bytes()),
        }
    }
}

fn captioned(mut image: Raster, caption: Option<&Caption>) -> Raster {
    if let Some(caption) = caption {
        let area = Area::of(image.width, image.height);
        caption.draw(&mut image, area);
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_determines_the_file() {
        let image = |format| MediaKind::Image { width: 3, height: 2048, format };
        let images = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Webp].map(image);
        for kind in images.into_iter().chain([MediaKind::Fixed(FixedFile::Video)]) {
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
            "0000000000000007-3x4.jpeg",
            "0000000000000007.exe",
            "painted-0000000000000007-3x4.png",
        ] {
            assert_eq!(MediaFile::from_name(name), None, "{name}");
        }
    }
}
