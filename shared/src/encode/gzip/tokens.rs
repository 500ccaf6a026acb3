//! What is found in a block, as the symbols of deflate (RFC 1951, 3.2.5): letters, the block's end, lengths, distances.

use super::repeats::LONGEST;

/// A symbol in its lower half, and above it the value of the bits that stand behind the symbol's code.
pub(super) type Token = u32;

/// The symbol of a block's end; those of lengths follow it.
pub(super) const END: u32 = 256;
/// The first symbol of distances, which here stand behind all others.
pub(super) const DISTANCES: u32 = 288;
/// The room of a table by symbol: no index of so many bits is outside.
pub(super) const SYMBOLS: usize = 512;

#[inline(always)]
pub(super) fn symbol(token: Token) -> usize {
    token as usize % SYMBOLS
}

#[inline(always)]
pub(super) fn extra(token: Token) -> u32 {
    token >> 16
}

/// How many bits stand behind a symbol's code.
pub(super) const EXTRA_BITS: [u8; SYMBOLS] = {
    let mut table = [0; SYMBOLS];
    // The last of the 29 lengths is the longest, which has a symbol of its own.
    let mut length = 8;
    while length < 28 {
        table[END as usize + 1 + length] = (length / 4 - 1) as u8;
        length += 1;
    }
    let mut distance = 4;
    while distance < 30 {
        table[DISTANCES as usize + distance] = (distance / 2 - 1) as u8;
        distance += 1;
    }
    table
};

/// The token of each length.
const LENGTHS: [Token; LONGEST + 1] = {
    let mut table = [0; LONGEST + 1];
    let (mut symbol, mut length) = (END + 1, 3);
    while length < LONGEST {
        let mut extra = 0;
        while extra < 1 << EXTRA_BITS[symbol as usize] && length < LONGEST {
            table[length] = symbol | extra << 16;
            extra += 1;
            length += 1;
        }
        symbol += 1;
    }
    table[LONGEST] = symbol;
    table
};

/// The tokens of one block after the other.
///
/// They lie flat, so that whoever counts or writes them goes straight through: how many letters come between two
/// repetitions can hardly be foretold.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// Those behind the first `count` mean nothing.
    tokens: Vec<Token>,
    count: usize,
}

/// Letters are taken so many at once; what is too much is overwritten.
const LETTERS_AT_ONCE: usize = 8;

impl Tokens {
    /// Begins a block of so many bytes.
    pub(super) fn begin(&mut self, block_bytes: usize) {
        self.count = 0;
        // A repetition is longer than its two tokens, and the end has one too.
        let room = block_bytes + 1 + LETTERS_AT_ONCE;
        if self.tokens.len() < room {
            self.tokens.resize(room, 0);
        }
    }

    pub(super) fn as_slice(&self) -> &[Token] {
        &self.tokens[..self.count]
    }

    /// The first `count` letters of `data`, which may go on behind them.
    #[inline(always)]
    pub(super) fn letters(&mut self, mut data: &[u8], mut count: usize) {
        loop {
            let place =
                self.tokens.get_mut(self.count..).and_then(<[Token]>::first_chunk_mut::<LETTERS_AT_ONCE>);
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
        data[..count].iter().for_each(|letter| self.push(u32::from(*letter)));
    }

    /// `length` bytes, 3 to 258, as they stand `distance` before, 1 to 32,768.
    #[inline(always)]
    pub(super) fn repeat(&mut self, length: usize, distance: usize) {
        self.push(LENGTHS[length.min(LONGEST)]);
        #[expect(clippy::cast_possible_truncation, reason = "see above")]
        let distance = distance as u32 - 1;
        let top = (distance | 1).ilog2();
        let (symbol, bits) =
            if distance < 2 { (distance, 0) } else { (2 * top + (distance >> (top - 1) & 1), top - 1) };
        self.push((DISTANCES + symbol) | (distance & ((1 << bits) - 1)) << 16);
    }

    /// The block's end.
    pub(super) fn end(&mut self) {
        self.push(END);
    }

    #[inline(always)]
    fn push(&mut self, token: Token) {
        // There always is room. Said by an index, it costs three percent of the time.
        if let Some(place) = self.tokens.get_mut(self.count) {
            *place = token;
        }
        self.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 1951, 3.2.5: where the lengths of symbols 257 to 285 begin.
    const LENGTHS_FROM: [usize; 29] = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163,
        195, 227, 258,
    ];
    /// The same of the distances of symbols 0 to 29.
    const DISTANCES_FROM: [usize; 30] = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
        3073, 4097, 6145, 8193, 12289, 16385, 24577,
    ];

    #[test]
    fn lengths_and_distances_are_those_of_rfc_1951() {
        let mut tokens = Tokens::default();
        for (length, distance) in (1..=32_768).map(|distance| (3 + distance % 256, distance)) {
            tokens.begin(length);
            tokens.repeat(length, distance);
            let [of_length, of_distance] = *tokens.as_slice() else { panic!("{:?}", tokens.as_slice()) };
            for token in [of_length, of_distance] {
                assert!(extra(token) < 1 << EXTRA_BITS[symbol(token)], "{length} {distance}");
            }
            assert_eq!(LENGTHS_FROM[symbol(of_length) - 257] + extra(of_length) as usize, length);
            let from = DISTANCES_FROM[symbol(of_distance) - DISTANCES as usize];
            assert_eq!(from + extra(of_distance) as usize, distance);
        }
        // No more bits than each needs. The longest length has its own symbol, though the one before could tell it.
        tokens.begin(LONGEST);
        tokens.repeat(LONGEST, 1);
        assert_eq!(tokens.as_slice()[0], 285);
        for (from, symbols) in [(257, &LENGTHS_FROM[..28]), (DISTANCES as usize, &DISTANCES_FROM[..])] {
            for (bits, pair) in EXTRA_BITS[from..].iter().zip(symbols.windows(2)) {
                assert_eq!(pair[0] + (1 << bits), pair[1]);
            }
        }
    }

    #[test]
    fn letters_end_where_they_are_to() {
        let data: Vec<u8> = (0..40).collect();
        let mut tokens = Tokens::default();
        for (count, behind) in (0..=20).flat_map(|count| (0..=20).map(move |behind| (count, behind))) {
            tokens.begin(count);
            tokens.letters(&data[..count + behind], count);
            tokens.end();
            let expected: Vec<Token> = (0..256).take(count).chain([END]).collect();
            assert_eq!(tokens.as_slice(), expected, "{count} {behind}");
        }
    }

    #[test]
    fn a_block_of_letters_has_room() {
        let mut tokens = Tokens::default();
        for block_bytes in [1, 100, 10] {
            tokens.begin(block_bytes);
            tokens.letters(&vec![7; block_bytes], block_bytes - 1);
            tokens.letters(&[7], 1);
            tokens.end();
            assert_eq!(tokens.as_slice().len(), block_bytes + 1);
        }
    }
}
