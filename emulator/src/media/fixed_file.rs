use bytes::Bytes;

/// A file whose content is always the same. It is a valid file of its type, and as small as one can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FixedFile {
    /// One second of silence, as WAV.
    Audio,
    /// One second of black, as MP4 with H.264.
    Video,
    /// A triangle, as binary glTF.
    Model,
    /// Weights without tensors, as safetensors.
    Weights,
    /// An empty ZIP archive.
    Archive,
    /// An empty JSON object.
    Json,
    /// A text that explains that the emulator does not generate this type.
    Note,
}

/// Made by ffmpeg 5.1:
///
/// ```sh
/// ffmpeg -f lavfi -i color=black:size=64x64:rate=2:duration=1 -c:v libx264 -profile:v baseline -pix_fmt yuv420p \
///     -movflags +faststart -bsf:v filter_units=remove_types=6 -fflags +bitexact -flags:v +bitexact blank.mp4
/// ```
const BLANK: &[u8] = include_bytes!("blank.mp4");
/// The end of the central directory, with 0 entries.
const EMPTY_ZIP: &[u8] = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
/// The length of the header, and the header.
const NO_WEIGHTS: &[u8] = b"\x08\0\0\0\0\0\0\0{}      ";
const NOTE: &str = "This file is a placeholder for one that fal would generate. The emulator does not make its type.\n";

impl FixedFile {
    const ALL: [FixedFile; 7] = [
        FixedFile::Audio,
        FixedFile::Video,
        FixedFile::Model,
        FixedFile::Weights,
        FixedFile::Archive,
        FixedFile::Json,
        FixedFile::Note,
    ];

    pub(super) fn from_extension(extension: &str) -> Option<Self> {
        FixedFile::ALL.into_iter().find(|file| file.extension() == extension)
    }

    pub(super) fn extension(self) -> &'static str {
        self.format().0
    }

    pub(super) fn content_type(self) -> &'static str {
        self.format().1
    }

    /// Returns the extension and the content type.
    fn format(self) -> (&'static str, &'static str) {
        match self {
            FixedFile::Audio => ("wav", "audio/wav"),
            FixedFile::Video => ("mp4", "video/mp4"),
            FixedFile::Model => ("glb", "model/gltf-binary"),
            FixedFile::Weights => ("safetensors", "application/octet-stream"),
            FixedFile::Archive => ("zip", "application/zip"),
            FixedFile::Json => ("json", "application/json"),
            FixedFile::Note => ("txt", "text/plain; charset=utf-8"),
        }
    }

    pub(super) fn bytes(self) -> Bytes {
        match self {
            FixedFile::Audio => silence().into(),
            FixedFile::Video => Bytes::from_static(BLANK),
            FixedFile::Model => triangle().into(),
            FixedFile::Weights => Bytes::from_static(NO_WEIGHTS),
            FixedFile::Archive => Bytes::from_static(EMPTY_ZIP),
            FixedFile::Json => Bytes::from_static(b"{}"),
            FixedFile::Note => Bytes::from_static(NOTE.as_bytes()),
        }
    }
}

/// Returns a WAV file of one second: one channel, 8 bits, 8,000 samples a second.
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

/// Returns a binary glTF file with a mesh of one triangle.
fn triangle() -> Vec<u8> {
    const CORNERS: [[f32; 3]; 3] = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
    let mut scene = serde_json::json!({
        "asset": { "version": "2.0", "generator": "fal-emulator" },
        "scene": 0,
        "scenes": [{ "nodes": [0] }],
        "nodes": [{ "mesh": 0 }],
        "meshes": [{ "primitives": [{ "attributes": { "POSITION": 0 } }] }],
        "accessors": [{
            "bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 0],
        }],
        "bufferViews": [{ "buffer": 0, "byteLength": 36, "target": 34962 }],
        "buffers": [{ "byteLength": 36 }],
    })
    .to_string()
    .into_bytes();
    scene.resize(scene.len().next_multiple_of(4), b' ');
    let corners: Vec<u8> = CORNERS.as_flattened().iter().flat_map(|number| number.to_le_bytes()).collect();

    let mut glb = Vec::new();
    glb.extend(b"glTF");
    glb.extend(2_u32.to_le_bytes());
    glb.extend(((12 + 8 + scene.len() + 8 + corners.len()) as u32).to_le_bytes());
    for (kind, chunk) in [(b"JSON", scene), (b"BIN\0", corners)] {
        glb.extend((chunk.len() as u32).to_le_bytes());
        glb.extend(kind);
        glb.extend(chunk);
    }
    glb
}
