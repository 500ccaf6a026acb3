//! Blocks of deflate (RFC 1951): with codes of their own, with the fixed codes, or with the bytes as they are,
//! whichever is shortest.

use super::bits::{Bits, Writer, append};
use super::huffman::{self, Code, MOST_SYMBOLS};
use super::sequence::{Found, LONGEST, Sequence};

/// Letters, the block's end, lengths.
const LETTERS: usize = 286;
const DISTANCES: usize = 30;
const END: usize = 256;
/// Four letters, and what a byte may lack, then fit into 64 bits.
const LONGEST_CODE: usize = 14;
/// A block of bytes as they are holds no more.
const STORED_BYTES: usize = 65_535;
/// The code lengths of codes stand in this order.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The symbol of a repetition's length, without 257, and its extra bits.
const LENGTHS: [(u8, u8, u8); LONGEST + 1] = {
    const EXTRA: [u8; 29] =
        [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
    let mut table = [(0, 0, 0); LONGEST + 1];
    let (mut symbol, mut length) = (0, 3);
    while symbol < 28 {
        let mut at = 0;
        while at < 1 << EXTRA[symbol] && length < LONGEST {
            table[length] = (symbol as u8, EXTRA[symbol], at as u8);
            at += 1;
            length += 1;
        }
        symbol += 1;
    }
    table[LONGEST] = (28, 0, 0);
    table
};

/// The symbol of a distance, given one less than it, and how many extra bits it has.
#[inline(always)]
fn distance_symbol(distance: u32) -> (usize, u32) {
    if distance < 2 {
        return (distance as usize, 0);
    }
    let top = 31 - distance.leading_zeros();
    ((2 * top + (distance >> (top - 1) & 1)) as usize, top - 1)
}

/// Writes blocks; keeps its tables between them.
#[derive(Debug)]
pub(super) struct BlockWriter {
    counts: [u32; MOST_SYMBOLS],
    distance_counts: [u32; 32],
    codes: Codes,
}

/// The codes of a block.
#[derive(Debug)]
struct Codes {
    letter_lengths: [u8; MOST_SYMBOLS],
    distance_lengths: [u8; DISTANCES],
    letters: [Code; MOST_SYMBOLS],
    distances: [Code; 32],
}

impl Default for BlockWriter {
    fn default() -> Self {
        let codes = Codes {
            letter_lengths: [0; MOST_SYMBOLS],
            distance_lengths: [0; DISTANCES],
            letters: [0; MOST_SYMBOLS],
            distances: [0; 32],
        };
        Self { counts: [0; MOST_SYMBOLS], distance_counts: [0; 32], codes }
    }
}

impl BlockWriter {
    /// Appends what stands behind `start`, in which `found` was found.
    pub(super) fn write(
        &mut self,
        data: &[u8],
        start: usize,
        found: &Found,
        bits: &mut Bits,
        out: &mut Vec<u8>,
    ) {
        self.count(data, start, found);
        let extra_bits = self.extra_bits(found);
        self.codes.fix();
        let fixed_bits = 3 + extra_bits + self.code_bits();
        self.codes.fit(&self.counts, &self.distance_counts);
        let header = Header::of(&self.codes);
        let own_bits = 3 + extra_bits + self.code_bits() + header.bits();
        let raw_bytes = (data.len() - start) as u64;
        let stored_bits = raw_bytes * 8 + raw_bytes.div_ceil(STORED_BYTES as u64) * 40 + 8;
        if stored_bits <= own_bits.min(fixed_bits) {
            write_stored(&data[start..], bits, out);
        } else if fixed_bits <= own_bits {
            self.codes.fix();
            append(bits, out, fixed_bits, |writer| {
                writer.put_and_drain(0b010, 3);
                self.codes.write(data, start, &found.sequences, writer);
            });
        } else {
            append(bits, out, own_bits, |writer| {
                header.write(writer);
                self.codes.write(data, start, &found.sequences, writer);
            });
        }
    }

    /// How often each symbol occurs.
    fn count(&mut self, data: &[u8], start: usize, found: &Found) {
        // Two tables, since a letter often follows itself and would wait for its own count.
        let mut letters = [[0_u32; 256]; 2];
        self.distance_counts = [0; 32];
        let mut at = start;
        for sequence in &found.sequences {
            let mut left = sequence.letters as usize;
            let next = at + left + usize::from(sequence.length);
            while left > 4 {
                count_four(&data[at..], 4, &mut letters);
                at += 4;
                left -= 4;
            }
            count_four(&data[at..], left, &mut letters);
            if sequence.length > 0 {
                self.distance_counts[distance_symbol(u32::from(sequence.distance)).0 % 32] += 1;
            }
            at = next;
        }
        self.counts = [0; MOST_SYMBOLS];
        let [even, odd] = letters;
        self.counts.iter_mut().zip(even.into_iter().zip(odd)).for_each(|(count, (a, b))| *count = a + b);
        self.counts[END] = 1;
        for (length, count) in found.lengths.iter().enumerate().skip(3) {
            self.counts[END + 1 + usize::from(LENGTHS[length].0)] += count;
        }
    }

    /// The bits behind the codes of lengths and distances.
    fn extra_bits(&self, found: &Found) -> u64 {
        let of_lengths = found
            .lengths
            .iter()
            .zip(LENGTHS)
            .map(|(count, (_, extra, _))| u64::from(*count) * u64::from(extra));
        let of_distances = self
            .distance_counts
            .iter()
            .zip(0_u64..)
            .map(|(count, symbol)| u64::from(*count) * (symbol / 2).saturating_sub(1));
        of_lengths.sum::<u64>() + of_distances.sum::<u64>()
    }

    /// The bits of all codes.
    fn code_bits(&self) -> u64 {
        let sum = |counts: &[u32], lengths: &[u8]| -> u64 {
            counts.iter().zip(lengths).map(|(count, length)| u64::from(*count) * u64::from(*length)).sum()
        };
        sum(&self.counts, &self.codes.letter_lengths)
            + sum(&self.distance_counts, &self.codes.distance_lengths)
    }
}

impl Codes {
    /// The codes that need no description.
    fn fix(&mut self) {
        self.letter_lengths[..144].fill(8);
        self.letter_lengths[144..256].fill(9);
        self.letter_lengths[256..280].fill(7);
        self.letter_lengths[280..].fill(8);
        self.distance_lengths.fill(5);
        self.number();
    }

    /// The best codes for these counts.
    fn fit(&mut self, counts: &[u32; MOST_SYMBOLS], distance_counts: &[u32; 32]) {
        huffman::lengths(&counts[..LETTERS], LONGEST_CODE, &mut self.letter_lengths[..LETTERS]);
        self.letter_lengths[LETTERS..].fill(0);
        huffman::lengths(&distance_counts[..DISTANCES], LONGEST_CODE, &mut self.distance_lengths);
        self.number();
    }

    fn number(&mut self) {
        huffman::codes(&self.letter_lengths, &mut self.letters);
        huffman::codes(&self.distance_lengths, &mut self.distances);
    }

    /// Writes a block's content and its end.
    fn write(&self, data: &[u8], start: usize, sequences: &[Sequence], writer: &mut Writer<'_>) {
        // With its extra bits, a length is one of 256 codes.
        let mut lengths = [0_u32; LONGEST + 1];
        for (code, (symbol, extra, rest)) in lengths.iter_mut().zip(LENGTHS).skip(3) {
            let own = self.letters[END + 1 + usize::from(symbol)];
            let count = huffman::length(own);
            *code = huffman::bits(own) | u32::from(rest) << count | (count + u32::from(extra)) << 24;
        }
        let mut letters = [0; 256];
        letters.copy_from_slice(&self.letters[..256]);
        let mut at = start;
        for sequence in sequences {
            let mut left = sequence.letters as usize;
            let next = at + left + usize::from(sequence.length);
            while left > 4 {
                put_four(&data[at..], 4, &letters, writer);
                at += 4;
                left -= 4;
            }
            put_four(&data[at..], left, &letters, writer);
            if sequence.length > 0 {
                let length = lengths[usize::from(sequence.length).min(LONGEST)];
                writer.put(length & 0xFF_FFFF, length >> 24);
                let distance = u32::from(sequence.distance);
                let (symbol, extra) = distance_symbol(distance);
                let code = self.distances[symbol % 32];
                writer.put(huffman::bits(code), huffman::length(code));
                writer.put(distance & ((1 << extra) - 1), extra);
                writer.drain();
            }
            at = next;
        }
        let end = self.letters[END];
        writer.put_and_drain(huffman::bits(end), huffman::length(end));
    }
}

/// Counts the first `count` letters, at most four.
#[inline(always)]
fn count_four(data: &[u8], count: usize, letters: &mut [[u32; 256]; 2]) {
    if let Some(four) = data.first_chunk::<4>() {
        for (place, letter) in four.iter().enumerate() {
            letters[place % 2][usize::from(*letter)] += u32::from(place < count);
        }
    } else {
        data[..count].iter().for_each(|letter| letters[0][usize::from(*letter)] += 1);
    }
}

/// Writes the first `count` letters, at most four; without branches, since how many there are can hardly be foretold.
#[inline(always)]
fn put_four(data: &[u8], count: usize, letters: &[Code; 256], writer: &mut Writer<'_>) {
    if let Some(four) = data.first_chunk::<4>() {
        for (place, letter) in four.iter().enumerate() {
            let wanted = if place < count { u32::MAX } else { 0 };
            let code = letters[usize::from(*letter)] & wanted;
            writer.put(huffman::bits(code), huffman::length(code));
        }
    } else {
        for letter in &data[..count] {
            let code = letters[usize::from(*letter)];
            writer.put(huffman::bits(code), huffman::length(code));
        }
    }
    writer.drain();
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
        let letters = used(&codes.letter_lengths[..LETTERS], END + 1);
        let distances = used(&codes.distance_lengths, 1);
        let both: Vec<u8> = [&codes.letter_lengths[..letters], &codes.distance_lengths[..distances]].concat();
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
