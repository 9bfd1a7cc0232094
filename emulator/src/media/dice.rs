/// A small deterministic random number generator (splitmix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// Returns 24 random bits.
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) >> 40
    }

    /// Returns a number from 0 to 1.
    pub(super) fn roll(&mut self) -> f32 {
        self.bits() as f32 / (1_u64 << 24) as f32
    }

    /// Returns a number from 0 to `count` - 1.
    pub(super) fn pick(&mut self, count: usize) -> usize {
        self.bits() as usize % count
    }
}
