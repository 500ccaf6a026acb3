//! Event files → chunks.

use jiff::civil::Date;

use super::{PlanLimits, Ratios, estimate, messages::assign_messages};
use crate::domain::{
    ChunkContent, ChunkPlan, DatabaseId, FileEventName, Format, Packaging, PlannedRows, RowCursor, RowGroup,
    Slice, SliceFile,
};

/// An events file of the lake, as planning sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFile {
    /// From the lake's root.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// The event's name, as captured.
    pub event_name: String,
    /// The event's day.
    pub date: Date,
    /// The shard.
    pub database: DatabaseId,
    /// Its rows, where its footer was read.
    pub rows: Option<u64>,
    /// Its row groups, where the file is large enough to be cut; else empty.
    pub row_groups: Vec<RowGroup>,
}

/// Cuts the files into chunks, in the order of object names. `columns` gives the length of an event's frozen
/// column list (CSV).
///
/// The same files in any order give the same plan.
#[must_use]
pub fn plan_events(
    mut files: Vec<EventFile>,
    ratios: &Ratios,
    format: (Format, Packaging),
    columns: impl Fn(&str) -> usize,
    limits: PlanLimits,
) -> Vec<ChunkPlan> {
    // An event's captured name comes after the name in the file, so that events which become the same one share
    // their group's indexes.
    files.sort_by_cached_key(|file| {
        (
            FileEventName::new(&file.event_name),
            file.date,
            file.database,
            file.event_name.clone(),
            file.path.clone(),
        )
    });
    let mut chunks: Vec<ChunkPlan> = Vec::new();
    for group in files.chunk_by(same_group) {
        let first = chunks.len();
        for event in group.chunk_by(|a, b| a.event_name == b.event_name) {
            let head = &event[0];
            let ratio = ratios.of(&head.event_name, format);
            for (slice_files, estimated_bytes) in slices(event, ratio, limits) {
                chunks.push(ChunkPlan {
                    content: ChunkContent::Events { event_name: head.event_name.clone(), date: head.date },
                    database: head.database,
                    index: index_of(chunks.len() - first),
                    stride: 0,
                    files: format,
                    slice: Slice::Events { files: slice_files, from: RowCursor::default() },
                    columns: columns(&head.event_name),
                    estimated_bytes,
                    message: 0,
                    named_as: None,
                });
            }
        }
        let stride = index_of(chunks.len() - first);
        chunks[first..].iter_mut().for_each(|chunk| chunk.stride = stride);
    }
    assign_messages(&mut chunks, limits);
    chunks
}

fn same_group(a: &EventFile, b: &EventFile) -> bool {
    (a.date, a.database) == (b.date, b.database)
        && FileEventName::new(&a.event_name) == FileEventName::new(&b.event_name)
}

fn index_of(count: usize) -> u32 {
    u32::try_from(count).expect("a group of 4 billion chunks would hold exabytes")
}

/// Fills slices with whole files and, of large ones, with row groups.
fn slices(files: &[EventFile], ratio: f64, limits: PlanLimits) -> Vec<(Vec<SliceFile>, u64)> {
    let mut slices: Vec<(Vec<SliceFile>, u64)> = Vec::new();
    let mut open: (Vec<SliceFile>, u64) = (Vec::new(), 0);
    for piece in files.iter().flat_map(|file| pieces(file, ratio, limits)) {
        let (file, bytes) = piece;
        let full = open.0.len() == limits.files || open.1.saturating_add(bytes) > limits.target_bytes;
        if full && !open.0.is_empty() {
            slices.push(std::mem::take(&mut open));
        }
        open.0.push(file);
        open.1 = open.1.saturating_add(bytes);
    }
    if !open.0.is_empty() {
        slices.push(open);
    }
    slices
}

/// A file whole, or cut between row groups into parts that do not exceed the target (one group may).
fn pieces(file: &EventFile, ratio: f64, limits: PlanLimits) -> Vec<(SliceFile, u64)> {
    let (path, bytes) = (&file.path, file.bytes);
    if file.row_groups.len() < 2 {
        let rows = file.rows.map(|of_file| PlannedRows { of_file, first: 0, end: of_file });
        let whole = SliceFile { path: path.clone(), bytes, row_groups: None, rows };
        return vec![(whole, estimate(bytes, ratio))];
    }
    let piece = |groups: (usize, usize), first: u64, end: u64| SliceFile {
        path: path.clone(),
        bytes,
        row_groups: Some((index_of(groups.0), index_of(groups.1))),
        rows: file.rows.map(|of_file| PlannedRows { of_file, first, end }),
    };
    let mut pieces = Vec::new();
    let (mut begin, mut first, mut row, mut bytes) = (0, 0, 0_u64, 0_u64);
    for (at, group) in file.row_groups.iter().enumerate() {
        let group_bytes = estimate(group.bytes, ratio);
        if bytes > 0 && bytes.saturating_add(group_bytes) > limits.target_bytes {
            pieces.push((piece((begin, at), first, row), bytes));
            (begin, first, bytes) = (at, row, 0);
        }
        bytes = bytes.saturating_add(group_bytes);
        row = row.saturating_add(group.rows);
    }
    pieces.push((piece((begin, file.row_groups.len()), first, row), bytes));
    pieces
}

#[cfg(test)]
mod tests;
