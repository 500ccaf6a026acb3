//! Blocks of deflate (RFC 1951): with codes of their own, with the fixed codes, or with the bytes as they are,
//! whichever is shortest.

use std::ops::Range;

use super::bits::{Bits, Writer, append};
use super::huffman::{self, Code, MOST_SYMBOLS};
use super::tokens::{DISTANCES, END, EXTRA_BITS, SYMBOLS, Token, Tokens, extra, symbol};

/// Letters, the block's end, lengths.
const OF_LETTERS: Range<usize> = 0..286;
/// The same with two lengths on which the fixed codes count, and which never occur.
const OF_FIXED_LETTERS: Range<usize> = 0..MOST_SYMBOLS;
const OF_DISTANCES: Range<usize> = DISTANCES as usize..DISTANCES as usize + 30;
/// Deflate knows codes of 15 bits, but to say that some are so long costs a header more than they save. Two with what stands
/// behind them fit into what a writer takes at once.
const LONGEST_CODE: usize = 14;
/// A block of bytes as they are holds no more.
const STORED_BYTES: usize = 65_535;
/// The code lengths of codes stand in this order.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Writes blocks; keeps its tables between them.
#[derive(Debug)]
pub(super) struct BlockWriter {
    counts: [u32; SYMBOLS],
    codes: Codes,
}

/// The codes of a block.
#[derive(Debug)]
struct Codes {
    lengths: [u8; SYMBOLS],
    by_symbol: [Code; SYMBOLS],
}

impl Default for BlockWriter {
    fn default() -> Self {
        let codes = Codes { lengths: [0; SYMBOLS], by_symbol: [0; SYMBOLS] };
        Self { counts: [0; SYMBOLS], codes }
    }
}

impl BlockWriter {
    /// Appends `data`, in which `tokens` were found.
    pub(super) fn write(&mut self, data: &[u8], tokens: &Tokens, bits: &mut Bits, out: &mut Vec<u8>) {
        let tokens = tokens.as_slice();
        self.count(tokens);
        self.codes.fix();
        let fixed_bits = 3 + self.bits();
        self.codes.fit(&self.counts);
        let header = Header::of(&self.codes);
        let own_bits = 3 + self.bits() + header.bits();
        let raw_bytes = data.len() as u64;
        let stored_bits = raw_bytes * 8 + raw_bytes.div_ceil(STORED_BYTES as u64) * 40 + 8;
        if stored_bits <= own_bits.min(fixed_bits) {
            write_stored(data, bits, out);
        } else if fixed_bits <= own_bits {
            self.codes.fix();
            append(bits, out, fixed_bits, |writer| {
                writer.put_and_drain(0b010, 3);
                self.codes.write(tokens, writer);
            });
        } else {
            append(bits, out, own_bits, |writer| {
                header.write(writer);
                self.codes.write(tokens, writer);
            });
        }
    }

    /// How often each symbol occurs.
    fn count(&mut self, tokens: &[Token]) {
        // Several tables, since a letter often follows itself and would wait for its own count.
        let mut tables = [[0_u32; SYMBOLS]; 4];
        let (fours, rest) = tokens.as_chunks::<4>();
        for four in fours {
            tables.iter_mut().zip(four).for_each(|(table, token)| table[symbol(*token)] += 1);
        }
        for token in rest {
            tables[0][symbol(*token)] += 1;
        }
        for (at, count) in self.counts.iter_mut().enumerate() {
            *count = tables.iter().map(|table| table[at]).sum();
        }
    }

    /// The bits of all tokens.
    fn bits(&self) -> u64 {
        let lengths = self.codes.lengths.iter().zip(EXTRA_BITS).map(|(length, extra)| length + extra);
        self.counts.iter().zip(lengths).map(|(count, length)| u64::from(*count) * u64::from(length)).sum()
    }
}

impl Codes {
    /// The codes that need no description.
    fn fix(&mut self) {
        self.lengths[..144].fill(8);
        self.lengths[144..256].fill(9);
        self.lengths[256..280].fill(7);
        self.lengths[280..MOST_SYMBOLS].fill(8);
        self.lengths[OF_DISTANCES].fill(5);
        self.number();
    }

    /// The best codes for these counts.
    fn fit(&mut self, counts: &[u32; SYMBOLS]) {
        self.lengths.fill(0);
        for symbols in [OF_LETTERS, OF_DISTANCES] {
            huffman::lengths(&counts[symbols.clone()], LONGEST_CODE, &mut self.lengths[symbols]);
        }
        self.number();
    }

    fn number(&mut self) {
        for symbols in [OF_FIXED_LETTERS, OF_DISTANCES] {
            huffman::codes(&self.lengths[symbols.clone()], &mut self.by_symbol[symbols]);
        }
    }

    /// Writes a block's content and its end.
    fn write(&self, tokens: &[Token], writer: &mut Writer<'_>) {
        // A code, its length, and that with what stands behind it.
        let mut table = [0_u32; SYMBOLS];
        for (entry, (code, extra)) in table.iter_mut().zip(self.by_symbol.iter().zip(EXTRA_BITS)) {
            let length = huffman::length(*code);
            *entry = huffman::bits(*code) | length << 16 | (length + u32::from(extra)) << 24;
        }
        let put = |token: &Token, writer: &mut Writer<'_>| {
            let entry = table[symbol(*token)];
            writer.put(entry & 0xFFFF | extra(*token) << (entry >> 16 & 0xF), entry >> 24);
        };
        let (pairs, rest) = tokens.as_chunks::<2>();
        for [first, second] in pairs {
            put(first, writer);
            put(second, writer);
            writer.drain();
        }
        for last in rest {
            put(last, writer);
            writer.drain();
        }
    }
}

/// What a block says about its codes.
struct Header {
    letters: usize,
    distances: usize,
    /// The lengths of both, as symbols with what follows them and in how many bits.
    parts: Vec<(u8, u8, u8)>,
    lengths: [u8; 19],
    /// How many of `lengths` are written.
    used: usize,
}

impl Header {
    fn of(codes: &Codes) -> Self {
        let used = |lengths: &[u8], least: usize| {
            lengths.iter().rposition(|length| *length > 0).map_or(0, |last| last + 1).max(least)
        };
        let (of_letters, of_distances) = (&codes.lengths[OF_LETTERS], &codes.lengths[OF_DISTANCES]);
        let letters = used(of_letters, END as usize + 1);
        let distances = used(of_distances, 1);
        let both: Vec<u8> = [&of_letters[..letters], &of_distances[..distances]].concat();
        let mut parts = Vec::with_capacity(both.len());
        for same in both.chunk_by(|a, b| a == b) {
            push_run(same[0], same.len(), &mut parts);
        }
        let mut counts = [0; 19];
        parts.iter().for_each(|(symbol, _, _)| counts[usize::from(*symbol)] += 1);
        let mut lengths = [0; 19];
        huffman::lengths(&counts, 7, &mut lengths);
        let used = ORDER.iter().rposition(|symbol| lengths[*symbol] > 0).map_or(0, |last| last + 1).max(4);
        Self { letters, distances, parts, lengths, used }
    }

    fn bits(&self) -> u64 {
        let part = |(symbol, _, extra): &(u8, u8, u8)| {
            u64::from(self.lengths[usize::from(*symbol)]) + u64::from(*extra)
        };
        14 + 3 * self.used as u64 + self.parts.iter().map(part).sum::<u64>()
    }

    fn write(&self, writer: &mut Writer<'_>) {
        #[expect(clippy::cast_possible_truncation, reason = "at most 31")]
        let small = |count: usize| count as u32;
        writer.put_and_drain(0b100, 3);
        writer.put_and_drain(small(self.letters - 257), 5);
        writer.put_and_drain(small(self.distances - 1), 5);
        writer.put_and_drain(small(self.used - 4), 4);
        for symbol in &ORDER[..self.used] {
            writer.put_and_drain(self.lengths[*symbol].into(), 3);
        }
        let mut codes = [0; 19];
        huffman::codes(&self.lengths, &mut codes);
        for (symbol, value, extra) in &self.parts {
            let code = codes[usize::from(*symbol)];
            writer.put(huffman::bits(code), huffman::length(code));
            writer.put_and_drain((*value).into(), (*extra).into());
        }
    }
}

/// A run of code lengths: 16 repeats the last one, 17 and 18 are zeros.
fn push_run(length: u8, mut count: usize, parts: &mut Vec<(u8, u8, u8)>) {
    #[expect(clippy::cast_possible_truncation, reason = "at most 127")]
    let more = |count: usize, least: usize| (count - least) as u8;
    if length == 0 {
        while count >= 11 {
            let some = count.min(138);
            parts.push((18, more(some, 11), 7));
            count -= some;
        }
        if count >= 3 {
            parts.push((17, more(count, 3), 3));
            count = 0;
        }
    } else {
        parts.push((length, 0, 0));
        count -= 1;
        while count >= 3 {
            let some = count.min(6);
            parts.push((16, more(some, 3), 2));
            count -= some;
        }
    }
    parts.extend(std::iter::repeat_n((length, 0, 0), count));
}

/// Appends bytes as they are.
fn write_stored(data: &[u8], bits: &mut Bits, out: &mut Vec<u8>) {
    for part in data.chunks(STORED_BYTES) {
        align(0b000, bits, out);
        #[expect(clippy::cast_possible_truncation, reason = "at most 65,535")]
        let length = part.len() as u16;
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(part);
    }
}

/// Appends an empty block behind which a byte begins.
pub(super) fn write_border(bits: &mut Bits, out: &mut Vec<u8>) {
    align(0b000, bits, out);
    out.extend_from_slice(&[0, 0, 0xFF, 0xFF]);
}

/// Appends the last block, an empty one, and fills the byte.
pub(super) fn write_last(bits: &mut Bits, out: &mut Vec<u8>) {
    append(bits, out, 24, |writer| {
        writer.put(0b011, 10);
        writer.fill_byte();
    });
}

/// Appends a block's kind and fills the byte.
fn align(kind: u32, bits: &mut Bits, out: &mut Vec<u8>) {
    append(bits, out, 16, |writer| {
        writer.put(kind, 3);
        writer.fill_byte();
    });
}
