//! The rows of a profiles slice: one a profile, merged from any number of sorted files.
//!
//! At most 64 files are open at once, fewer where their pages are large. More files are merged in rounds: every
//! group of files but the last is merged into memory, the lowest ids first and as many as fit; those bound the
//! range of the round. The last group's merge then delivers that range, and the next round goes on behind it.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, Schema};

use super::broken;
use super::file::ReadSizes;
use super::merge::{Held, Merge, Source, Version, compact, gather, row_bytes};
pub(super) use super::sorted::IdRange;
use super::sorted::{Output, Ranked, SortedFile};
use super::source::{MAX_OPEN_FILES, Medium};
use crate::domain::{ProfileFile, RowCursor};
use crate::encode::columns::profile_fields;
use crate::ports::{LakeError, LakeRows, RowOrigins, SourcedBatch};

/// How much memory a merge may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// Files open at once.
    pub(super) open_files: usize,
    /// What the open files' readers hold.
    pub(super) reader_bytes: u64,
    /// What an intermediate merge keeps.
    pub(super) kept_bytes: u64,
    /// What a batch holds, about.
    pub(super) batch_bytes: u64,
    /// The most rows of a batch.
    pub(super) batch_rows: usize,
}

impl Default for Budget {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            open_files: MAX_OPEN_FILES,
            reader_bytes: 48 * MIB,
            kept_bytes: 32 * MIB,
            batch_bytes: 2 * MIB,
            batch_rows: 4096,
        }
    }
}

/// A row of a batch.
type Row = (Arc<RecordBatch>, usize);

/// What one kept version takes beside its texts.
const VERSION_BYTES: u64 = 128;

/// Reads a profiles slice.
pub(super) struct ProfileRows {
    medium: Arc<Medium>,
    budget: Budget,
    output: Output,
    paths: Vec<String>,
    /// Files that may still have something, in the slice's order.
    files: Vec<Ranked>,
    /// What is left of the slice.
    range: IdRange,
    /// The last merge of the round, and where the round ends.
    round: Option<(Merge, Option<String>)>,
    finished: bool,
    /// Deleted profiles passed.
    deleted: u64,
    /// Of each row of the last two batches: its id, and the deleted profiles passed before it.
    passed: [Vec<(String, u64)>; 2],
}

impl ProfileRows {
    pub(super) fn new(
        medium: Arc<Medium>,
        files: &[ProfileFile],
        range: IdRange,
        columns: &[&str],
        budget: Budget,
    ) -> Self {
        let fields = profile_fields().into_iter().filter(|field| columns.contains(&field.name().as_str()));
        let output = Output { schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())) };
        let mut order: Vec<usize> = (0..files.len()).collect();
        order.sort_by_key(|at| (files[*at].committed, &files[*at].path));
        let mut ranked: Vec<Ranked> = (0u32..)
            .zip(order)
            .map(|(rank, at)| Ranked {
                file: files[at].clone(),
                index: u32::try_from(at).unwrap_or(u32::MAX),
                rank,
            })
            .collect();
        ranked.sort_by_key(|ranked| ranked.index);
        let paths = files.iter().map(|file| file.path.clone()).collect();
        Self {
            medium,
            budget,
            output,
            paths,
            files: ranked,
            range,
            round: None,
            finished: false,
            deleted: 0,
            passed: Default::default(),
        }
    }

    /// Merges all groups of files but the last into memory, and begins the merge of the last.
    fn begin_round(&mut self) -> Result<(Merge, Option<String>), LakeError> {
        let mut range = self.range.clone();
        let mut kept: Vec<Version> = Vec::new();
        let mut waiting: VecDeque<Ranked> = std::mem::take(&mut self.files).into();
        let mut still = Vec::new();
        loop {
            let (mut sources, mut reader_bytes) = (Vec::new(), 0);
            while sources.len() < self.budget.open_files && reader_bytes < self.budget.reader_bytes {
                let Some(ranked) = waiting.pop_front() else { break };
                let opened =
                    SortedFile::open(&self.medium, ranked.clone(), range.clone(), self.output.clone())?;
                // Ids only rise, so a file that has nothing more of this round has nothing of later ones.
                let Some(file) = opened else { continue };
                still.push(ranked);
                reader_bytes = u64::saturating_add(reader_bytes, file.reader_bytes());
                sources.push(Source::File(Box::new(file)));
            }
            let sizes = self.read_sizes(sources.len());
            sources.push(Source::Kept(std::mem::take(&mut kept).into_iter()));
            let mut merge = Merge::new(&self.medium, sources, sizes)?;
            if waiting.is_empty() {
                self.files = still;
                return Ok((merge, range.upto));
            }
            if let Some(bound) = self.keep(&mut merge, &range, &mut kept)? {
                range.upto = Some(bound);
            }
        }
    }

    /// The batches of all open files together take as much as half of what their readers do.
    fn read_sizes(&self, files: usize) -> ReadSizes {
        let share = self.budget.reader_bytes / 2 / (files as u64).max(1);
        let read_ahead_bytes = (share / 8).clamp(16 * 1024, 512 * 1024);
        ReadSizes { batch_bytes: share.max(64 * 1024).min(self.budget.batch_bytes), read_ahead_bytes }
    }

    /// Keeps what a merge gives, as far as it fits; where not, the last id that did.
    fn keep(
        &self,
        merge: &mut Merge,
        range: &IdRange,
        kept: &mut Vec<Version>,
    ) -> Result<Option<String>, LakeError> {
        let (mut total, mut loose, mut compacted) = (0, 0, 0);
        while let Some(version) = merge.next(&self.medium)? {
            if range.is_behind(&version.id) {
                break;
            }
            let bytes = version_bytes(&version);
            total += bytes;
            loose += bytes;
            kept.push(version);
            let full = total >= self.budget.kept_bytes;
            if full || loose >= self.budget.batch_bytes || kept.len() - compacted >= self.budget.batch_rows {
                compact(&mut kept[compacted..]).map_err(|error| self.internal(&error))?;
                (loose, compacted) = (0, kept.len());
            }
            if full {
                return Ok(kept.last().map(|version| version.id.clone()));
            }
        }
        compact(&mut kept[compacted..]).map_err(|error| self.internal(&error))?;
        Ok(None)
    }

    /// The next profile that is delivered; deleted ones are counted in passing.
    fn next_row(&mut self) -> Result<Option<(Row, String, RowCursor)>, LakeError> {
        while !self.finished {
            if self.round.is_none() {
                self.round = Some(self.begin_round()?);
            }
            let Some((merge, bound)) = &mut self.round else { continue };
            let next = merge.next(&self.medium)?;
            let behind = |id: &str| bound.as_deref().is_some_and(|bound| id > bound);
            match next.filter(|version| !behind(&version.id)) {
                Some(Version { held: Held::Row(batch, row), id, origin, .. }) => {
                    return Ok(Some(((batch, row), id, origin)));
                }
                Some(Version { held: Held::Deleted, .. }) => self.deleted += 1,
                Some(Version { held: Held::Delivered, .. }) => {}
                None => {
                    self.finished = *bound == self.range.upto || self.files.is_empty();
                    self.range.after = bound.take();
                    self.round = None;
                }
            }
        }
        Ok(None)
    }

    fn internal(&self, error: &ArrowError) -> LakeError {
        let path = self.paths.first().map_or("", String::as_str);
        broken(path, None, format!("its profiles cannot be merged: {error}"))
    }
}

impl LakeRows for ProfileRows {
    fn next_batch(&mut self) -> Result<Option<SourcedBatch>, LakeError> {
        let (mut rows, mut origins, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut held = HashSet::new();
        self.passed.swap(0, 1);
        self.passed[1].clear();
        while rows.len() < self.budget.batch_rows && bytes < self.budget.batch_bytes {
            let Some(((batch, row), id, origin)) = self.next_row()? else { break };
            self.passed[1].push((id, self.deleted));
            bytes += row_bytes(&batch, row);
            held.insert(Arc::as_ptr(&batch));
            rows.push((batch, row));
            origins.push(origin);
            // Rows that are picked here and there hold on to whole batches, so those are bounded too.
            let width = self.round.as_ref().map_or(1, |(merge, _)| merge.width());
            if held.len() > 2 * width + 16 {
                break;
            }
        }
        if rows.is_empty() {
            return Ok(None);
        }
        let batch = gather(&rows).map_err(|error| self.internal(&error))?;
        Ok(Some(SourcedBatch { batch, origins: RowOrigins::Each(origins) }))
    }

    fn deleted_profiles(&self, upto: Option<&str>) -> u64 {
        let Some(upto) = upto else { return self.deleted };
        let passed = self.passed.iter().flatten();
        let before = passed.clone().take_while(|(id, _)| id.as_str() <= upto).last();
        before.or(passed.clone().next()).map_or(self.deleted, |(_, deleted)| *deleted)
    }
}

/// A slice whose list of files nobody has looked up. Reading nothing instead would lose its rows in silence.
pub(super) struct Unresolved;

impl LakeRows for Unresolved {
    fn next_batch(&mut self) -> Result<Option<SourcedBatch>, LakeError> {
        Err(broken("profiles", None, "the slice names a list of files that was not looked up"))
    }
}

fn version_bytes(version: &Version) -> u64 {
    let texts = match &version.held {
        Held::Row(batch, row) => row_bytes(batch, *row),
        Held::Deleted | Held::Delivered => 0,
    };
    VERSION_BYTES + version.id.len() as u64 + texts
}
