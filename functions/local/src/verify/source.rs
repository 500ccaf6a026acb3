//! From pieces that arrive asynchronously to a blocking `Read`, through a bounded channel.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Pieces that wait for the reader at most.
const WAITING: usize = 4;

/// A sender of pieces, `None` for the end, and their reader.
pub(super) fn pipe() -> (Sender<Option<Bytes>>, PieceReader) {
    let (sender, pieces) = channel(WAITING);
    (sender, PieceReader { pieces, current: Bytes::new(), ended: false })
}

/// Reads what was sent. A sender that is gone without the end is an error, not the end.
#[derive(Debug)]
pub(super) struct PieceReader {
    pieces: Receiver<Option<Bytes>>,
    current: Bytes,
    ended: bool,
}

impl Read for PieceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                Some(Some(piece)) => self.current = piece,
                Some(None) => self.ended = true,
                None => return Err(io::Error::new(io::ErrorKind::BrokenPipe, "reading broke off")),
            }
        }
        let length = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
