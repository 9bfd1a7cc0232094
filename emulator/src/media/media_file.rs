use bytes::Bytes;

use crate::media::canvas::Canvas;
use crate::media::caption::{Area, Caption};
use crate::media::fixed_file::FixedFile;
use crate::media::image_format::ImageFormat;
use crate::media::model::ModelFormat;
use crate::media::raster::{MAX_SIDE, Raster};
use crate::media::solid::Solid;
use crate::media::video::{self, Clip};
use crate::media::wav::{self, MAX_MILLISECONDS, Sound};
use crate::media::{music, picture, speech};

/// The folder of generated files, as a path that starts with the host.
pub(crate) const FOLDER: &str = "v3.fal.media/files/emulator/";

/// A file that outputs refer to. Unless it is painted, its name and its caption determine its content, so that it is
/// generated when it is read and need not be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MediaFile {
    /// The seed of the content in the upper 40 bits, and a hash of the caption in the others.
    motif: u64,
    /// The owner of a file that is not shared by all requests with the same input.
    owner: Option<u64>,
    /// The file derives from a source image.
    painted: bool,
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
    Video(Clip),
    Audio {
        sound: Sound,
        milliseconds: u32,
    },
    Model(ModelFormat),
    /// A file without parameters.
    Fixed(FixedFile),
}

impl MediaFile {
    pub(crate) fn new(motif: u64, kind: MediaKind) -> Self {
        MediaFile { motif, owner: None, painted: false, kind }
    }

    /// Returns the same content with a name of its owner.
    pub(crate) fn owned(self, owner: Option<u64>) -> Self {
        MediaFile { owner, ..self }
    }

    /// Returns an image or a video that derives from a source image.
    pub(crate) fn painted(self) -> Self {
        let painted = matches!(self.kind, MediaKind::Image { .. } | MediaKind::Video(_));
        MediaFile { painted, ..self }
    }

    pub(crate) fn motif(&self) -> u64 {
        self.motif
    }

    pub(crate) fn kind(&self) -> MediaKind {
        self.kind
    }

    /// Returns the file of a path that [`path`](Self::path) made, unless it has an owner or is painted.
    pub(crate) fn from_path(path: &str) -> Option<Self> {
        MediaFile::from_name(path.strip_prefix(FOLDER)?)
    }

    fn from_name(name: &str) -> Option<Self> {
        let (stem, extension) = name.rsplit_once('.')?;
        let mut parts = stem.split('-');
        let motif = u64::from_str_radix(parts.next()?, 16).ok()?;
        let mut part = || parts.next().unwrap_or_default();
        let kind = if let Some(format) = ImageFormat::parse(extension) {
            let (width, height) = size(part())?;
            MediaKind::Image { width, height, format }
        } else if let Some(format) = ModelFormat::parse(extension) {
            MediaKind::Model(format)
        } else if extension == "mp4" {
            let ((width, height), frames, fps) = (size(part())?, part().parse().ok()?, part().parse().ok()?);
            MediaKind::Video(Clip { width, height, frames, fps })
        } else if extension == "wav" {
            let sound = Sound::parse(part())?;
            MediaKind::Audio { sound, milliseconds: part().parse().ok()? }
        } else {
            MediaKind::Fixed(FixedFile::from_extension(extension)?)
        };
        let is_side = |side: &u32| (1..=MAX_SIDE).contains(side);
        let is_valid = match kind {
            MediaKind::Image { width, height, .. } => is_side(&width) && is_side(&height),
            MediaKind::Video(clip) => clip.is_valid(),
            MediaKind::Audio { milliseconds, .. } => (1..=MAX_MILLISECONDS).contains(&milliseconds),
            MediaKind::Model(_) | MediaKind::Fixed(_) => true,
        };
        let file = MediaFile::new(motif, kind);
        (is_valid && file.file_name() == name).then_some(file)
    }

    /// Returns the path, which starts with the host.
    pub(crate) fn path(&self) -> String {
        let folder = self.owner.map_or(String::new(), |owner| format!("{owner:016x}/"));
        format!("{FOLDER}{folder}{}", self.file_name())
    }

    /// Returns the last segment of the path.
    pub(crate) fn file_name(&self) -> String {
        let parameters = match self.kind {
            MediaKind::Image { width, height, .. } => format!("-{width}x{height}"),
            MediaKind::Video(Clip { width, height, frames, fps }) => format!("-{width}x{height}-{frames}-{fps}"),
            MediaKind::Audio { sound, milliseconds } => format!("-{}-{milliseconds}", sound.name()),
            MediaKind::Model(_) | MediaKind::Fixed(_) => String::new(),
        };
        let painted = if self.painted { "painted-" } else { "" };
        format!("{painted}{:016x}{parameters}.{}", self.motif, self.format().0)
    }

    pub(crate) fn content_type(&self) -> &'static str {
        self.format().1
    }

    /// Returns the extension and the content type.
    fn format(&self) -> (&'static str, &'static str) {
        match self.kind {
            MediaKind::Image { format, .. } => (format.extension(), format.content_type()),
            MediaKind::Video(_) => ("mp4", "video/mp4"),
            MediaKind::Audio { .. } => ("wav", "audio/wav"),
            MediaKind::Model(format) => (format.extension(), format.content_type()),
            MediaKind::Fixed(file) => (file.extension(), file.content_type()),
        }
    }

    /// Returns whether the file derives from a source image.
    pub(crate) fn is_painted(&self) -> bool {
        self.painted
    }

    /// Generates the bytes. A painted file needs its canvas. A large file takes hundreds of milliseconds in a debug build. The
    /// error comes from the encoder.
    pub(crate) fn bytes(&self, caption: Option<&Caption>, canvas: Option<&Canvas>) -> Result<Bytes, String> {
        let seed = self.motif >> CAPTION_BITS;
        let drawn = |width: u32, height: u32| {
            let new = picture::draw(seed, width as usize, height as usize);
            match canvas.filter(|_| self.painted) {
                Some(canvas) => canvas.paint(new, caption),
                None => captioned(new, caption),
            }
        };
        match self.kind {
            MediaKind::Image { width, height, format } => drawn(width, height).encode(format).map(Bytes::from),
            MediaKind::Video(clip) => Ok(video::film(&drawn(clip.width, clip.height), clip).into()),
            MediaKind::Audio { sound: Sound::Music, milliseconds } => {
                Ok(wav::file(&music::compose(seed, milliseconds)).into())
            }
            MediaKind::Audio { sound: Sound::Speech, milliseconds } => {
                let text = caption.map_or("", |caption| &caption.prompt);
                Ok(wav::file(&speech::speak(seed, text, milliseconds)).into())
            }
            MediaKind::Model(format) => Ok(format.file(&Solid::new(seed)).into()),
            MediaKind::Fixed(file) => Ok(file.bytes()),
        }
    }
}

/// Parses a size, such as `640x480`.
fn size(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
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
        let others = [
            MediaKind::Video(Clip { width: 640, height: 360, frames: 120, fps: 24 }),
            MediaKind::Audio { sound: Sound::Music, milliseconds: 5_000 },
            MediaKind::Audio { sound: Sound::Speech, milliseconds: 1 },
            MediaKind::Model(ModelFormat::Stl),
            MediaKind::Fixed(FixedFile::Archive),
        ];
        for kind in images.into_iter().chain(others) {
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
            "0000000000000007-3x4-9-9.mp4",
            "0000000000000007-4x4-0-9.mp4",
            "0000000000000007-4x4-9-0.mp4",
            "0000000000000007-1282x4-9-9.mp4",
            "0000000000000007-4x4-99999-9.mp4",
            "0000000000000007-music-0.wav",
            "0000000000000007-music-999999999.wav",
            "0000000000000007-noise-1.wav",
            "0000000000000007-1.glb",
            "0000000000000007-3x4.jpeg",
            "0000000000000007.exe",
            "painted-0000000000000007-3x4.png",
        ] {
            assert_eq!(MediaFile::from_name(name), None, "{name}");
        }
    }
}
