//! Event files → chunks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
    pub event_name: Arc<str>,
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
    // Files come in the order of their paths, so that this costs nothing; the other sort keeps that order. Its keys are
    // small, since there may be millions of files: names are looked up, not copied.
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let places = places(&files);
    let place = |file: &EventFile| {
        let (name_in_file, name) = places.get(&*file.event_name).copied().unwrap_or_default();
        // An event's captured name comes after the name in the file, so that events which become the same one share
        // their group's indexes.
        ((name_in_file, file.date, file.database), name)
    };
    files.sort_by_cached_key(place);
    let mut chunks: Vec<ChunkPlan> = Vec::new();
    let (mut first, mut group) = (0, None);
    let mut files = files.into_iter().peekable();
    while let Some(head) = files.next() {
        let (of_group, _) = place(&head);
        if group.replace(of_group) != Some(of_group) {
            set_stride(&mut chunks[first..]);
            first = chunks.len();
        }
        let (event_name, date, database) = (Arc::clone(&head.event_name), head.date, head.database);
        let is_of_event = |file: &EventFile| {
            file.event_name == event_name && (file.date, file.database) == (date, database)
        };
        let mut event = vec![head];
        while let Some(file) = files.next_if(is_of_event) {
            event.push(file);
        }
        let ratio = ratios.of(&event_name, format);
        for (slice_files, estimated_bytes) in slices(event, ratio, limits) {
            chunks.push(ChunkPlan {
                content: ChunkContent::Events { event_name: event_name.to_string(), date },
                database,
                index: index_of(chunks.len() - first),
                stride: 0,
                files: format,
                slice: Slice::Events { files: slice_files, from: RowCursor::default() },
                columns: columns(&event_name),
                estimated_bytes,
                message: 0,
                named_as: None,
            });
        }
    }
    set_stride(&mut chunks[first..]);
    assign_messages(&mut chunks, limits);
    chunks
}

/// Which place each event has among the names in files, and among the names as captured.
fn places(files: &[EventFile]) -> BTreeMap<String, (usize, usize)> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for file in files {
        if !names.contains(&*file.event_name) {
            names.insert(&file.event_name);
        }
    }
    let in_files: BTreeSet<FileEventName> = names.iter().map(|name| FileEventName::new(name)).collect();
    let in_files: BTreeMap<FileEventName, usize> = in_files.into_iter().zip(0..).collect();
    let place = |name: &str| in_files.get(&FileEventName::new(name)).copied().unwrap_or_default();
    names.iter().zip(0..).map(|(name, at)| ((*name).to_owned(), (place(name), at))).collect()
}

fn set_stride(group: &mut [ChunkPlan]) {
    let stride = index_of(group.len());
    group.iter_mut().for_each(|chunk| chunk.stride = stride);
}

fn index_of(count: usize) -> u32 {
    u32::try_from(count).expect("a group of 4 billion chunks would hold exabytes")
}

/// Fills slices with whole files and, of large ones, with row groups.
fn slices(files: Vec<EventFile>, ratio: f64, limits: PlanLimits) -> Vec<(Vec<SliceFile>, u64)> {
    let mut slices: Vec<(Vec<SliceFile>, u64)> = Vec::new();
    let mut open: (Vec<SliceFile>, u64) = (Vec::new(), 0);
    for piece in files.into_iter().flat_map(|file| pieces(file, ratio, limits)) {
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
fn pieces(file: EventFile, ratio: f64, limits: PlanLimits) -> Vec<(SliceFile, u64)> {
    let (path, bytes) = (file.path, file.bytes);
    if file.row_groups.len() < 2 {
        let rows = file.rows.map(|of_file| PlannedRows { of_file, first: 0, end: of_file });
        let whole = SliceFile { path, bytes, row_groups: None, rows };
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
