use crate::media::fixed_file::FixedFile;
use crate::media::model::ModelFormat;

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Image,
    Video,
    Audio,
    /// A 3D model, of a file format if the hint names one that the emulator makes.
    Model(Option<ModelFormat>),
    Fixed(FixedFile),
}

/// The extensions of each kind, and further words that name it. Words are found anywhere in a hint, the first row first.
const KINDS: [(FileKind, &[&str], &[&str]); 8] = [
    (FileKind::Video, &["mp4", "webm", "mov", "mkv"], &["video"]),
    (FileKind::Fixed(FixedFile::Weights), &["safetensors"], &["lora"]),
    (FileKind::Model(None), &["glb", "gltf", "obj", "fbx", "usdz", "stl", "ply"], &["mesh", "model", "splat", "world"]),
    (FileKind::Fixed(FixedFile::Archive), &["zip"], &["archive", "dataset", "exr"]),
    (FileKind::Fixed(FixedFile::Json), &["json"], &["json", "config", "lottie", "metadata"]),
    (FileKind::Fixed(FixedFile::Note), &["txt", "srt", "vtt", "csv"], &["text/", "subtitle", "caption"]),
    (
        FileKind::Image,
        &["png", "jpg", "jpeg", "webp", "gif", "svg"],
        &["image", "img", "mask", "picture", "photo", "frame", "texture", "thumbnail", "sprite"],
    ),
    (FileKind::Audio, &["wav", "mp3", "ogg", "flac", "m4a"], &["audio", "speech", "voice", "music", "sound"]),
];

/// Returns the kind of file that the first telling hint names: a URL, a content type or a name. Of a URL, only the
/// extension is telling, and not the host.
pub(super) fn guess(hints: &[&str]) -> FileKind {
    let kind_of = |hint: &&str| {
        let hint = hint.to_ascii_lowercase();
        // `audio/mp4` is a sound.
        if hint.starts_with("audio/") {
            return Some(FileKind::Audio);
        }
        let path = hint.split(['?', '#']).next().filter(|_| is_url(&hint));
        let row = match path.and_then(|path| path.rsplit('/').next()) {
            Some(file) => {
                let extension = file.rsplit_once('.')?.1;
                KINDS.iter().find(|(_, extensions, _)| extensions.contains(&extension))
            }
            None => KINDS.iter().find(|(_, extensions, words)| {
                // `obj` and `ply` are parts of words.
                let is_named = |extension: &&str| match *extension {
                    "obj" | "ply" | "mov" => {
                        hint.split(|c: char| !c.is_ascii_alphanumeric()).any(|it| it == *extension)
                    }
                    extension => hint.contains(extension),
                };
                extensions.iter().any(is_named) || words.iter().any(|word| hint.contains(word))
            }),
        };
        row.map(|(kind, _, _)| match kind {
            FileKind::Model(_) => {
                let words = hint.split(|c: char| !c.is_ascii_alphanumeric());
                FileKind::Model(words.rev().find_map(ModelFormat::parse))
            }
            kind => *kind,
        })
    };
    hints.iter().find_map(kind_of).unwrap_or(FileKind::Fixed(FixedFile::Note))
}

/// Returns whether a property name means a URL, such as `image_url`.
pub(super) fn is_url_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["url", "urls", "uri"]
        .iter()
        .any(|ending| name.strip_suffix(ending).is_some_and(|start| start.is_empty() || start.ends_with('_')))
}

pub(super) fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}
