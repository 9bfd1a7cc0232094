//! The words in names of fields and types, which say what a value is.

use super::media_file::MediaKind;

/// The meaning of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// A kind of media.
    Media(MediaKind),
    /// A file of another kind.
    File,
}

const WORDS: &[(Word, &[&str])] = &[
    (
        Word::Media(MediaKind::Image),
        &[
            "frame",
            "frames",
            "image",
            "images",
            "img",
            "imgs",
            "mask",
            "masks",
            "photo",
            "photos",
            "picture",
            "pictures",
            "preview",
            "spritesheet",
            "texture",
            "textures",
            "thumbnail",
            "thumbnails",
            "visualization",
        ],
    ),
    (Word::Media(MediaKind::Video), &["animation", "clip", "clips", "movie", "movies", "video", "videos"]),
    (
        Word::Media(MediaKind::Audio),
        &["audio", "audios", "music", "song", "songs", "sound", "sounds", "speech", "voice"],
    ),
    (
        Word::File,
        &[
            "archive",
            "archives",
            "blend",
            "ckpt",
            "csv",
            "fbx",
            "glb",
            "glbs",
            "gltf",
            "json",
            "lora",
            "mesh",
            "meshes",
            "mtl",
            "obj",
            "pdf",
            "ply",
            "safetensors",
            "splat",
            "splats",
            "srt",
            "stl",
            "usdz",
            "vtt",
            "zip",
        ],
    ),
];

/// Returns the meanings of the words of a name that have one, the last word first: `mask_video` is a video.
pub(super) fn of(name: &str) -> impl Iterator<Item = Word> {
    let words = split(name).into_iter().rev();
    words.filter_map(|word| WORDS.iter().find(|(_, words)| words.contains(&&*word)).map(|(meaning, _)| *meaning))
}

/// Returns the kind of media that a name means.
pub(super) fn media(name: &str) -> Option<MediaKind> {
    match of(name).next()? {
        Word::Media(kind) => Some(kind),
        Word::File => None,
    }
}

/// Returns true if a name is that of a URL or of a file.
pub(super) fn means_file(name: &str) -> bool {
    means_files(name)
        || split(name).last().is_some_and(|last| matches!(&**last, "url" | "uri" | "file"))
        || of(name).next() == Some(Word::File)
}

/// Returns true if a name is that of several URLs or files.
pub(super) fn means_files(name: &str) -> bool {
    split(name).last().is_some_and(|last| matches!(&**last, "urls" | "uris" | "files"))
}

/// Splits a name at characters that are not letters, and before capitals. The words are in lower case.
pub(super) fn split(name: &str) -> Vec<String> {
    // Names of fields are short. The end of a long one says what it is.
    let start = name.char_indices().rev().nth(99).map_or(0, |(start, _)| start);
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name[start..].chars() {
        if (!c.is_alphabetic() || c.is_uppercase() && was_lower) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        was_lower = c.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| c.is_alphabetic()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_word_with_a_meaning_decides() {
        for (name, kind) in [
            ("images", Some(MediaKind::Image)),
            ("mask_video", Some(MediaKind::Video)),
            ("video_thumbnail", Some(MediaKind::Image)),
            ("VideoFile", Some(MediaKind::Video)),
            ("start_frame_url", Some(MediaKind::Image)),
            ("image2", Some(MediaKind::Image)),
            ("audioUrl", Some(MediaKind::Audio)),
            ("frames_zip", None),
            ("imagery", None),
            ("prompt", None),
            ("", None),
        ] {
            assert_eq!(media(name), kind, "{name}");
        }
    }

    #[test]
    fn names_of_urls_and_files_end_like_them() {
        for (name, expected) in [
            ("url", true),
            ("config_file", true),
            ("modelUrls", true),
            ("model_glb", true),
            ("file_size", false),
            ("curl", false),
            ("text", false),
        ] {
            assert_eq!(means_file(name), expected, "{name}");
        }
    }
}
