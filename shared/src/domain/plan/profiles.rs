//! Profile files → chunks: ranges of `object_id`, cut where the row groups' statistics allow.

use super::{PROFILES_RATIO, PlanLimits, Ratios, estimate, messages::assign_messages};
use crate::domain::{
    ChunkContent, ChunkPlan, DatabaseId, Footer, Format, LakeFile, Packaging, ProfileFile, ProfileFiles,
    ProfileNote, ProfileRole, Slice,
};

/// What the files of a chunk, or of a part of a list, may take as a document; the store's limit is 1 MiB.
const NAMED_BYTES: usize = 512 * 1024;
/// What a file takes in a document beside its texts.
const FILE_BYTES: usize = 200;

/// The profile files of one shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileShard {
    /// The shard.
    pub database: DatabaseId,
    /// Ordered by path.
    pub files: Vec<ShardFile>,
}

/// A profiles file, as planning sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardFile {
    /// The file.
    pub file: ProfileFile,
    /// The bounds of its versions, oldest and newest, in microseconds; all there are where they are not known.
    pub micros: (i64, i64),
    /// Of a file to deliver, where it can be read.
    pub footer: Option<Footer>,
}

impl ShardFile {
    /// A listed file. Without a note, which is where its footer cannot be read, anything may be in it.
    #[must_use]
    pub fn new(
        file: LakeFile,
        role: ProfileRole,
        note: Option<&ProfileNote>,
        footer: Option<Footer>,
    ) -> Self {
        Self {
            micros: note.map_or((i64::MIN, i64::MAX), |note| (note.oldest_micros, note.newest_micros)),
            file: ProfileFile {
                path: file.path,
                bytes: file.bytes,
                committed: file.committed,
                role,
                rows: note.map(|note| note.rows),
                first_id: note.and_then(|note| note.first_id.clone()),
                last_id: note.and_then(|note| note.last_id.clone()),
            },
            footer,
        }
    }

    fn delivers(&self) -> bool {
        self.file.role == ProfileRole::Deliver
    }
}

/// The files of a shard that its chunks share, because a chunk's document would be too large with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileList {
    /// The shard.
    pub database: DatabaseId,
    /// Each small enough for a document.
    pub parts: Vec<Vec<ProfileFile>>,
}

/// Cuts every shard into ranges that should fill a file each. A chunk names the files that touch its range, where
/// they fit into its document; else the shard's list.
#[must_use]
pub fn plan_profiles(
    shards: Vec<ProfileShard>,
    ratios: &Ratios,
    format: (Format, Packaging),
    columns: usize,
    limits: PlanLimits,
) -> (Vec<ChunkPlan>, Vec<ProfileList>) {
    let ratio = ratios.of(PROFILES_RATIO, format);
    let (mut chunks, mut lists) = (Vec::new(), Vec::new());
    for ProfileShard { database, files } in shards {
        let files = needed(files);
        if !files.iter().any(ShardFile::delivers) {
            continue;
        }
        let ranges = ranges(&files, ratio, limits);
        let stride = u32::try_from(ranges.len()).expect("ranges are fewer than row groups");
        let files: Vec<_> = files.into_iter().map(|file| file.file).collect();
        let mut list: Option<ProfileList> = None;
        for (index, (after, upto, estimated_bytes)) in (0..).zip(ranges) {
            let touching = files.iter().filter(|file| file.touches(after.as_deref(), upto.as_deref()));
            let files = match named(touching, limits) {
                Some(named) => ProfileFiles::Named(named),
                None => {
                    let list =
                        list.get_or_insert_with(|| ProfileList { database, parts: parts(&files, limits) });
                    let parts = u32::try_from(list.parts.len()).expect("parts are fewer than files");
                    ProfileFiles::Listed { parts, listed: files.len() as u64 }
                }
            };
            chunks.push(ChunkPlan {
                content: ChunkContent::Profiles,
                database,
                index,
                stride,
                files: format,
                slice: Slice::Profiles { files, after, upto },
                columns,
                estimated_bytes,
                message: 0,
                named_as: None,
            });
        }
        lists.extend(list);
    }
    assign_messages(&mut chunks, limits);
    (chunks, lists)
}

/// Leaves out files without rows, and delivered files that are wholly older than whatever is to be delivered: they
/// cannot hold a version that keeps one back.
fn needed(files: Vec<ShardFile>) -> Vec<ShardFile> {
    let has_rows = |file: &ShardFile| file.file.rows != Some(0);
    let oldest =
        files.iter().filter(|file| file.delivers() && has_rows(file)).map(|file| file.micros.0).min();
    // Nothing to deliver: whatever was delivered keeps nothing back.
    let Some(oldest) = oldest else { return Vec::new() };
    files.into_iter().filter(|file| has_rows(file) && (file.delivers() || file.micros.1 >= oldest)).collect()
}

/// The bytes that a file takes in a document, about.
fn document_bytes(file: &ProfileFile) -> usize {
    let id = |id: &Option<String>| id.as_ref().map_or(0, String::len);
    FILE_BYTES + file.path.len() + id(&file.first_id) + id(&file.last_id)
}

/// The files, where they fit into a chunk's document.
fn named<'f>(files: impl Iterator<Item = &'f ProfileFile>, limits: PlanLimits) -> Option<Vec<ProfileFile>> {
    let (mut named, mut bytes) = (Vec::new(), 0);
    for file in files {
        bytes += document_bytes(file);
        if named.len() == limits.files || bytes > NAMED_BYTES {
            return None;
        }
        named.push(file.clone());
    }
    Some(named)
}

fn parts(files: &[ProfileFile], limits: PlanLimits) -> Vec<Vec<ProfileFile>> {
    let mut parts: Vec<Vec<ProfileFile>> = Vec::new();
    let mut bytes = 0;
    for file in files {
        bytes += document_bytes(file);
        match parts.last_mut() {
            Some(part) if part.len() < limits.files && bytes <= NAMED_BYTES => part.push(file.clone()),
            _ => {
                parts.push(vec![file.clone()]);
                bytes = document_bytes(file);
            }
        }
    }
    parts
}

type Range = (Option<String>, Option<String>, u64);

/// Ranges that cover all ids, each estimated to fill the target, cut at the row groups' upper bounds.
fn ranges(files: &[ShardFile], ratio: f64, limits: PlanLimits) -> Vec<Range> {
    let mut groups: Vec<(Option<&str>, u64)> = Vec::new();
    for file in files.iter().filter(|file| file.delivers()) {
        match &file.footer {
            Some(footer) => groups
                .extend(footer.row_groups.iter().map(|group| (group.last_object_id.as_deref(), group.bytes))),
            None => groups.push((None, file.file.bytes)),
        }
    }
    groups.sort_unstable();
    let (mut ranges, mut after, mut bytes) = (Vec::new(), None, 0_u64);
    let mut cut = None;
    for (last, group_bytes) in groups {
        let group_bytes = estimate(group_bytes, ratio);
        if bytes > 0 && bytes.saturating_add(group_bytes) > limits.target_bytes && cut > after {
            ranges.push((after.map(str::to_owned), cut.map(str::to_owned), bytes));
            (after, bytes) = (cut, 0);
        }
        bytes = bytes.saturating_add(group_bytes);
        cut = last;
    }
    ranges.push((after.map(str::to_owned), None, bytes));
    ranges
}

#[cfg(test)]
mod tests;
