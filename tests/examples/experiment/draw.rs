//! Seeds and parameters that nobody chose: they follow from the name of a commit, so that they cannot have been known when
//! the detection in it was made, and everybody can draw them again.

/// Draws for one commit.
pub(crate) struct Draws {
    commit: String,
}

impl Draws {
    /// For that commit's full name.
    pub(crate) fn new(commit: &str) -> Self {
        Self {
            commit: commit.to_owned(),
        }
    }

    /// A number for a purpose and its turn.
    pub(crate) fn number(&self, purpose: &str, turn: u64) -> u64 {
        // FNV-1a over commit and purpose, then splitmix64's finaliser: neighbouring turns differ in all bits.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in self.commit.bytes().chain([b' ']).chain(purpose.bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let value = hash.wrapping_add(turn.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// A number between two others, both included.
    pub(crate) fn between(&self, purpose: &str, turn: u64, low: u64, high: u64) -> u64 {
        low + self.number(purpose, turn) % (high - low + 1)
    }
}
