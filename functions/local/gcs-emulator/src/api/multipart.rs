//! `multipart/related` taken apart as it streams by: pure, nothing is held but what could be half a delimiter.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;

use crate::error::ApiError;

/// The longest head of a part.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// What comes out of the splitter, in order: a head, its data, the next head, …
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A part begins; its header lines.
    Head(String),
    /// Some bytes of the part.
    Data(Bytes),
}

enum State {
    /// Before the first delimiter.
    Preamble,
    Head,
    Data,
    /// Right after a delimiter: another part, or `--` and the end.
    AfterDelimiter,
    Done,
}

/// Takes a body apart at its boundary.
pub(super) struct Splitter {
    /// `--boundary`.
    dashed: Vec<u8>,
    /// The line end of the body's first line: CRLF as standardised, or LF as Python's generators write it.
    line_end: &'static [u8],
    buffer: BytesMut,
    state: State,
}

/// The boundary in a `Content-Type`; clients put it bare, in double or in single quotes.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let value = content_type.split(';').find_map(|parameter| parameter.trim().strip_prefix("boundary="))?;
    Some(value.trim_matches(['"', '\'']).trim()).filter(|value| !value.is_empty())
}

fn broken() -> ApiError {
    ApiError::new(http::StatusCode::BAD_REQUEST, "badContent", "Malformed multipart body.")
}

impl Splitter {
    pub(super) fn new(boundary: &str) -> Self {
        let dashed = format!("--{boundary}").into_bytes();
        Self { dashed, line_end: b"\r\n", buffer: BytesMut::new(), state: State::Preamble }
    }

    /// Takes the next bytes of the body.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether the closing delimiter was seen.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// The next piece, or `None` until more bytes are pushed.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, ApiError> {
        loop {
            match self.state {
                State::Preamble => {
                    let Some(end) = memchr::memchr(b'\n', &self.buffer) else { return self.wait_for_line() };
                    let line = self.buffer.split_to(end + 1);
                    let line = line.strip_suffix(b"\n").unwrap_or(&line);
                    let (line, line_end): (_, &[u8]) = match line.strip_suffix(b"\r") {
                        Some(line) => (line, b"\r\n"),
                        None => (line, b"\n"),
                    };
                    if line.trim_ascii_end() == self.dashed {
                        (self.line_end, self.state) = (line_end, State::Head);
                    }
                }
                State::Head => {
                    let blank = [self.line_end, self.line_end].concat();
                    let (end, skip) = if self.buffer.starts_with(self.line_end) {
                        (0, self.line_end.len())
                    } else if let Some(end) = memmem::find(&self.buffer, &blank) {
                        (end, blank.len())
                    } else {
                        return self.wait_for_line();
                    };
                    let head = String::from_utf8_lossy(&self.buffer.split_to(end)).into_owned();
                    self.buffer.advance(skip);
                    self.state = State::Data;
                    return Ok(Some(Piece::Head(head)));
                }
                State::Data => return Ok(self.data()),
                State::AfterDelimiter => {
                    if self.buffer.starts_with(b"--") {
                        self.state = State::Done;
                    } else if let Some(end) = memmem::find(&self.buffer, self.line_end) {
                        // White space may stand between a delimiter and its line end, nothing else.
                        if !self.buffer[..end].trim_ascii().is_empty() {
                            return Err(broken());
                        }
                        self.buffer.advance(end + self.line_end.len());
                        self.state = State::Head;
                    } else {
                        return self.wait_for_line();
                    }
                }
                State::Done => {
                    self.buffer.clear();
                    return Ok(None);
                }
            }
        }
    }

    fn data(&mut self) -> Option<Piece> {
        let delimiter = [self.line_end, &self.dashed].concat();
        match memmem::find(&self.buffer, &delimiter) {
            Some(end) => {
                let data = self.buffer.split_to(end).freeze();
                self.buffer.advance(delimiter.len());
                self.state = State::AfterDelimiter;
                Some(Piece::Data(data))
            }
            None => {
                // The last bytes could be the beginning of a delimiter.
                let safe = (self.buffer.len() + 1).saturating_sub(delimiter.len());
                (safe > 0).then(|| Piece::Data(self.buffer.split_to(safe).freeze()))
            }
        }
    }

    fn wait_for_line(&self) -> Result<Option<Piece>, ApiError> {
        if self.buffer.len() > MAX_HEAD_BYTES { Err(broken()) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    /// A part's head and bytes.
    type Part = (String, Vec<u8>);

    /// All parts, whatever the pieces; and whether the end was seen.
    fn split(body: &[u8], chunk: usize) -> Result<(Vec<Part>, bool), ApiError> {
        let mut splitter = Splitter::new("b");
        let mut parts: Vec<Part> = Vec::new();
        for bytes in body.chunks(chunk) {
            splitter.push(bytes);
            while let Some(piece) = splitter.next()? {
                match piece {
                    Piece::Head(head) => parts.push((head, Vec::new())),
                    Piece::Data(data) => parts.last_mut().unwrap().1.extend(data),
                }
            }
        }
        Ok((parts, splitter.is_done()))
    }

    #[test]
    fn line_ends_of_both_kinds() {
        let crlf = b"--b\r\nContent-Type: a\r\nX: y\r\n\r\n{}\r\n--b\r\n\r\ndata\n--b\r\n--b--\r\n";
        let (parts, done) = split(crlf, 3).unwrap();
        assert!(done);
        assert_eq!(parts[0], ("Content-Type: a\r\nX: y".to_owned(), b"{}".to_vec()));
        assert_eq!(parts[1], (String::new(), b"data\n--b".to_vec()), "a bare LF ends nothing here");
        let lf = b"\n--b\nContent-Type: a\n\n{}\n--b\nY: z\n\ndata\r\n--b--";
        let (parts, done) = split(lf, 1).unwrap();
        assert!(done);
        assert_eq!(parts[1], ("Y: z".to_owned(), b"data\r".to_vec()));
    }

    #[test]
    fn unfinished_and_malformed() {
        assert!(!split(b"--b\r\n\r\ndata", 5).unwrap().1);
        assert!(!split(b"", 5).unwrap().1);
        assert!(split(b"--b\r\n\r\ndata\r\n--bx\r\n", 50).is_err());
        assert!(split(&[b'x'; 40_000], 1000).is_err());
    }

    #[test]
    fn boundaries() {
        assert_eq!(boundary("multipart/related; boundary=abc"), Some("abc"));
        assert_eq!(boundary("multipart/related; boundary=\"a=b\"; x=y"), Some("a=b"));
        assert_eq!(boundary("multipart/related; boundary='===1=='"), Some("===1=="));
        assert_eq!(boundary("multipart/related"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_pass_in_any_chunks(
            data in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'x')], 0..200),
            chunk in 1_usize..50,
        ) {
            let body = [b"--b\r\nA: b\r\n\r\n{}\r\n--b\r\n\r\n", &data[..], b"\r\n--b--\r\n"].concat();
            let (parts, done) = split(&body, chunk).unwrap();
            prop_assert!(done);
            prop_assert_eq!(&parts[1].1, &data);
        }
    }
}
