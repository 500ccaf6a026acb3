//! Merging sorted profiles files: of every profile the newest version (FORMATS, Profiles: which rows).

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::vec;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, ListArray, RecordBatch};
use arrow_schema::{ArrowError, DataType};
use arrow_select::interleave::interleave_record_batch;

use super::file::ReadSizes;
use super::sorted::SortedFile;
use super::source::Medium;
use crate::domain::RowCursor;
use crate::ports::LakeError;

/// A version of a profile.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) id: String,
    /// `updated_at`.
    pub(super) micros: i64,
    /// The file's place in the order of commit time, then path.
    pub(super) rank: u32,
    pub(super) origin: RowCursor,
    pub(super) held: Held,
}

/// What becomes of a profile whose newest version this is.
#[derive(Debug, Clone)]
pub(super) enum Held {
    /// It is delivered: a row of a batch.
    Row(Arc<RecordBatch>, usize),
    /// It is counted.
    Deleted,
    /// An earlier run has delivered it.
    Delivered,
}

/// Where versions come from, in the order of their ids.
pub(super) enum Source {
    File(Box<SortedFile>),
    /// What an intermediate merge has kept.
    Kept(vec::IntoIter<Version>),
}

/// A merge of sources.
pub(super) struct Merge {
    sizes: ReadSizes,
    sources: Vec<Source>,
    heads: BinaryHeap<Reverse<Head>>,
}

struct Head {
    version: Version,
    source: usize,
}

impl Head {
    /// By id; of one id the newest version first.
    fn order(&self, other: &Self) -> Ordering {
        let (own, others) = (&self.version, &other.version);
        let newest_first = || (others.micros, others.rank).cmp(&(own.micros, own.rank));
        own.id.as_bytes().cmp(others.id.as_bytes()).then_with(newest_first)
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.order(other).is_eq()
    }
}

impl Eq for Head {}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order(other)
    }
}

impl Merge {
    pub(super) fn new(medium: &Medium, sources: Vec<Source>, sizes: ReadSizes) -> Result<Self, LakeError> {
        let heads = BinaryHeap::with_capacity(sources.len());
        let mut merge = Self { sizes, sources, heads };
        for source in 0..merge.sources.len() {
            merge.refill(medium, source)?;
        }
        Ok(merge)
    }

    /// How many sources are merged.
    pub(super) fn width(&self) -> usize {
        self.sources.len()
    }

    /// The newest version of the next profile.
    pub(super) fn next(&mut self, medium: &Medium) -> Result<Option<Version>, LakeError> {
        let Some(Reverse(newest)) = self.heads.pop() else { return Ok(None) };
        self.refill(medium, newest.source)?;
        while let Some(Reverse(older)) = self.heads.peek()
            && older.version.id == newest.version.id
        {
            let source = older.source;
            self.heads.pop();
            self.refill(medium, source)?;
        }
        Ok(Some(newest.version))
    }

    fn refill(&mut self, medium: &Medium, source: usize) -> Result<(), LakeError> {
        let version = match &mut self.sources[source] {
            Source::File(file) => file.next(medium, self.sizes)?,
            Source::Kept(versions) => versions.next(),
        };
        self.heads.extend(version.map(|version| Reverse(Head { version, source })));
        Ok(())
    }
}

/// Rows of several batches as one batch.
pub(super) fn gather(rows: &[(Arc<RecordBatch>, usize)]) -> Result<RecordBatch, ArrowError> {
    let mut batches: Vec<&RecordBatch> = Vec::new();
    let mut places = std::collections::HashMap::new();
    let place_of = |(batch, row): &'_ (Arc<RecordBatch>, usize)| (Arc::as_ptr(batch), *row);
    for (batch, _) in rows {
        places.entry(Arc::as_ptr(batch)).or_insert_with(|| {
            batches.push(batch);
            batches.len() - 1
        });
    }
    let picks: Vec<(usize, usize)> =
        rows.iter().map(place_of).map(|(batch, row)| (places[&batch], row)).collect();
    interleave_record_batch(&batches, &picks)
}

/// Keeps the rows of some versions in a batch of their own, which holds nothing else alive.
pub(super) fn compact(versions: &mut [Version]) -> Result<(), ArrowError> {
    let row = |version: &Version| match &version.held {
        Held::Row(batch, row) => Some((Arc::clone(batch), *row)),
        Held::Deleted | Held::Delivered => None,
    };
    let rows: Vec<_> = versions.iter().filter_map(row).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let gathered = gather(&rows)?;
    let columns = gathered.columns().iter().map(own_text).collect();
    let kept = Arc::new(RecordBatch::try_new(gathered.schema(), columns)?);
    let of_rows = versions.iter_mut().filter(|version| matches!(version.held, Held::Row(..)));
    for (at, version) in of_rows.enumerate() {
        version.held = Held::Row(Arc::clone(&kept), at);
    }
    Ok(())
}

/// The same array; text is copied, so that it does not hold on to the pages that it was read from.
fn own_text(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Utf8View => Arc::new(array.as_string_view().gc()),
        DataType::List(element) => {
            let (_, offsets, values, nulls) = array.as_list::<i32>().clone().into_parts();
            Arc::new(ListArray::new(Arc::clone(element), offsets, own_text(&values), nulls))
        }
        _ => Arc::clone(array),
    }
}

/// The bytes of a row's texts.
pub(super) fn row_bytes(batch: &RecordBatch, row: usize) -> u64 {
    let of = |column: &ArrayRef| match column.data_type() {
        DataType::Utf8View if column.is_valid(row) => column.as_string_view().value(row).len(),
        DataType::List(_) if column.is_valid(row) => {
            let list = column.as_list::<i32>().value(row);
            list.as_string_view().iter().flatten().map(str::len).sum()
        }
        _ => 0,
    };
    batch.columns().iter().map(|column| of(column) as u64).sum()
}

/// The bytes of all texts of a batch, at most: fast, for those that are small anyway.
pub(super) fn text_bytes(batch: &RecordBatch) -> u64 {
    let of = |texts: &ArrayRef| -> u64 {
        texts.as_string_view_opt().map_or(0, |texts| texts.lengths().map(u64::from).sum())
    };
    let column = |column: &ArrayRef| match column.data_type() {
        DataType::List(_) => of(column.as_list::<i32>().values()),
        _ => of(column),
    };
    batch.columns().iter().map(column).sum()
}
