//! What a search finds in a block: letters as they are, and repetitions of what stood before.

use super::BLOCK_BYTES;

/// The farthest repetition.
pub(super) const WINDOW_BYTES: usize = 32 * 1024;
/// The longest repetition.
pub(super) const LONGEST: usize = 258;
/// No search begins closer to the end than this, so that eight bytes can always be read.
pub(super) const END_BYTES: usize = 16;

/// What stands in a block, in its order: letters, of each repetition its length and its distance, and the end. Each is a
/// symbol in the lower half, and above it the value of the bits behind its code.
///
/// They lie flat, so that whoever counts or writes them goes straight through: how many letters come between two
/// repetitions can hardly be foretold.
#[derive(Debug)]
pub(super) struct Tokens {
    /// Of those behind the first `count` nothing is to be read.
    tokens: Vec<u32>,
    count: usize,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { tokens: vec![0; BLOCK_BYTES + LETTERS_AT_ONCE], count: 0 }
    }
}

/// Letters are taken so many at once; what is too much is overwritten.
const LETTERS_AT_ONCE: usize = 8;

impl Tokens {
    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    pub(super) fn as_slice(&self) -> &[u32] {
        &self.tokens[..self.count]
    }

    /// The first letters of `data`, which may go on behind them.
    #[inline(always)]
    pub(super) fn letters(&mut self, mut data: &[u8], mut count: usize) {
        loop {
            let place = self.tokens.get_mut(self.count..).and_then(|rest| rest.first_chunk_mut::<LETTERS_AT_ONCE>());
            let (Some(letters), Some(place)) = (data.first_chunk::<LETTERS_AT_ONCE>(), place) else { break };
            place.iter_mut().zip(letters).for_each(|(token, letter)| *token = u32::from(*letter));
            if count <= LETTERS_AT_ONCE {
                self.count += count;
                return;
            }
            self.count += LETTERS_AT_ONCE;
            count -= LETTERS_AT_ONCE;
            data = &data[LETTERS_AT_ONCE..];
        }
        for letter in &data[..count] {
            self.push(u32::from(*letter));
        }
    }

    /// `length` bytes, 3 to 258, as they stand `distance` before, 1 to 32,768.
    #[inline(always)]
    pub(super) fn repeat(&mut self, length: usize, distance: usize) {
        self.push(LENGTHS[length.min(LONGEST)]);
        #[expect(clippy::cast_possible_truncation, reason = "see above")]
        let distance = distance as u32 - 1;
        let top = 31 - (distance | 1).leading_zeros();
        let (symbol, extra) = if distance < 2 { (distance, 0) } else { (2 * top + (distance >> (top - 1) & 1), top - 1) };
        self.push((DISTANCES as u32 + symbol) | ((distance & ((1 << extra) - 1)) << 16));
    }

    /// Nothing else comes.
    pub(super) fn end(&mut self) {
        self.push(END as u32);
    }

    #[inline(always)]
    fn push(&mut self, token: u32) {
        if let Some(place) = self.tokens.get_mut(self.count) {
            *place = token;
        }
        self.count += 1;
    }
}

/// Where the symbols of distances begin among all.
pub(super) const DISTANCES: usize = 288;
/// The symbol of a block's end.
pub(super) const END: usize = 256;

/// The token of a repetition's length.
const LENGTHS: [u32; LONGEST + 1] = {
    let mut table = [0; LONGEST + 1];
    let (mut symbol, mut length) = (0, 3);
    while symbol < 28 {
        let mut at = 0;
        while at < 1 << EXTRA_BITS[END + 1 + symbol] && length < LONGEST {
            table[length] = (END + 1 + symbol) as u32 | at << 16;
            at += 1;
            length += 1;
        }
        symbol += 1;
    }
    table[LONGEST] = (END + 1 + 28) as u32;
    table
};

/// How many bits stand behind a symbol's code.
pub(super) const EXTRA_BITS: [u8; DISTANCES + 32] = {
    let mut table = [0; DISTANCES + 32];
    // The last length, the longest, has a symbol of its own.
    let mut length = 8;
    while length < 28 {
        table[END + 1 + length] = (length / 4 - 1) as u8;
        length += 1;
    }
    let mut distance = 4;
    while distance < 30 {
        table[DISTANCES + distance] = (distance / 2 - 1) as u8;
        distance += 1;
    }
    table
};

/// The eight bytes at `at`; zeros behind the end.
#[inline(always)]
pub(super) fn eight_at(data: &[u8], at: usize) -> u64 {
    data.get(at..at + 8)
        .and_then(|bytes| bytes.first_chunk::<8>())
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// How many bytes at `at` are as `distance` before, of which eight are known to be; not more than `most`, which are there.
#[inline(always)]
pub(super) fn same_length(data: &[u8], at: usize, distance: usize, most: usize) -> usize {
    let (here, there) = (&data[at + 8..at + most], &data[at + 8 - distance..at + most - distance]);
    let (here, here_rest) = here.as_chunks::<8>();
    let (there, there_rest) = there.as_chunks::<8>();
    let mut length = 8;
    for (here, there) in here.iter().zip(there) {
        let differing = u64::from_le_bytes(*here) ^ u64::from_le_bytes(*there);
        if differing != 0 {
            return length + (differing.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    length + here_rest.iter().zip(there_rest).take_while(|(here, there)| here == there).count()
}

/// A place in a table for eight bytes.
#[inline(always)]
pub(super) fn hash<const BITS: u32>(eight: u64) -> usize {
    (eight.wrapping_mul(0x9E37_79B1_85EB_CA87) >> (64 - BITS)) as usize
}
