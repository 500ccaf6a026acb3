//! The encoder's thread: rows in, pieces of the object out.

use std::sync::{Arc, atomic::Ordering};

use arrow_array::cast::AsArray;
use bytes::Bytes;
use tokio::sync::mpsc::Sender;

use super::{attempt::Shared, trouble::Trouble};
use crate::{
    domain::{
        AccountId, Crc32c, EndCursor, Intent, ProfileFiles, RequestId, RowCursor, RunKey, RunTimestamp, Slice,
    },
    encode::{self, EncodeError, FileContent, FileEncoder, FileOptions, columns},
    ports::{LakeRows, SourcedBatch},
    steps::{Observer, Unobserved},
};

/// The most bytes that are sent on at once.
const PIECE_BYTES: usize = 256 * 1024;

/// What the thread works on.
pub(super) struct Job {
    pub(super) run: RunKey,
    pub(super) rows: Box<dyn LakeRows>,
    pub(super) options: FileOptions,
    pub(super) content: FileContent,
    pub(super) slice: Slice,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) shared: Arc<Shared>,
}

/// What the thread sends.
pub(super) enum Piece {
    /// Bytes of the object, in order.
    Bytes(Bytes),
    /// The object ends here.
    End(Intent),
    /// It cannot be made.
    Failed(Trouble),
}

/// The receiver is gone: the attempt was given up.
struct Gone;

/// Encodes until the object is full or the slice ends.
pub(super) fn produce(job: Job, pieces: &Sender<Piece>) {
    let sink = |piece| pieces.blocking_send(Piece::Bytes(piece)).map_err(|_| Gone);
    let last = match Production::new(job, sink).run() {
        Ok(Ok(intent)) => Piece::End(intent),
        Ok(Err(Gone)) => return,
        Err(trouble) => Piece::Failed(trouble),
    };
    // A receiver that is gone needs no last word.
    drop(pieces.blocking_send(last));
}

/// Encodes the first object of a slice without a run, a store or a bucket: what a chunk's thread does, for whoever
/// measures it. `sink` takes the object's bytes piece by piece.
///
/// # Errors
/// Why the rows cannot be encoded, as the chunk would say it.
pub fn encode_slice(
    rows: Box<dyn LakeRows>,
    slice: &Slice,
    options: &FileOptions,
    content: &FileContent,
    mut sink: impl FnMut(Bytes),
) -> Result<Intent, String> {
    let key = RunKey { account: AccountId(0), request: RequestId(0), run: RunTimestamp(0) };
    let (options, content, slice) = (options.clone(), content.clone(), slice.clone());
    let (observer, shared) = (Arc::new(Unobserved), Arc::default());
    let job = Job { run: key, rows, options, content, slice, observer, shared };
    let sink = |piece| {
        sink(piece);
        Ok(())
    };
    match Production::new(job, sink).run() {
        Ok(Ok(intent)) => Ok(intent),
        Ok(Err(Gone)) => Err("the sink is gone".to_owned()),
        Err(Trouble::Broken(reason) | Trouble::Passing(reason)) => Err(reason),
        Err(trouble) => Err(format!("{trouble:?}")),
    }
}

struct Production<S> {
    job: Job,
    sink: S,
    encoder: Option<Box<dyn FileEncoder>>,
    out: Vec<u8>,
    crc: u32,
    bytes: u64,
    rows: u64,
    /// Profiles: the last one in the object.
    last_key: Option<String>,
}

impl<S: FnMut(Bytes) -> Result<(), Gone>> Production<S> {
    fn new(job: Job, sink: S) -> Self {
        let out = Vec::with_capacity(2 * PIECE_BYTES);
        Self { job, sink, encoder: None, out, crc: 0, bytes: 0, rows: 0, last_key: None }
    }

    fn run(mut self) -> Result<Result<Intent, Gone>, Trouble> {
        while let Some(sourced) = self.job.rows.next_batch()? {
            let offered = sourced.batch.num_rows();
            // An object is begun with its first row, so that none is written for a slice without rows.
            if self.encoder.is_none() && offered > 0 {
                let opened = encode::open(&self.job.options, &self.job.content);
                self.encoder = Some(opened.map_err(|error| Trouble::Broken(error.to_string()))?);
            }
            let Some(encoder) = self.encoder.as_mut() else { continue };
            let pushed = encoder.push(&sourced.batch, 0, &mut self.out);
            let taken = pushed.map_err(|error| named(&self.job.slice, &sourced, error))?;
            self.count(taken, &sourced);
            if taken < offered {
                let end = self.end_before(taken, &sourced)?;
                return self.finish(end);
            }
            if self.out.len() >= PIECE_BYTES && self.send().is_err() {
                return Ok(Err(Gone));
            }
        }
        self.finish(EndCursor::End)
    }

    fn count(&mut self, taken: usize, sourced: &SourcedBatch) {
        self.rows += taken as u64;
        self.job.shared.rows.fetch_add(taken as u64, Ordering::Relaxed);
        self.job.observer.encoded(self.job.run, taken as u64, 0);
        if let (Slice::Profiles { .. }, Some(last)) = (&self.job.slice, taken.checked_sub(1)) {
            let keys =
                sourced.batch.column_by_name(columns::OBJECT_ID).and_then(|keys| keys.as_string_view_opt());
            self.last_key = keys.map(|keys| keys.value(last).to_owned());
        }
    }

    /// The cursor of a file that is full before a row of a batch.
    fn end_before(&mut self, row: usize, sourced: &SourcedBatch) -> Result<EndCursor, Trouble> {
        match &self.job.slice {
            Slice::Events { .. } => Ok(EndCursor::Row(sourced.origins.of(row))),
            Slice::Profiles { .. } => match self.last_key.take() {
                Some(object_id) => Ok(EndCursor::Key { object_id }),
                None => Err(Trouble::Broken("the encoder is full without a row".to_owned())),
            },
        }
    }

    fn finish(mut self, end: EndCursor) -> Result<Result<Intent, Gone>, Trouble> {
        let upto = match &end {
            EndCursor::Key { object_id } => Some(object_id.as_str()),
            EndCursor::Row(_) | EndCursor::End => None,
        };
        let deleted_profiles = self.job.rows.deleted_profiles(upto);
        if let Some(encoder) = self.encoder.take() {
            encoder.finish(&mut self.out).map_err(|error| Trouble::Broken(error.to_string()))?;
            if self.send().is_err() {
                return Ok(Err(Gone));
            }
        }
        Ok(Ok(Intent { crc32c: Crc32c(self.crc), bytes: self.bytes, rows: self.rows, deleted_profiles, end }))
    }

    fn send(&mut self) -> Result<(), Gone> {
        let mut made = Bytes::from(std::mem::replace(&mut self.out, Vec::with_capacity(2 * PIECE_BYTES)));
        let length = made.len() as u64;
        self.crc = crc32c::crc32c_append(self.crc, &made);
        self.bytes += length;
        self.job.shared.bytes.fetch_add(length, Ordering::Relaxed);
        self.job.observer.encoded(self.job.run, 0, length);
        // Cut, since a row group comes out at once: the channel is bounded by pieces, and memory by the channel.
        while !made.is_empty() {
            let piece = made.split_to(PIECE_BYTES.min(made.len()));
            (self.sink)(piece)?;
        }
        Ok(())
    }
}

/// An encoder's error with the lake file and row that it is about, counted from 1.
fn named(slice: &Slice, sourced: &SourcedBatch, error: EncodeError) -> Trouble {
    let Some(row) = error.row() else { return Trouble::Broken(error.to_string()) };
    let RowCursor { file, row: at } = sourced.origins.of(row);
    let (path, part) = match slice {
        Slice::Events { files, .. } => files
            .get(file as usize)
            .map_or(("?", None), |file| (file.path.as_str(), file.row_groups.map(|part| (part, file.rows)))),
        Slice::Profiles { files: ProfileFiles::Listed { .. }, .. } => ("?", None),
        Slice::Profiles { files: ProfileFiles::Named(files), .. } => {
            (files.get(file as usize).map_or("?", |file| file.path.as_str()), None)
        }
    };
    let (row, counted) = match part {
        None => (at + 1, String::new()),
        Some((_, Some(planned))) => (planned.first + at + 1, String::new()),
        // A plan of an earlier version, which did not keep where its row groups begin.
        Some(((first, _), None)) => (at + 1, format!(" (counted from row group {first}, the first being 0)")),
    };
    Trouble::Broken(format!("lake file `{path}`, row {row}{counted}: {}", error.reason()))
}
