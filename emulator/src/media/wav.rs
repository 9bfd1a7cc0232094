/// Samples a second.
pub(crate) const RATE: u32 = 22_050;
/// The longest sound in milliseconds. Longer ones are reduced to it.
pub(crate) const MAX_MILLISECONDS: u32 = 180_000;

/// The bytes before the samples.
const HEAD: usize = 44;

/// The kind of a sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sound {
    Music,
    Speech,
}

impl Sound {
    const ALL: [Sound; 2] = [Sound::Music, Sound::Speech];

    pub(super) fn name(self) -> &'static str {
        match self {
            Sound::Music => "music",
            Sound::Speech => "speech",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Sound::ALL.into_iter().find(|sound| sound.name() == name)
    }
}

/// Returns the number of samples in a time.
pub(super) fn samples(milliseconds: u32) -> usize {
    (u64::from(milliseconds) * u64::from(RATE) / 1000) as usize
}

/// Returns the bytes of a file.
pub(crate) fn file_size(milliseconds: u32) -> usize {
    HEAD + samples(milliseconds) * 2
}

/// Returns a WAV file of one channel with 16 bits a sample.
pub(super) fn file(samples: &[i16]) -> Vec<u8> {
    let size = samples.len() as u32 * 2;
    let mut wav = Vec::with_capacity(HEAD + size as usize);
    wav.extend(b"RIFF");
    wav.extend((36 + size).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    wav.extend([1, 0, 1, 0]);
    wav.extend(RATE.to_le_bytes());
    wav.extend((RATE * 2).to_le_bytes());
    wav.extend([2, 0, 16, 0]);
    wav.extend(b"data");
    wav.extend(size.to_le_bytes());
    wav.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    wav
}
