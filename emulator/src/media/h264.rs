//! A minimal encoder of H.264 video, constrained baseline profile: pixels as they are, or as in the frame before. So it needs
//! no transformation and no prediction, and is fast in debug builds.

use crate::media::raster::Raster;

/// The side of a macroblock in pixels.
const BLOCK: usize = 16;
/// The macroblock type I_PCM, in a slice of intra-coded and one of predicted macroblocks.
const PCM: [u32; 2] = [25, 30];
/// The bits of a frame number.
const FRAME_NUMBER_BITS: u32 = 16;

/// An encoder of frames of one size.
pub(super) struct Encoder {
    width: usize,
    height: usize,
    /// The number of frames so far.
    count: u32,
}

/// A rectangle of macroblocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blocks {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Blocks {
    /// Returns the macroblocks of a rectangle of pixels.
    pub(super) fn around(left: usize, top: usize, right: usize, bottom: usize) -> Self {
        Blocks { left: left / BLOCK, top: top / BLOCK, right: right.div_ceil(BLOCK), bottom: bottom.div_ceil(BLOCK) }
    }

    /// Returns the bytes that the macroblocks take in a frame.
    pub(super) fn bytes(self) -> usize {
        (self.right - self.left) * (self.bottom - self.top) * (BLOCK * BLOCK * 3 / 2 + 2)
    }

    /// Copies the pixels of the macroblocks from one image to another of the same size.
    pub(super) fn copy(self, from: &Raster, to: &mut Raster) {
        let (left, right) = (self.left * BLOCK, (self.right * BLOCK).min(from.width));
        for y in self.top * BLOCK..(self.bottom * BLOCK).min(from.height) {
            let row = (y * from.width + left) * 3..(y * from.width + right) * 3;
            to.pixels[row.clone()].copy_from_slice(&from.pixels[row]);
        }
    }

    fn contain(self, column: usize, row: usize) -> bool {
        (self.left..self.right).contains(&column) && (self.top..self.bottom).contains(&row)
    }
}

impl Encoder {
    /// The sides have to be even.
    pub(super) fn new(width: usize, height: usize) -> Self {
        Encoder { width, height, count: 0 }
    }

    /// Returns the sequence parameter set and the picture parameter set.
    pub(super) fn parameters(&self) -> [Vec<u8>; 2] {
        const BASELINE: u32 = 66;
        const LEVEL: u32 = 42;
        let (columns, rows) = self.blocks();
        let mut sequence = Bits::default();
        sequence.put(BASELINE, 8);
        // The constraint sets 0 and 1.
        sequence.put(0b1100_0000, 8);
        sequence.put(LEVEL, 8);
        sequence.golomb(0);
        sequence.golomb(FRAME_NUMBER_BITS - 4);
        // Frames are shown in the order in which they are decoded, and refer to the one before.
        sequence.golomb(2);
        sequence.golomb(1);
        sequence.put(0, 1);
        sequence.golomb(columns as u32 - 1);
        sequence.golomb(rows as u32 - 1);
        // Frames are not interlaced.
        sequence.put(0b11, 2);
        let cropped = [columns * BLOCK - self.width, rows * BLOCK - self.height];
        sequence.put(1, 1);
        for pixels in [0, cropped[0], 0, cropped[1]] {
            sequence.golomb(pixels as u32 / 2);
        }
        // Colours are those of BT.709, with the limited range. No frame is shown later than it is decoded.
        sequence.put(1, 1);
        sequence.put(0b001, 3);
        sequence.put(5, 3);
        sequence.put(0b01, 2);
        (0..3).for_each(|_| sequence.put(1, 8));
        sequence.put(0b00000, 5);
        sequence.put(0b11, 2);
        for number in [0, 0, 16, 16, 0, 1] {
            sequence.golomb(number);
        }

        let mut picture = Bits::default();
        picture.golomb(0);
        picture.golomb(0);
        picture.put(0b00, 2);
        (0..3).for_each(|_| picture.golomb(0));
        picture.put(0b000, 3);
        (0..3).for_each(|_| picture.golomb(0));
        picture.put(0b100, 3);
        [unit(0x67, sequence), unit(0x68, picture)]
    }

    /// Encodes a frame. Only `changed` macroblocks differ from the frame before, and all of them in the first frame.
    pub(super) fn frame(&mut self, image: &Raster, changed: &[Blocks]) -> Vec<u8> {
        let is_first = self.count == 0;
        let mut bits = Bits::default();
        bits.golomb(0);
        bits.golomb(if is_first { 7 } else { 5 });
        bits.golomb(0);
        bits.put(self.count, FRAME_NUMBER_BITS);
        if is_first {
            bits.golomb(0);
        }
        // Neither another number of references nor another order, nor special marks.
        bits.put(0, 2);
        if !is_first {
            bits.put(0, 1);
        }
        // No change of quality, and no filter at the borders of macroblocks.
        bits.golomb(0);
        bits.golomb(1);

        let (columns, rows) = self.blocks();
        let mut skipped = 0;
        for (column, row) in (0..columns * rows).map(|index| (index % columns, index / columns)) {
            if !is_first && !changed.iter().any(|blocks| blocks.contain(column, row)) {
                skipped += 1;
                continue;
            }
            if !is_first {
                bits.golomb(skipped);
                skipped = 0;
            }
            bits.golomb(PCM[usize::from(!is_first)]);
            bits.align();
            block(image, column * BLOCK, row * BLOCK, &mut bits.bytes);
        }
        if skipped > 0 {
            bits.golomb(skipped);
        }
        self.count += 1;
        unit(if is_first { 0x65 } else { 0x41 }, bits)
    }

    /// Returns the number of columns and rows of macroblocks.
    fn blocks(&self) -> (usize, usize) {
        (self.width.div_ceil(BLOCK), self.height.div_ceil(BLOCK))
    }
}

/// Adds the samples of a macroblock: brightness, and two differences of colours for every four pixels.
fn block(image: &Raster, left: usize, top: usize, samples: &mut Vec<u8>) {
    let mut chroma = [[[0_i32; 3]; BLOCK / 2]; BLOCK / 2];
    for y in 0..BLOCK {
        let row = (top + y).min(image.height - 1) * image.width;
        for x in 0..BLOCK {
            let at = (row + (left + x).min(image.width - 1)) * 3;
            let [red, green, blue] = [0, 1, 2].map(|channel| i32::from(image.pixels[at + channel]));
            samples.push((16 + ((47 * red + 157 * green + 16 * blue + 128) >> 8)) as u8);
            let sum = &mut chroma[y / 2][x / 2];
            *sum = [sum[0] + red, sum[1] + green, sum[2] + blue];
        }
    }
    let colours = chroma.as_flattened();
    samples
        .extend(colours.iter().map(|[red, green, blue]| (128 + ((-26 * red - 86 * green + 112 * blue) >> 10)) as u8));
    samples
        .extend(colours.iter().map(|[red, green, blue]| (128 + ((112 * red - 102 * green - 10 * blue) >> 10)) as u8));
}

/// Bits that are written from the highest one down.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// The bits after the last whole byte.
    rest: u32,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, bits: u32) {
        for bit in (0..bits).rev() {
            self.rest = self.rest << 1 | value >> bit & 1;
            self.count += 1;
            if self.count == 8 {
                self.bytes.push(self.rest as u8);
                (self.rest, self.count) = (0, 0);
            }
        }
    }

    /// Writes a number as an exponential Golomb code.
    fn golomb(&mut self, number: u32) {
        let bits = (number + 1).ilog2();
        self.put(0, bits);
        self.put(number + 1, bits + 1);
    }

    /// Writes zeros up to the next byte.
    fn align(&mut self) {
        while self.count > 0 {
            self.put(0, 1);
        }
    }
}

/// Returns a unit of the network abstraction layer, in which no start code occurs.
fn unit(head: u8, mut bits: Bits) -> Vec<u8> {
    bits.put(1, 1);
    bits.align();
    let mut unit = Vec::with_capacity(bits.bytes.len() + 16);
    unit.push(head);
    let mut zeros = 0;
    for byte in bits.bytes {
        if zeros == 2 && byte <= 3 {
            unit.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        unit.push(byte);
    }
    unit
}
