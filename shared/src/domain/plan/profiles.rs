//! Profile files → chunks: ranges of `object_id`, cut where the row groups' statistics allow.

use super::{PROFILES_RATIO, PlanLimits, Ratios, estimate, messages::assign_messages};
use crate::domain::{
    ChunkContent, ChunkPlan, DatabaseId, Footer, Format, Packaging, ProfileFile, ProfileRole, Slice,
};

/// The profile files of one shard, with their footers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileShard {
    /// The shard.
    pub database: DatabaseId,
    /// Ordered by path.
    pub files: Vec<(ProfileFile, Footer)>,
}

/// Cuts every shard into ranges that should fill a file each.
#[must_use]
pub fn plan_profiles(
    shards: Vec<ProfileShard>,
    ratios: &Ratios,
    format: (Format, Packaging),
    columns: usize,
    limits: PlanLimits,
) -> Vec<ChunkPlan> {
    let ratio = ratios.of(PROFILES_RATIO, format);
    let mut chunks = Vec::new();
    for shard in shards {
        let files = needed(shard.files);
        if !files.iter().any(|(file, _)| file.role == ProfileRole::Deliver) {
            continue;
        }
        let ranges = ranges(&files, ratio, limits);
        let stride = u32::try_from(ranges.len()).expect("ranges are fewer than row groups");
        let files: Vec<_> = files.into_iter().map(|(file, _)| file).collect();
        for (index, (after, upto, estimated_bytes)) in (0..).zip(ranges) {
            chunks.push(ChunkPlan {
                content: ChunkContent::Profiles,
                database: shard.database,
                index,
                stride,
                files: format,
                slice: Slice::Profiles { files: files.clone(), after, upto },
                columns,
                estimated_bytes,
                message: 0,
                named_as: None,
            });
        }
    }
    assign_messages(&mut chunks, limits);
    chunks
}

/// Leaves out delivered files that are wholly older than whatever is to be delivered: they cannot hold a version
/// that keeps one back.
fn needed(files: Vec<(ProfileFile, Footer)>) -> Vec<(ProfileFile, Footer)> {
    let delivers = |file: &ProfileFile| file.role == ProfileRole::Deliver;
    let oldest = files
        .iter()
        .filter(|(file, _)| delivers(file))
        .flat_map(|(_, footer)| footer.row_groups.iter().map(|group| group.oldest_micros))
        // Without statistics any version may be there.
        .map(|oldest| oldest.unwrap_or(i64::MIN))
        .min()
        .unwrap_or(i64::MIN);
    let newest = |footer: &Footer| {
        footer
            .row_groups
            .iter()
            .map(|group| group.newest_micros.unwrap_or(i64::MAX))
            .max()
            .unwrap_or(i64::MIN)
    };
    files.into_iter().filter(|(file, footer)| delivers(file) || newest(footer) >= oldest).collect()
}

type Range = (Option<String>, Option<String>, u64);

/// Ranges that cover all ids, each estimated to fill the target, cut at the row groups' upper bounds.
fn ranges(files: &[(ProfileFile, Footer)], ratio: f64, limits: PlanLimits) -> Vec<Range> {
    let delivered = files.iter().filter(|(file, _)| file.role == ProfileRole::Deliver);
    let mut groups: Vec<_> = delivered.flat_map(|(_, footer)| &footer.row_groups).collect();
    groups.sort_by(|a, b| a.last_object_id.cmp(&b.last_object_id));
    let (mut ranges, mut after, mut bytes) = (Vec::new(), None::<String>, 0_u64);
    for (at, group) in groups.iter().enumerate() {
        let group_bytes = estimate(group.bytes, ratio);
        let cut = at.checked_sub(1).and_then(|before| groups[before].last_object_id.clone());
        if bytes > 0 && bytes.saturating_add(group_bytes) > limits.target_bytes && cut > after {
            ranges.push((after, cut.clone(), bytes));
            (after, bytes) = (cut, 0);
        }
        bytes = bytes.saturating_add(group_bytes);
    }
    ranges.push((after, None, bytes));
    ranges
}
