/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Image,
    Audio,
    Other,
}

/// Returns the kind of file that the first telling hint names.
pub(super) fn guess(hints: &[&str]) -> FileKind {
    const WORDS: [(FileKind, &[&str]); 3] = [
        (
            FileKind::Other,
            &["video", "mp4", "webm", "mesh", "glb", "zip", "safetensors", "lora", "json", "text", "model"],
        ),
        (
            FileKind::Image,
            &[
                "image",
                "img",
                "png",
                "jpg",
                "jpeg",
                "webp",
                "gif",
                "mask",
                "picture",
                "photo",
                "frame",
                "thumbnail",
                "sprite",
            ],
        ),
        (FileKind::Audio, &["audio", "wav", "mp3", "ogg", "flac", "speech", "voice", "music", "sound"]),
    ];
    let kind_of = |hint: &&str| {
        // Only the extension of a URL is a hint, not its host.
        let extension = hint.rsplit(['/', '.']).next().filter(|_| is_url(hint));
        let hint = extension.unwrap_or(hint).to_ascii_lowercase();
        WORDS.iter().find(|(_, words)| words.iter().any(|word| hint.contains(word))).map(|(kind, _)| *kind)
    };
    hints.iter().find_map(kind_of).unwrap_or(FileKind::Other)
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
