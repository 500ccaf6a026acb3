//! The inputs: files, plain or gzip (also of several members), and standard input, as lines of bounded length.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::MAX_LINE_BYTES;

const BUFFER_BYTES: usize = 256 * 1024;
/// A line buffer that grew beyond this is given back.
const KEPT_LINE_BYTES: usize = 4 * 1024 * 1024;
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

/// The lines of an input.
pub(super) struct Lines {
    input: Box<dyn BufRead>,
    bytes_read: Arc<AtomicU64>,
    line: Vec<u8>,
    is_first: bool,
}

pub(super) enum NextLine<'l> {
    /// Without its line feed.
    Text(&'l [u8]),
    /// Its bytes have been passed over.
    TooLong,
}

impl Lines {
    pub(super) fn open(source: Source) -> io::Result<Self> {
        let input: Box<dyn Read> = match source {
            Source::File(path) => Box::new(File::open(path)?),
            Source::Stream(_, stream) => stream,
        };
        let bytes_read = Arc::new(AtomicU64::new(0));
        let counted = Counted { input, bytes: Arc::clone(&bytes_read), begun: false };
        let mut stored = BufReader::with_capacity(BUFFER_BYTES, counted);
        let is_gzip = stored.fill_buf()?.starts_with(&GZIP_MAGIC);
        let input: Box<dyn BufRead> = if is_gzip {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(stored)))
        } else {
            Box::new(stored)
        };
        Ok(Self { input, bytes_read, line: Vec::new(), is_first: true })
    }

    /// Bytes read so far, as stored.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    pub(super) fn next_line(&mut self) -> io::Result<Option<NextLine<'_>>> {
        self.line.clear();
        self.line.shrink_to(KEPT_LINE_BYTES);
        let (mut is_some, mut is_too_long) = (false, false);
        loop {
            let available = match self.input.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                break;
            }
            is_some = true;
            let line_feed = memchr::memchr(b'\n', available);
            let text = &available[..line_feed.unwrap_or(available.len())];
            is_too_long |= self.line.len() + text.len() > MAX_LINE_BYTES;
            if !is_too_long {
                self.line.extend_from_slice(text);
            }
            let consumed = text.len() + usize::from(line_feed.is_some());
            self.input.consume(consumed);
            if line_feed.is_some() {
                break;
            }
        }
        let is_first = std::mem::replace(&mut self.is_first, false);
        let text = self.line.as_slice();
        let text = text.strip_prefix(BYTE_ORDER_MARK).filter(|_| is_first).unwrap_or(text);
        Ok(is_some.then_some(if is_too_long { NextLine::TooLong } else { NextLine::Text(text) }))
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
