//! The sides of a picture, read from its first bytes.

/// The first bytes that may be looked at. A JPEG can have large metadata before its size.
pub(crate) const HEADER_BYTES: usize = 256 << 10;

/// The width and the height of a picture in pixels.
pub(crate) type Sides = (u64, u64);

/// Returns the sides of a PNG, JPEG, GIF or WebP file, or nothing for any other bytes.
///
/// A JPEG that is to be shown turned by a quarter has two: as stored and as shown. Which of them counts depends on the model.
pub(crate) fn sides(header: &[u8]) -> Vec<Sides> {
    let Ok(size) = imagesize::blob_size(header) else { return Vec::new() };
    let (width, height) = (size.width as u64, size.height as u64);
    if is_turned(header).unwrap_or(false) { vec![(width, height), (height, width)] } else { vec![(width, height)] }
}

/// Returns true if the Exif metadata of a JPEG swap width and height (orientations 5 to 8).
fn is_turned(jpeg: &[u8]) -> Option<bool> {
    let mut rest = jpeg.strip_prefix(b"\xff\xd8")?;
    loop {
        // A segment: 0xff, its kind, and its length, which includes the two bytes of the length.
        let &[0xff, kind, high, low, ref after @ ..] = rest else { return None };
        let length = usize::from(u16::from_be_bytes([high, low])).checked_sub(2)?;
        let segment = after.get(..length)?;
        match (kind, segment.strip_prefix(b"Exif\0\0")) {
            (0xe1, Some(tiff)) => return orientation(tiff).map(|orientation| (5..=8).contains(&orientation)),
            // The picture begins.
            (0xda, _) => return None,
            _ => rest = &after[length..],
        }
    }
}

/// Returns the orientation in the first directory of a TIFF structure.
fn orientation(tiff: &[u8]) -> Option<u16> {
    const ORIENTATION: u16 = 0x0112;
    let is_little = match tiff.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let bytes = <[u8; 2]>::try_from(tiff.get(at..at.checked_add(2)?)?).ok()?;
        Some(if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let u32_at = |at: usize| {
        let bytes = <[u8; 4]>::try_from(tiff.get(at..at.checked_add(4)?)?).ok()?;
        Some(if is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let directory = usize::try_from(u32_at(4)?).ok()?;
    let entries = usize::from(u16_at(directory)?);
    // An entry has 12 bytes: its tag, type and count, and its value from the ninth on.
    let mut entries = (0..entries).map(|index| directory + 2 + index * 12);
    let entry = entries.find(|entry| u16_at(*entry) == Some(ORIENTATION))?;
    u16_at(entry + 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A JPEG of 30 by 20 pixels, with these segments before its size.
    fn jpeg(segments: &[u8]) -> Vec<u8> {
        [b"\xff\xd8", segments, b"\xff\xc0\0\x0b\x08\0\x14\0\x1e\x01\x01\x11\0\xff\xda\0\x02"].concat()
    }

    fn exif(orientation: u8, is_little: bool) -> Vec<u8> {
        let tiff: &[u8] = match is_little {
            true => &[b'I', b'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0],
            false => &[b'M', b'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0],
        };
        [b"\xff\xe1\0\x1e".as_slice(), b"Exif\0\0", tiff].concat()
    }

    #[test]
    fn sides_are_read_from_the_header() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x2c\0\0\0\xc8\x08\x02\0\0\0";
        let gif = b"GIF89a\x05\0\x07\0\0\0\0";
        let webp = b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x3f\0\0\x1f\0\0";
        assert_eq!(sides(png), [(300, 200)]);
        assert_eq!(sides(gif), [(5, 7)]);
        assert_eq!(sides(webp), [(64, 32)]);
        assert_eq!(sides(&jpeg(b"")), [(30, 20)]);
        assert_eq!(sides(&jpeg(b"\xff\xe0\0\x04ab")), [(30, 20)]);
        for other in [&b""[..], b"\xff\xd8\xff", b"\x89PNG\r\n", b"\0\0\0\x18ftypmp42", b"%PDF-1.7 and so on"] {
            assert_eq!(sides(other), [], "{other:?}");
        }
    }

    #[test]
    fn turned_picture_has_both_sizes() {
        for is_little in [true, false] {
            for orientation in 0..=9 {
                let turned = (5..=8).contains(&orientation);
                let expected: &[Sides] = if turned { &[(30, 20), (20, 30)] } else { &[(30, 20)] };
                assert_eq!(sides(&jpeg(&exif(orientation, is_little))), expected, "{orientation}");
            }
        }
        // Broken metadata are ignored.
        let whole = exif(6, true);
        for end in 10..whole.len() {
            let mut cut = whole[..end].to_vec();
            cut[3] = (end - 2) as u8;
            assert_eq!(sides(&jpeg(&cut))[0], (30, 20), "{end}");
        }
    }
}
