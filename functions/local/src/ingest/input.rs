//! The inputs: files, plain or gzip (also of several members), and standard input, as blocks of lines of bounded length.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::MAX_LINE_BYTES;

const BUFFER_BYTES: usize = 64 * 1024;
/// How much is read at once: enough that handing blocks on costs nothing, and little enough for a core's cache. Blocks
/// are a little larger, by the begin of a line.
const BLOCK_BYTES: usize = 256 * 1024;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// An input. Whether it is gzip is seen by its first bytes.
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Anything that can be read, with a name for messages.
    Stream(String, Box<dyn Read + Send>),
}

impl Source {
    /// A file, or standard input for `-`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "-" => Self::Stream("standard input".to_owned(), Box::new(io::stdin())),
            path => Self::File(PathBuf::from(path)),
        }
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stream(name, _) => name.clone(),
        }
    }
}

/// Some whole lines of an input.
pub(super) struct Block {
    /// The input's index.
    pub(super) source: u32,
    /// The number of the first line, counted from 1.
    pub(super) first_line: u64,
    /// The lines, with their line feeds; the last line of an input may have none.
    pub(super) bytes: Vec<u8>,
    /// A line that was passed over because it is too long comes behind them.
    pub(super) ends_too_long: bool,
    /// Bytes of the input read so far, as stored.
    pub(super) bytes_read: u64,
}

/// The lines of an input, in blocks.
pub(super) struct Blocks {
    source: u32,
    input: Box<dyn Read>,
    bytes_read: Arc<AtomicU64>,
    /// How many lines have been given.
    pub(super) lines: u64,
    /// The begin of a line of which the end has not been read.
    rest: Vec<u8>,
    failed: Option<io::Error>,
}

impl Blocks {
    pub(super) fn open(index: u32, source: Source) -> io::Result<Self> {
        let input: Box<dyn Read> = match source {
            Source::File(path) => Box::new(File::open(path)?),
            Source::Stream(_, stream) => stream,
        };
        let bytes_read = Arc::new(AtomicU64::new(0));
        let counted = Counted { input, bytes: Arc::clone(&bytes_read), begun: false };
        let mut stored = BufReader::with_capacity(BUFFER_BYTES, counted);
        let is_gzip = stored.fill_buf()?.starts_with(&GZIP_MAGIC);
        let input: Box<dyn Read> =
            if is_gzip { Box::new(MultiGzDecoder::new(stored)) } else { Box::new(stored) };
        Ok(Self { source: index, input, bytes_read, lines: 0, rest: Vec::new(), failed: None })
    }

    /// Bytes read so far, as stored.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// The next lines. An error comes behind those that were read before it.
    pub(super) fn next_block(&mut self) -> io::Result<Option<Block>> {
        let mut bytes = std::mem::take(&mut self.rest);
        loop {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            let before = bytes.len();
            let is_end = !self.read_on(&mut bytes) && self.failed.is_none();
            match memchr::memrchr(b'\n', &bytes[before..]) {
                _ if is_end && bytes.is_empty() => return Ok(None),
                _ if is_end => return Ok(Some(self.block(bytes, false))),
                Some(line_feed) => {
                    let end = before + line_feed + 1;
                    self.rest = bytes[end..].to_vec();
                    bytes.truncate(end);
                    return Ok(Some(self.block(bytes, false)));
                }
                None if bytes.len() > MAX_LINE_BYTES => {
                    bytes.clear();
                    self.pass_over_line();
                    return Ok(Some(self.block(bytes, true)));
                }
                // The begin of a line that cannot be read on is none.
                None => {}
            }
        }
    }

    /// Reads some more; false at the end. What goes wrong is kept for the next block.
    fn read_on(&mut self, bytes: &mut Vec<u8>) -> bool {
        bytes.reserve(BLOCK_BYTES);
        match self.input.by_ref().take(BLOCK_BYTES as u64).read_to_end(bytes) {
            Ok(read) => read > 0,
            Err(error) => {
                self.failed = Some(error);
                true
            }
        }
    }

    /// Reads on to behind the next line feed.
    fn pass_over_line(&mut self) {
        while self.failed.is_none() {
            self.rest.clear();
            let mut read = std::mem::take(&mut self.rest);
            let is_end = !self.read_on(&mut read);
            if let Some(line_feed) = memchr::memchr(b'\n', &read) {
                read.drain(..=line_feed);
                self.rest = read;
                return;
            }
            if is_end {
                return;
            }
        }
    }

    fn block(&mut self, bytes: Vec<u8>, ends_too_long: bool) -> Block {
        let (source, first_line) = (self.source, self.lines + 1);
        let torn = bytes.last().is_some_and(|last| *last != b'\n');
        let line_feeds = memchr::memchr_iter(b'\n', &bytes).count() as u64;
        self.lines += line_feeds + u64::from(torn) + u64::from(ends_too_long);
        Block { source, first_line, bytes, ends_too_long, bytes_read: self.bytes_read() }
    }
}

impl Block {
    /// Its lines with their numbers, without white space around them; none for one that is too long.
    pub(super) fn lines(&self) -> impl Iterator<Item = (u64, Option<&[u8]>)> {
        let mut rest = self.bytes.as_slice();
        let lines = std::iter::from_fn(move || {
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = (!rest.is_empty()).then(|| &rest[..end]);
            rest = rest.get(end + 1..).unwrap_or_default();
            line
        });
        let lines = lines.map(|line| (line.len() <= MAX_LINE_BYTES).then_some(line));
        let lines = lines.chain(self.ends_too_long.then_some(None));
        (self.first_line..).zip(lines).map(|(number, line)| {
            let mark = if number == 1 { BYTE_ORDER_MARK } else { &[] };
            (number, line.map(|line| line.strip_prefix(mark).unwrap_or(line).trim_ascii()))
        })
    }
}

/// Counts what is read. A pipe may deliver its first byte alone; the magic of gzip needs two.
struct Counted {
    input: Box<dyn Read>,
    bytes: Arc<AtomicU64>,
    begun: bool,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut length = self.input.read(buffer)?;
        if !std::mem::replace(&mut self.begun, true) && length == 1 && buffer.len() > 1 {
            length += self.input.read(&mut buffer[1..])?;
        }
        self.bytes.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    type Numbered = Vec<(u64, Vec<u8>)>;

    /// All lines with their numbers, what ended them, and how many there were.
    fn lines_of(stream: impl Read + Send + 'static) -> (Numbered, Option<String>, u64) {
        let mut blocks = Blocks::open(0, Source::Stream(String::new(), Box::new(stream))).unwrap();
        let mut lines = Vec::new();
        loop {
            match blocks.next_block() {
                Ok(Some(block)) => {
                    lines.extend(block.lines().map(|(number, line)| (number, line.unwrap().to_vec())));
                }
                Ok(None) => return (lines, None, blocks.lines),
                Err(error) => return (lines, Some(error.to_string()), blocks.lines),
            }
        }
    }

    /// Lines as long as blocks, a little shorter and longer, and short ones.
    fn lines() -> Vec<Vec<u8>> {
        let lengths =
            [1, BLOCK_BYTES - 2, 0, 0, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3, 3 * BLOCK_BYTES];
        let around = lengths.iter().chain([&7]).zip(b'a'..);
        around.map(|(length, letter)| vec![letter; *length]).collect()
    }

    #[test]
    fn blocks_hold_each_line_once_wherever_they_end() {
        let numbered: Vec<_> = (1..).zip(lines()).collect();
        let torn = lines().join(&b'\n');
        let whole = [torn.as_slice(), b"\n"].concat();
        for text in [torn, whole] {
            for at_once in [10_007, BLOCK_BYTES, usize::MAX] {
                let pieces: Vec<_> = text.chunks(at_once).map(<[u8]>::to_vec).collect();
                let stream =
                    pieces.into_iter().fold(Box::new(io::empty()) as Box<dyn Read + Send>, |all, piece| {
                        Box::new(all.chain(io::Cursor::new(piece)))
                    });
                assert!(lines_of(stream) == (numbered.clone(), None, numbered.len() as u64));
            }
        }
    }

    #[test]
    fn what_was_read_before_an_error_is_given_before_it() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("torn"))
            }
        }
        let text = lines().join(&b'\n');
        let (given, wrong, count) = lines_of(io::Cursor::new(text).chain(Broken));
        let all: Vec<_> = (1..).zip(lines()).collect();
        assert!(given == all[..all.len() - 1], "the last one had no line feed yet");
        assert_eq!((wrong.as_deref(), count), (Some("torn"), all.len() as u64 - 1));
    }
}
