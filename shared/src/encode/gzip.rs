//! One gzip member as a stream of its own: MTIME 0, no name, OS 255 (FORMATS, Names).

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// The deflate level, between the speed of 1 and the size of 6.
const LEVEL: u32 = 3;
/// Deflate, no flags, MTIME 0, no extra flags, OS 255 (unknown).
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// The deflater's output goes through a buffer of its own, so that the bytes cannot depend on how much space
/// the caller's vector happens to have.
const BUFFER_BYTES: usize = 64 * 1024;

/// Compresses blocks into one member and knows how long it is and how long it can become.
#[derive(Debug)]
pub(super) struct GzipStream {
    deflate: Compress,
    crc: Crc,
    raw_bytes: u64,
    stored_bytes: u64,
    /// Raw bytes since the last flush: their compressed form may still be inside the deflater.
    unflushed_bytes: u64,
    buffer: Box<[u8]>,
}

impl GzipStream {
    /// A member of which nothing is written yet.
    pub(super) fn new() -> Self {
        Self {
            deflate: Compress::new(Compression::new(LEVEL), false),
            crc: Crc::new(),
            raw_bytes: 0,
            stored_bytes: 0,
            unflushed_bytes: 0,
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
        }
    }

    /// Takes a block. What becomes final is appended to `out`.
    pub(super) fn write(&mut self, block: &[u8], out: &mut Vec<u8>) {
        self.crc.update(block);
        self.raw_bytes += block.len() as u64;
        self.unflushed_bytes += block.len() as u64;
        self.run(block, FlushCompress::None, out);
    }

    /// Brings everything written so far to `out`, so that [`Self::stored_bytes`] is exact. Costs about five
    /// bytes; to be used rarely.
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) {
        if self.unflushed_bytes > 0 {
            self.run(&[], FlushCompress::Sync, out);
            self.unflushed_bytes = 0;
        }
    }

    /// Ends the member.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) -> u64 {
        self.run(&[], FlushCompress::Finish, out);
        let mut trailer = [0; 8];
        let (crc, size) = trailer.split_at_mut(4);
        crc.copy_from_slice(&self.crc.sum().to_le_bytes());
        // The format keeps the size modulo 2^32.
        #[expect(clippy::cast_possible_truncation, reason = "as RFC 1952 wants it")]
        size.copy_from_slice(&(self.raw_bytes as u32).to_le_bytes());
        self.emit(&trailer, out);
        self.stored_bytes
    }

    /// The most bytes that the member can have in the end if `more_raw_bytes` are still written to it in
    /// however many blocks, flushed at most twice more, and then finished.
    pub(super) fn worst_bytes(&self, more_raw_bytes: u64) -> u64 {
        // Deflate stores a block where its codes would be longer, but any deflater is within the fixed codes'
        // nine bits a byte. The rest pays for block headers, flush marks, the member's header and trailer.
        let raw = self.unflushed_bytes + more_raw_bytes;
        self.stored_bytes.max(HEADER.len() as u64) + raw + raw / 8 + raw / 1024 + 128
    }

    fn run(&mut self, mut input: &[u8], flush: FlushCompress, out: &mut Vec<u8>) {
        if self.stored_bytes == 0 {
            self.emit(&HEADER, out);
        }
        loop {
            let (before_in, before_out) = (self.deflate.total_in(), self.deflate.total_out());
            let status = self
                .deflate
                .compress(input, &mut self.buffer, flush)
                .expect("deflate fails only on a state that was finished before");
            let taken = usize::try_from(self.deflate.total_in() - before_in).expect("at most the input");
            let made = usize::try_from(self.deflate.total_out() - before_out).expect("at most the buffer");
            input = &input[taken..];
            out.extend_from_slice(&self.buffer[..made]);
            self.stored_bytes += made as u64;
            let drained = made < BUFFER_BYTES;
            if status == Status::StreamEnd || (input.is_empty() && drained && flush != FlushCompress::Finish)
            {
                return;
            }
        }
    }

    fn emit(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(bytes);
        self.stored_bytes += bytes.len() as u64;
    }
}
