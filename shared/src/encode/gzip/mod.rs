//! One gzip member as a stream of its own: MTIME 0, no name, OS 255 (FORMATS, Names).
//!
//! The compressor is ours. What is exported repeats itself from row to row in long pieces, and the numbers and ids
//! between them do not compress: a search that looks at eight bytes at once and codes everything shorter as letters
//! is both faster and smaller here than the general libraries (README, Speed). It is safe code, gives the same bytes
//! on every machine, and takes its input as it comes.
//!
//! The input comes in *units*: nothing is looked for across their borders, and each begins at a byte. So units can
//! be compressed beside each other, and the bytes are the same whoever does it.

mod beside;
mod bits;
mod block;
mod fast;
mod huffman;
mod repeats;
mod thorough;
mod tokens;

#[cfg(test)]
mod tests;

use crc32fast::Hasher;

use super::GzipLevel;
use beside::{Counted, Waiting};
use bits::Bits;
use block::BlockWriter;
use fast::Fast;
use thorough::Thorough;
use tokens::Tokens;

/// Deflate, no flags, MTIME 0, no extra flags, OS 255 (unknown).
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// A block of deflate, with codes of its own, is at most this long before compression.
const BLOCK_BYTES: usize = 128 * 1024;
/// What each of a few more writes can cost beside its bytes: a block's header, padding, a unit's end.
const WRITE_BYTES: u64 = 12;
/// How many more writes [`GzipStream::worst_bytes`] counts on.
const WRITES: u64 = 8;
const TRAILER_BYTES: u64 = 8;
/// A longer unit, of a huge row, is not handed over, so that memory never holds two of them.
const MOST_HELPED_BYTES: usize = 4 * 1024 * 1024;

/// Compresses units into one member and knows how long it is and how long it can become.
#[derive(Debug)]
pub(super) struct GzipStream {
    level: GzipLevel,
    deflater: Deflater,
    bits: Bits,
    crc: Hasher,
    raw_bytes: u64,
    /// Of all that is compressed.
    stored_bytes: u64,
    /// Where the blocks of the unit end that are not compressed yet, and how much of the unit is.
    cuts: Vec<usize>,
    compressed: usize,
    /// Raw bytes that are not compressed yet, as far as is known.
    open_bytes: u64,
    waiting: Waiting,
    _counted: Counted,
}

impl GzipStream {
    /// A member of which nothing is written yet.
    pub(super) fn new(level: GzipLevel) -> Self {
        Self {
            level,
            deflater: Deflater::new(level),
            bits: Bits::default(),
            crc: Hasher::new(),
            raw_bytes: 0,
            stored_bytes: 0,
            cuts: Vec::new(),
            compressed: 0,
            open_bytes: 0,
            waiting: Waiting::default(),
            _counted: Counted::new(),
        }
    }

    /// Takes what stands behind `from`, a block, in a unit of which the bytes before were taken already. What is
    /// ready is appended to `out`.
    pub(super) fn write(&mut self, unit: &[u8], from: usize, out: &mut Vec<u8>) {
        self.begin(out);
        self.crc.update(&unit[from..]);
        self.raw_bytes += (unit.len() - from) as u64;
        self.open_bytes += (unit.len() - from) as u64;
        self.cuts.push(unit.len());
        // A unit that somebody may take is left to him whole.
        if self.compressed > 0 || !beside::is_help_near() {
            self.compress(unit, out);
        }
    }

    /// Ends the unit, which is emptied. The next write begins another.
    pub(super) fn end_unit(&mut self, unit: &mut Vec<u8>, out: &mut Vec<u8>) {
        self.begin(out);
        let may_help = self.compressed == 0 && !self.cuts.is_empty() && unit.len() <= MOST_HELPED_BYTES;
        if may_help && beside::is_help_near() {
            let (level, cuts) = (self.level, std::mem::take(&mut self.cuts));
            let capacity = unit.capacity();
            let helped = self.waiting.help(std::mem::take(unit), {
                let cuts = cuts.clone();
                move |unit| unit_alone(level, unit, &cuts)
            });
            match helped {
                Ok(()) => {
                    unit.reserve(capacity);
                    return self.drain(false, out);
                }
                Err(back) => (*unit, self.cuts) = (back, cuts),
            }
        }
        self.compress(unit, out);
        self.append(out, |stream, out| block::write_border(&mut stream.bits, out));
        self.compressed = 0;
        unit.clear();
        self.drain(false, out);
    }

    /// Compresses all that was taken, the unit's blocks too, so that [`Self::worst_bytes`] says no more than it must.
    pub(super) fn settle(&mut self, unit: &[u8], out: &mut Vec<u8>) {
        self.compress(unit, out);
        self.drain(true, out);
    }

    /// Ends the member, of which `unit` is the last; the number of its bytes.
    pub(super) fn finish(mut self, unit: &[u8], out: &mut Vec<u8>) -> u64 {
        self.begin(out);
        self.settle(unit, out);
        self.append(out, |stream, out| block::write_last(&mut stream.bits, out));
        let mut trailer = [0; 8];
        let (crc, size) = trailer.split_at_mut(4);
        crc.copy_from_slice(&self.crc.clone().finalize().to_le_bytes());
        // The format keeps the size modulo 2^32.
        #[expect(clippy::cast_possible_truncation, reason = "as RFC 1952 wants it")]
        size.copy_from_slice(&(self.raw_bytes as u32).to_le_bytes());
        self.append(out, |_, out| out.extend_from_slice(&trailer));
        self.stored_bytes
    }

    /// The most bytes that the member can have in the end if `more_raw_bytes` are still given to it, in at most
    /// eight writes, and it is then finished.
    pub(super) fn worst_bytes(&self, more_raw_bytes: u64) -> u64 {
        // Where codes would be longer, a block holds its bytes as they are: five bytes in 65,535. Units and their
        // blocks are so long that the rest pays for them.
        let raw = self.open_bytes + more_raw_bytes;
        let raw = raw + raw / 8192;
        self.stored_bytes.max(HEADER.len() as u64) + raw + WRITES * WRITE_BYTES + TRAILER_BYTES
    }

    /// Compresses the blocks of the unit that are not yet.
    fn compress(&mut self, unit: &[u8], out: &mut Vec<u8>) {
        for cut in std::mem::take(&mut self.cuts) {
            let from = self.compressed;
            self.append(out, |stream, out| {
                stream.deflater.write(&unit[..cut], from, &mut stream.bits, out);
            });
            self.open_bytes -= (cut - from) as u64;
            self.compressed = cut;
        }
    }

    /// Appends what `make` appends, in its turn.
    fn append(&mut self, out: &mut Vec<u8>, make: impl FnOnce(&mut Self, &mut Vec<u8>)) {
        if self.waiting.is_empty() {
            let before = out.len();
            make(self, out);
            self.stored_bytes += (out.len() - before) as u64;
            return;
        }
        let mut last = self.waiting.take_last();
        let before = last.len();
        make(self, &mut last);
        self.stored_bytes += (last.len() - before) as u64;
        self.waiting.put_last(last);
    }

    fn drain(&mut self, to_the_end: bool, out: &mut Vec<u8>) {
        let (mut arrived_raw, mut arrived_stored) = (0, 0);
        self.waiting.drain(to_the_end, out, |arrived| {
            arrived_raw += arrived.raw_bytes;
            arrived_stored += arrived.stored_bytes;
        });
        self.open_bytes -= arrived_raw;
        self.stored_bytes += arrived_stored;
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.raw_bytes == 0 && self.stored_bytes == 0 {
            out.extend_from_slice(&HEADER);
            self.stored_bytes = HEADER.len() as u64;
        }
    }
}

/// A unit of these blocks, compressed by itself: the same bytes as in its stream.
fn unit_alone(level: GzipLevel, unit: &[u8], cuts: &[usize]) -> Vec<u8> {
    let (mut deflater, mut bits, mut out) = (Deflater::new(level), Bits::default(), Vec::new());
    out.reserve(unit.len() / 4);
    let mut from = 0;
    for cut in cuts {
        deflater.write(&unit[..*cut], from, &mut bits, &mut out);
        from = *cut;
    }
    block::write_border(&mut bits, &mut out);
    out
}

/// Finds repetitions and writes blocks.
#[derive(Debug)]
struct Deflater {
    finder: Finder,
    tokens: Tokens,
    writer: Box<BlockWriter>,
}

#[derive(Debug)]
enum Finder {
    Fast(Fast),
    Thorough(Thorough),
}

impl Deflater {
    fn new(level: GzipLevel) -> Self {
        let finder = match level {
            GzipLevel::Fast => Finder::Fast(Fast::default()),
            GzipLevel::Compact => Finder::Thorough(Thorough::default()),
        };
        Self { finder, tokens: Tokens::default(), writer: Box::default() }
    }

    fn write(&mut self, unit: &[u8], from: usize, bits: &mut Bits, out: &mut Vec<u8>) {
        if from == 0 {
            match &mut self.finder {
                Finder::Fast(fast) => fast.forget(),
                Finder::Thorough(thorough) => thorough.forget(),
            }
        }
        let mut start = from;
        while start < unit.len() {
            let end = unit.len().min(start + BLOCK_BYTES);
            self.tokens.begin(end - start);
            match &mut self.finder {
                Finder::Fast(fast) => fast.find(&unit[..end], start, &mut self.tokens),
                Finder::Thorough(thorough) => thorough.find(&unit[..end], start, &mut self.tokens),
            }
            self.writer.write(&unit[start..end], &self.tokens, bits, out);
            start = end;
        }
    }
}
