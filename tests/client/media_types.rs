//! Media types of files without a declared type: the bytes are right, and a name adds only what the bytes leave open.

use fal_client::FileInput;

use crate::support::storage::Storage;

/// Creates the first bytes of an ISO media file with these brands, the major one first.
fn iso_media(brands: &[&str]) -> Vec<u8> {
    let length = 12 + 4 * u32::try_from(brands.len()).expect("few brands");
    let head = [&length.to_be_bytes()[..], b"ftyp", brands[0].as_bytes(), b"\0\0\0\0"].concat();
    [head, brands[1..].concat().into_bytes(), b"\0\0\0\x08free".to_vec()].concat()
}

/// Uploads files and compares their media types.
async fn check(files: Vec<(&str, Vec<u8>, &str)>) {
    let storage = Storage::start().await;
    let client = storage.builder().build().expect("a client");
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes, expected) in files {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(24)]).into_owned();
        let file = FileInput::from(bytes.clone()).name(name);
        let uploaded = client.storage().upload(file).await.expect("uploaded");
        assert_eq!(uploaded.content_type.as_deref(), Some(expected), "{name:?} {start:?}");
        let sent = storage.file(&uploaded.url).expect("a stored file").content_type;
        assert_eq!(sent, expected, "{name:?} {start:?}");

        let reader = FileInput::reader(std::io::Cursor::new(bytes.clone()), None).name(name);
        let uploaded = client.storage().upload(reader).await.expect("uploaded");
        assert_eq!(uploaded.content_type.as_deref(), Some(expected), "a reader of {name:?} {start:?}");

        if !name.is_empty() {
            let path = folder.path().join(name);
            std::fs::write(&path, &bytes).expect("a file");
            let uploaded = client.storage().upload(FileInput::path(&path)).await.expect("uploaded");
            assert_eq!(uploaded.content_type.as_deref(), Some(expected), "the path {name:?} {start:?}");
        }
    }
}

#[tokio::test]
async fn brands_of_images_are_images() {
    check(vec![
        ("", iso_media(&["hevc", "hevc", "heic"]), "image/heic"),
        ("", iso_media(&["mif1", "avif", "miaf"]), "image/avif"),
        ("", iso_media(&["mif1", "mif1", "heic"]), "image/heic"),
        ("", iso_media(&["msf1", "iso8", "hevc"]), "image/heic"),
        ("", iso_media(&["heix", "mif1"]), "image/heic"),
        ("", iso_media(&["hevx"]), "image/heic"),
        ("", iso_media(&["avis", "msf1", "miaf"]), "image/avif"),
        ("", iso_media(&["mif1", "miaf"]), "image/heif"),
        ("IMG_1.CR3", iso_media(&["crx ", "crx ", "isom"]), "image/x-canon-cr3"),
        ("", [b"\0\0\0\x0cjP  \r\n\x87\n".to_vec(), iso_media(&["jp2 ", "jp2 "])].concat(), "image/jp2"),
        ("", [b"\0\0\0\x0cjP  \r\n\x87\n".to_vec(), iso_media(&["jpx ", "jp2 "])].concat(), "image/jpx"),
        ("", b"\xff\x4f\xff\x51\0\x2f".to_vec(), "image/j2c"),
        ("", b"\xff\x0a\xfa\x1f".to_vec(), "image/jxl"),
        ("", b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ".to_vec(), "image/jxl"),
    ])
    .await;
}

#[tokio::test]
async fn brands_of_videos_and_audio_are_videos_and_audio() {
    check(vec![
        ("", iso_media(&["isom", "iso2", "avc1", "mp41"]), "video/mp4"),
        ("", iso_media(&["iso9", "mp41"]), "video/mp4"),
        ("", iso_media(&["dash", "iso6"]), "video/mp4"),
        ("", iso_media(&["qt  "]), "video/quicktime"),
        ("", iso_media(&["M4A ", "mp42", "isom"]), "audio/mp4"),
        ("", iso_media(&["M4B ", "M4A "]), "audio/mp4"),
        ("", iso_media(&["3gp5", "isom"]), "video/3gpp"),
        // An unknown brand does not make a file a video.
        ("", iso_media(&["zzz1"]), "application/octet-stream"),
        ("", b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm".to_vec(), "video/webm"),
        ("", b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska".to_vec(), "video/x-matroska"),
        ("", b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\x1e\x01vorbis".to_vec(), "audio/ogg"),
        ("", b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\x2a\x80theora".to_vec(), "video/ogg"),
        ("", b"\xff\xfb\x90\x64\0\0".to_vec(), "audio/mpeg"),
        ("", b"ID3\x03\0\0\0\0\0\x0a".to_vec(), "audio/mpeg"),
        ("", b"\xff\xf1\x50\x80".to_vec(), "audio/aac"),
        ("", b"FORM\0\0\0\x20AIFFCOMM".to_vec(), "audio/aiff"),
    ])
    .await;
}

#[tokio::test]
async fn drawings_may_begin_with_a_prolog() {
    let utf16: Vec<u8> = "\u{feff}<?xml version='1.0'?><svg/>".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let svg = |text: &str| text.as_bytes().to_vec();
    check(vec![
        ("", svg("<?xml version=\"1.0\"?>\n<svg xmlns='http://www.w3.org/2000/svg'/>"), "image/svg+xml"),
        ("", svg("\u{feff}\n<svg width='1'/>"), "image/svg+xml"),
        ("", svg("<!-- Made by hand -->\r\n<svg/>"), "image/svg+xml"),
        ("", svg("<?xml version='1.0'?><!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'a'><svg/>"), "image/svg+xml"),
        ("", svg("<svg:svg xmlns:svg='http://www.w3.org/2000/svg'/>"), "image/svg+xml"),
        ("", utf16, "image/svg+xml"),
        ("drawing.svg", svg(&format!("<?xml version='1.0'?><!--{}--><svg/>", "long ".repeat(2000))), "image/svg+xml"),
        ("", svg("<?xml version='1.0'?><kml/>"), "application/xml"),
    ])
    .await;
}

#[tokio::test]
async fn bytes_beat_names() {
    let jpeg = b"\xff\xd8\xff\xe0\0\x10JFIF".to_vec();
    let zip = b"PK\x03\x04\x14\0\0\0".to_vec();
    check(vec![
        ("IMG_0001.JPG", iso_media(&["heic", "mif1"]), "image/heic"),
        ("fox.png", jpeg.clone(), "image/jpeg"),
        ("fox.webp", b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec(), "image/png"),
        ("fox.mp4", iso_media(&["avif", "mif1"]), "image/avif"),
        ("voice.wav", b"ID3\x04\0\0\0\0\0\x0a".to_vec(), "audio/mpeg"),
        ("room.gif", b"RIFF\x24\0\0\0WEBPVP8 ".to_vec(), "image/webp"),
        ("fox.png", b"<!DOCTYPE html><title>Sign in</title>".to_vec(), "text/html"),
        // A name that says more about the same format is right.
        ("fox.jpeg", jpeg, "image/jpeg"),
        ("voice.m4a", iso_media(&["isom", "mp42"]), "audio/mp4"),
        ("letter.docx", zip.clone(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("book.epub", zip, "application/epub+zip"),
        ("photo.dng", b"II*\0\x08\0\0\0".to_vec(), "image/x-adobe-dng"),
        // Without a known beginning, only the name says something.
        ("fox.png", b"?".to_vec(), "image/png"),
        ("notes.txt", b"Dear fox".to_vec(), "text/plain"),
    ])
    .await;
}
