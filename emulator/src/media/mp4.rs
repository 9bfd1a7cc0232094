//! A minimal writer of MP4 files with one video track.

/// A video track whose frames have the same duration. Only the first one can be decoded alone.
pub(super) struct Track {
    pub(super) width: u16,
    pub(super) height: u16,
    /// Frames a second.
    pub(super) fps: u32,
    /// The sequence parameter set and the picture parameter set.
    pub(super) parameters: [Vec<u8>; 2],
    pub(super) frames: Vec<Vec<u8>>,
}

/// The units of time in a frame.
const FRAME: u32 = 512;
const IDENTITY: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

impl Track {
    /// Returns the file. Its index comes first, so that it can be played while it is loaded.
    pub(super) fn file(&self) -> Vec<u8> {
        let kind = atom(b"ftyp", &[b"isom", &be(512), b"isomiso2avc1mp41"]);
        let length = self.index(0).len();
        let index = self.index((kind.len() + length + 8) as u32);
        let mut file = [kind, index].concat();
        let size: usize = self.frames.iter().map(|frame| frame.len() + 4).sum();
        file.extend(be(size as u32 + 8));
        file.extend(b"mdat");
        for frame in &self.frames {
            file.extend(be(frame.len() as u32));
            file.extend(frame);
        }
        file
    }

    /// Returns the index of a file in which the frames begin at `offset`.
    fn index(&self, offset: u32) -> Vec<u8> {
        let count = self.frames.len() as u32;
        let (scale, duration) = (be(self.fps * FRAME), be(count * FRAME));
        let (none, one) = (be(0), be(1));
        let matrix: Vec<u8> = IDENTITY.into_iter().flat_map(be).collect();
        let unset = [0; 24];
        let movie = atom(
            b"mvhd",
            &[&none, &none, &none, &scale, &duration, &be(0x1_0000), &[1, 0], &unset[..10], &matrix, &unset, &be(2)],
        );
        let (width, height) = (u32::from(self.width) << 16, u32::from(self.height) << 16);
        let track = atom(
            b"tkhd",
            &[&be(3), &none, &none, &one, &none, &duration, &unset[..16], &matrix, &be(width), &be(height)],
        );
        // `0x55c4` is an undetermined language.
        let media = atom(b"mdhd", &[&none, &none, &none, &scale, &duration, &[0x55, 0xc4, 0, 0]]);
        let handler = atom(b"hdlr", &[&none, &none, b"vide", &unset[..12], b"video\0"]);
        let header = atom(b"vmhd", &[&one, &unset[..8]]);
        let here = atom(b"dref", &[&none, &one, &atom(b"url ", &[&one])]);
        let table = atom(
            b"stbl",
            &[
                &atom(b"stsd", &[&none, &one, &self.description()]),
                &atom(b"stts", &[&none, &one, &be(count), &be(FRAME)]),
                &atom(b"stss", &[&none, &one, &one]),
                &atom(b"stsc", &[&none, &one, &one, &be(count), &one]),
                &atom(b"stsz", &[&none, &none, &be(count), &self.sizes()]),
                &atom(b"stco", &[&none, &one, &be(offset)]),
            ],
        );
        let information = atom(b"minf", &[&header, &atom(b"dinf", &[&here]), &table]);
        let media = atom(b"mdia", &[&media, &handler, &information]);
        atom(b"moov", &[&movie, &atom(b"trak", &[&track, &media])])
    }

    fn sizes(&self) -> Vec<u8> {
        self.frames.iter().flat_map(|frame| be(frame.len() as u32 + 4)).collect()
    }

    /// Returns the description of the frames.
    fn description(&self) -> Vec<u8> {
        let [sequence, picture] = &self.parameters;
        let length = |unit: &[u8]| (unit.len() as u16).to_be_bytes();
        let configuration = atom(
            b"avcC",
            &[
                // The profile, the constraints and the level. Lengths of frames have four bytes.
                &[1, sequence[1], sequence[2], sequence[3], 0xff, 0xe1],
                &length(sequence),
                sequence,
                &[1],
                &length(picture),
                picture,
            ],
        );
        let resolution = be(72 << 16);
        atom(
            b"avc1",
            &[
                &[0, 0, 0, 0, 0, 0, 0, 1],
                &[0; 16],
                &self.width.to_be_bytes(),
                &self.height.to_be_bytes(),
                &resolution,
                &resolution,
                &be(0),
                &[0, 1],
                &[0; 32],
                &[0, 24, 0xff, 0xff],
                &configuration,
                &atom(b"colr", &[b"nclx", &[0, 1, 0, 1, 0, 1, 0]]),
            ],
        )
    }
}

fn be(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

/// Returns a box of the file format.
fn atom(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut atom = Vec::with_capacity(length + 8);
    atom.extend(be(length as u32 + 8));
    atom.extend(kind);
    parts.iter().for_each(|part| atom.extend_from_slice(part));
    atom
}
