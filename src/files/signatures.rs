//! Media types of the first bytes of files.
//!
//! The crates `infer` and `file-format` are not used: both decide about ISO media mostly by the major brand, so that an
//! AVIF image of the brand `mif1` becomes HEIC, and `infer` takes any text that begins with `BM` for a bitmap.

use std::borrow::Cow;

/// Magic numbers at the beginning of files.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"),
    (b"MM\0+", "image/tiff"),
    (b"II\xbc\x01", "image/jxr"),
    (b"\xff\x0a", "image/jxl"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"\xff\x4f\xff\x51", "image/j2c"),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"v/1\x01", "image/x-exr"),
    (b"#?RADIANCE\n", "image/vnd.radiance"),
    (b"#?RGBE\n", "image/vnd.radiance"),
    (b"DDS ", "image/vnd-ms.dds"),
    (b"qoif", "image/qoi"),
    (b"FLIF", "image/flif"),
    (b"icns", "image/icns"),
    (b"gimp xcf", "image/x-xcf"),
    (b"\xabKTX 11\xbb\r\n\x1a\n", "image/ktx"),
    (b"\xabKTX 20\xbb\r\n\x1a\n", "image/ktx2"),
    (b"fLaC", "audio/flac"),
    (b"MThd", "audio/midi"),
    (b"#!AMR", "audio/amr"),
    (b"caff\0\x01", "audio/x-caf"),
    (b".snd\0\0\0", "audio/basic"),
    (b"wvpk", "audio/x-wavpack"),
    (b"MAC \x96\x0f", "audio/x-ape"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"),
    (b"FLV\x01", "video/x-flv"),
    (b"\0\0\x01\xba", "video/mpeg"),
    (b"\0\0\x01\xb3", "video/mpeg"),
    (b"glTF\x01\0\0\0", "model/gltf-binary"),
    (b"glTF\x02\0\0\0", "model/gltf-binary"),
    (b"ply\n", "model/ply"),
    (b"ply\r\n", "model/ply"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
];

/// Brands of ISO media files (`ftyp`) with the media types of their contents.
const BRANDS: &[(&[u8], &str)] = &[
    (b"avif", "image/avif"),
    (b"avis", "image/avif"),
    (b"avio", "image/avif"),
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"heim", "image/heic"),
    (b"heis", "image/heic"),
    (b"hevc", "image/heic"),
    (b"hevx", "image/heic"),
    (b"hevm", "image/heic"),
    (b"hevs", "image/heic"),
    (b"crx ", "image/x-canon-cr3"),
    (b"jp2 ", "image/jp2"),
    (b"jpx ", "image/jpx"),
    (b"jpm ", "image/jpm"),
    (b"jph ", "image/jph"),
    (b"jhc ", "image/jph"),
    (b"jxl ", "image/jxl"),
    (b"mjp2", "video/mj2"),
    (b"mj2s", "video/mj2"),
    (b"qt  ", "video/quicktime"),
    (b"M4V ", "video/x-m4v"),
    (b"M4VH", "video/x-m4v"),
    (b"M4VP", "video/x-m4v"),
    (b"M4A ", "audio/mp4"),
    (b"M4B ", "audio/mp4"),
    (b"M4P ", "audio/mp4"),
    (b"F4A ", "audio/mp4"),
    (b"F4B ", "audio/mp4"),
    (b"aax ", "audio/vnd.audible.aax"),
    (b"F4V ", "video/mp4"),
    (b"F4P ", "video/mp4"),
    (b"f4v ", "video/mp4"),
    (b"MSNV", "video/mp4"),
    (b"XAVC", "video/mp4"),
    (b"3g2", "video/3gpp2"),
    (b"KDDI", "video/3gpp2"),
    (b"3gp", "video/3gpp"),
    (b"3ge", "video/3gpp"),
    (b"3gg", "video/3gpp"),
    (b"3gr", "video/3gpp"),
    (b"3gs", "video/3gpp"),
];

/// Brands of images whose coding is named only by the compatible brands.
const IMAGE_BRANDS: &[&[u8]] =
    &[b"mif1", b"mif2", b"mif3", b"msf1", b"miaf", b"MiHB", b"MiHE", b"MiPr", b"avci", b"avcs"];

/// Brands of files with any tracks, which are videos unless another brand says more.
const GENERIC_BRANDS: &[&[u8]] = &[
    b"iso", b"mp4", b"mp7", b"mmp4", b"avc", b"av01", b"hvc1", b"hev1", b"dash", b"msdh", b"msix", b"cmf", b"dby1",
    b"piff", b"isml", b"nvr1", b"ND", b"CAEP", b"caqv", b"pana", b"ARRI", b"SDV ", b"MGSV", b"dmb1", b"dv1", b"mp21",
];

/// Elements with which a page begins.
const HTML: &[&str] =
    &["html", "head", "body", "title", "meta", "script", "style", "center", "div", "p", "h1", "h2", "pre", "table"];

/// Returns the media type of a file by its first bytes.
pub(super) fn from_bytes(head: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    if let Some((_, content_type)) = SIGNATURES.iter().find(|(magic, _)| at(0, magic)) {
        return Some(content_type);
    }
    if at(0, b"ID3") {
        return Some(after_id3(head).and_then(from_bytes).unwrap_or("audio/mpeg"));
    }
    // Containers declare their contents after the magic number.
    if [&b"RIFF"[..], b"RIFX", b"RF64", b"BW64"].iter().any(|magic| at(0, magic)) {
        return match head.get(8..12)? {
            b"WEBP" => Some("image/webp"),
            b"WAVE" => Some("audio/wav"),
            b"AVI " => Some("video/x-msvideo"),
            b"RMID" => Some("audio/midi"),
            _ => None,
        };
    }
    if at(0, b"FORM") {
        return matches!(head.get(8..12)?, b"AIFF" | b"AIFC").then_some("audio/aiff");
    }
    if at(0, b"OggS") {
        let videos: [&[u8]; 3] = [b"\x80theora", b"BBCD\0", b"\x01video\0"];
        return Some(if videos.iter().any(|codec| contains(head, codec)) { "video/ogg" } else { "audio/ogg" });
    }
    if at(0, b"\x1a\x45\xdf\xa3") {
        return matroska(head);
    }
    // The segments of a stream have the brands in an atom of another name.
    if at(4, b"ftyp") || at(4, b"styp") {
        return iso_media(head);
    }
    // JPEG 2000 has a signature before its brands.
    if at(0, b"\0\0\0\x0cjP  \r\n\x87\n") {
        return head.get(12..).filter(|rest| rest.get(4..8) == Some(b"ftyp")).and_then(iso_media).or(Some("image/jp2"));
    }
    // QuickTime files had no brands at first. A text is not mistaken for the length of an atom.
    let is_atom =
        |names: &[&[u8]]| head.first().is_some_and(|first| *first < b' ') && names.iter().any(|name| at(4, name));
    if is_atom(&[b"moov", b"mdat", b"wide", b"pnot", b"free", b"skip"]) {
        return Some("video/quicktime");
    }
    if is_atom(&[b"moof", b"sidx"]) {
        return Some("video/mp4");
    }
    if at(0, b"BM") && is_bitmap(head) {
        return Some("image/bmp");
    }
    let is_icon = at(0, b"\0\0\x01\0") || at(0, b"\0\0\x02\0");
    if is_icon && head.get(4).is_some_and(|images| *images > 0) && at(5, b"\0") && at(9, b"\0") {
        return Some("image/x-icon");
    }
    if at(257, b"ustar") {
        return Some("application/x-tar");
    }
    // Packets of a transport stream have 188 bytes.
    if at(0, b"G") && at(188, b"G") && at(376, b"G") {
        return Some("video/mp2t");
    }
    audio_frame(head).or_else(|| text(head))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Returns the bytes after an ID3 tag, if they are among the first bytes. The tag's length has seven bits per byte.
fn after_id3(head: &[u8]) -> Option<&[u8]> {
    let length = head.get(6..10)?.iter().fold(0_usize, |length, byte| length << 7 | usize::from(byte & 0x7f));
    head.get(10 + length..).filter(|rest| !rest.is_empty())
}

/// Detects a bitmap: the reserved bytes are 0, or the second header has a known length.
fn is_bitmap(head: &[u8]) -> bool {
    let length = head.get(14..18).map(|length| [length[0], length[1], length[2], length[3]]).map(u32::from_le_bytes);
    head.get(6..10) == Some(&[0; 4]) || matches!(length, Some(12 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// Detects frames of MP3 (MPEG audio, layers II and III) and AAC (ADTS) without a tag. Reserved values do not occur in frames.
fn audio_frame(head: &[u8]) -> Option<&'static str> {
    let [0xff, second, third, ..] = *head else { return None };
    let (sync, version, layer) = (second >> 5, second >> 3 & 3, second >> 1 & 3);
    if second & 0xf6 == 0xf0 && third >> 2 & 15 < 13 {
        return Some("audio/aac");
    }
    let is_mpeg = sync == 7 && version != 1 && matches!(layer, 1 | 2) && third >> 4 != 15 && third >> 2 & 3 != 3;
    is_mpeg.then_some("audio/mpeg")
}

/// Detects Matroska and WebM by the document type of the header.
fn matroska(head: &[u8]) -> Option<&'static str> {
    let header = &head[..head.len().min(256)];
    let Some(at) = header.windows(2).position(|id| id == [0x42, 0x82]) else { return Some("video/x-matroska") };
    // The first byte of a length has as many leading zeros as further bytes follow.
    let width = header.get(at + 2)?.leading_zeros() as usize + 1;
    let name = header.get(at + 2 + width..)?;
    match () {
        () if name.starts_with(b"webm") => Some("video/webm"),
        () if name.starts_with(b"matroska") => Some("video/x-matroska"),
        () => None,
    }
}

/// Detects the contents of ISO media by the brands. The major brand decides if it is specific, else the first specific
/// one of the compatible brands. Files of unknown brands are of an unknown type.
fn iso_media(head: &[u8]) -> Option<&'static str> {
    let length = usize::try_from(u32::from_be_bytes(head.get(..4)?.try_into().ok()?)).ok()?;
    // A length of 0 or 1 stands for the rest of the file or for another field.
    let end = if length < 16 { head.len() } else { length.min(head.len()) };
    let major = head.get(8..12)?;
    let compatible = || head.get(16..end).unwrap_or_default().chunks_exact(4);
    let is_image = IMAGE_BRANDS.contains(&major);
    let is_generic = |brand: &[u8]| GENERIC_BRANDS.iter().any(|generic| brand.starts_with(generic));
    let specific = |brand: &[u8]| {
        let known = BRANDS.iter().find(|(known, _)| brand.starts_with(known));
        known.map(|(_, content_type)| *content_type)
    };
    if let Some(content_type) = specific(major) {
        return Some(content_type);
    }
    let named = compatible().filter_map(specific).find(|content_type| !is_image || content_type.starts_with("image/"));
    match named {
        Some(content_type) => Some(content_type),
        None if is_image || compatible().any(|brand| IMAGE_BRANDS.contains(&brand)) => Some("image/heif"),
        None => (is_generic(major) || compatible().any(is_generic)).then_some("video/mp4"),
    }
}

/// Detects SVG, HTML, XML and JSON. Other texts have no type of their own.
fn text(head: &[u8]) -> Option<&'static str> {
    let text = decoded(head);
    let mut rest = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    if rest.starts_with('{') || rest.starts_with('[') {
        return is_json(rest).then_some("application/json");
    }
    let has_prefix =
        |text: &str, prefix: &str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let is_xml = has_prefix(rest, "<?xml");
    // The prolog and comments precede the root element.
    loop {
        let end = match rest {
            _ if rest.starts_with("<?") => "?>",
            _ if rest.starts_with("<!--") => "-->",
            _ => break,
        };
        let Some((_, after)) = rest.split_once(end) else { break };
        rest = after.trim_start();
    }
    let rest =
        if has_prefix(rest, "<!doctype") { rest[9..].trim_start() } else { rest.strip_prefix('<').unwrap_or("") };
    let name = rest.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/' | '[')).next().unwrap_or_default();
    let local = name.rsplit(':').next().unwrap_or_default();
    match local.to_ascii_lowercase().as_str() {
        "svg" => Some("image/svg+xml"),
        "html" if is_xml => Some("application/xhtml+xml"),
        _ if is_xml => Some("application/xml"),
        // The error of a storage host may lack the prolog.
        "error" => Some("application/xml"),
        name => HTML.contains(&name).then_some("text/html"),
    }
}

/// Decodes UTF-16 with a byte order mark, or else UTF-8.
fn decoded(head: &[u8]) -> Cow<'_, str> {
    let units = |decode: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = head.chunks_exact(2).map(|pair| decode([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units).into()
    };
    match head {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        _ => String::from_utf8_lossy(head),
    }
}

/// Returns true if a text that begins with a bracket is probably JSON: what follows is a key or a value in quotes,
/// another object, or the end.
fn is_json(text: &str) -> bool {
    let mut symbols = text.chars().filter(|c| !c.is_whitespace());
    matches!((symbols.next(), symbols.next()), (Some('{'), Some('"' | '}')) | (Some('['), Some('"' | '{' | ']')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_are_mapped_to_types() {
        let tar = [&[0; 257][..], b"ustar\x0000"].concat();
        let transport = [b"G".to_vec(), vec![0; 187], b"G".to_vec(), vec![0; 187], b"G".to_vec()].concat();
        for (head, content_type) in [
            (&b"\x89PNG\r\n\x1a\n\0\0"[..], Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"RIFF\x24\0\0\0WAVEfmt ", Some("audio/wav")),
            (b"RF64\xff\xff\xff\xffWAVEds64", Some("audio/wav")),
            (b"RIFF\x24\0\0\0????", None),
            (b"FORM\0\0\0\x10AIFCFVER", Some("audio/aiff")),
            (b"MM\0*\0\0\0\x08", Some("image/tiff")),
            (b"\0\0\x01\0\x02\0\x10\x10\0\0", Some("image/x-icon")),
            (b"\xff\x0a\xfa\x7f", Some("image/jxl")),
            (b"\0\0\0\x0cJXL \r\n\x87\n", Some("image/jxl")),
            (b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x82\x84webm", Some("video/webm")),
            (b"\x1a\x45\xdf\xa3\xa3\x42\x82\x40\x08matroska", Some("video/x-matroska")),
            (b"\x1a\x45\xdf\xa3", Some("video/x-matroska")),
            (b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\x1eOpusHead", Some("audio/ogg")),
            (b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\x2a\x80theora", Some("video/ogg")),
            (b"ID3\x04\0\0\0\0\0\x02\0\0fLaC", Some("audio/flac")),
            (b"ID3\x04\0\0\0\0\x7f\x7f", Some("audio/mpeg")),
            (b"\xff\xfb\x90\x64", Some("audio/mpeg")),
            (b"\xff\xf3\x48\xc4", Some("audio/mpeg")),
            (b"\xff\xfb\xff\xff", None),
            (b"\xff\xf1\x50\x80", Some("audio/aac")),
            (b"\xff\xfea\0b\0", None),
            (b"\0\0\0\x08wide\0\0\0\0mdat", Some("video/quicktime")),
            (b"BM\x36\0\0\0\0\0\0\0", Some("image/bmp")),
            (b"BMW is a car", None),
            (b"How wide is it?", None),
            (b"\0\0\0\x08free\0\0\x10\0mdat", Some("video/quicktime")),
            (b"\0\0\0\x64moof\0\0\0\x10mfhd", Some("video/mp4")),
            (b"\0\0\0\x18stypmsdh\0\0\0\0msdhmsix", Some("video/mp4")),
            (b"\0\0\x02\0\x01\0\x20\x20\0\0", Some("image/x-icon")),
            (b"\0\0\x02\0\0\0\0\0\0\0", None),
            (b"PK\x03\x04", Some("application/zip")),
            (&tar, Some("application/x-tar")),
            (&transport, Some("video/mp2t")),
            (b"just text", None),
            (b"", None),
        ] {
            assert_eq!(from_bytes(head), content_type, "{:?}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn brands_are_mapped_to_types() {
        for (brands, content_type) in [
            (&["avif"][..], Some("image/avif")),
            (&["mif1", "avif", "miaf"], Some("image/avif")),
            (&["msf1", "iso8", "hevc"], Some("image/heic")),
            (&["hevc", "hevc", "heic"], Some("image/heic")),
            (&["mif1", "miaf"], Some("image/heif")),
            (&["new1", "mif1"], Some("image/heif")),
            (&["new1", "heic"], Some("image/heic")),
            (&["crx ", "isom"], Some("image/x-canon-cr3")),
            (&["isom", "iso2", "avc1", "mp41"], Some("video/mp4")),
            (&["qt  "], Some("video/quicktime")),
            (&["M4V ", "M4A ", "mp42"], Some("video/x-m4v")),
            (&["mp42", "M4A "], Some("audio/mp4")),
            (&["3gp5", "isom"], Some("video/3gpp")),
            (&["3g2a"], Some("video/3gpp2")),
            (&["new1", "isom"], Some("video/mp4")),
            (&["new1", "new2"], None),
        ] {
            let length = 12 + 4 * brands.len() as u32;
            let head = [&length.to_be_bytes()[..], b"ftyp", brands[0].as_bytes(), b"\0\0\0\0"].concat();
            let head = [head, brands[1..].concat().into_bytes(), b"junkavif".to_vec()].concat();
            assert_eq!(from_bytes(&head), content_type, "{brands:?}");
        }
        assert_eq!(from_bytes(b"\0\0\0\x20ftyp"), None);
        let jp2 = |brand: &str| format!("\0\0\0\x0cjP  \r\n\u{87}\n\0\0\0\x14ftyp{brand}\0\0\0\0{brand}");
        let latin = |text: String| text.chars().map(|c| c as u8).collect::<Vec<u8>>();
        for (brand, content_type) in [("jp2 ", "image/jp2"), ("jpx ", "image/jpx"), ("mjp2", "video/mj2")] {
            assert_eq!(from_bytes(&latin(jp2(brand))), Some(content_type), "{brand}");
        }
    }

    #[test]
    fn texts_with_a_root_or_a_bracket_have_a_type() {
        let utf16: Vec<u8> = "\u{feff}<svg >".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(from_bytes(&utf16), Some("image/svg+xml"));
        for (text, content_type) in [
            ("<svg xmlns='a'>", Some("image/svg+xml")),
            ("\u{feff}<?xml version='1.0'?>\r\n<!-- a <b> -->\n<!DOCTYPE svg PUBLIC '-'>", Some("image/svg+xml")),
            ("<!--a--><s:svg>", Some("image/svg+xml")),
            ("<?xml version='1.0'?><!-- cut", Some("application/xml")),
            ("<?xml version='1.0'?><Error>", Some("application/xml")),
            ("<!DOCTYPE html>", Some("text/html")),
            ("<title>502 Bad Gateway</title>", Some("text/html")),
            ("<h1>Sorry</h1>", Some("text/html")),
            ("<Error><Code>NoSuchKey</Code></Error>", Some("application/xml")),
            ("<image_url> is required", None),
            ("\n <HTML lang='en'>", Some("text/html")),
            ("<svgfoo>", None),
            ("<3", None),
            (r#" {"detail":"#, Some("application/json")),
            ("[{", Some("application/json")),
            ("[INFO] a log", None),
            ("{not json}", None),
        ] {
            assert_eq!(from_bytes(text.as_bytes()), content_type, "{text}");
        }
    }
}
