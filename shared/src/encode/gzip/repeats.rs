//! Finding bytes again: what the searches share.

/// The farthest repetition.
pub(super) const WINDOW_BYTES: usize = 32 * 1024;
/// The longest repetition.
pub(super) const LONGEST: usize = 258;
/// No search begins closer to the end than this, so that eight bytes can always be read.
pub(super) const END_BYTES: usize = 16;

/// The eight bytes at `at`; zeros behind the end.
#[inline(always)]
pub(super) fn eight_at(data: &[u8], at: usize) -> u64 {
    data.get(at..at + 8)
        .and_then(|bytes| bytes.first_chunk::<8>())
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// How many bytes at `at` are as `distance` before, of which eight are known to be; not more than `most`, which are there.
#[inline(always)]
pub(super) fn same_length(data: &[u8], at: usize, distance: usize, most: usize) -> usize {
    let (here, there) = (&data[at + 8..at + most], &data[at + 8 - distance..at + most - distance]);
    let (here, here_rest) = here.as_chunks::<8>();
    let (there, there_rest) = there.as_chunks::<8>();
    let mut length = 8;
    for (here, there) in here.iter().zip(there) {
        let differing = u64::from_le_bytes(*here) ^ u64::from_le_bytes(*there);
        if differing != 0 {
            return length + (differing.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    length + here_rest.iter().zip(there_rest).take_while(|(here, there)| here == there).count()
}

/// A place in a table for eight bytes.
#[inline(always)]
pub(super) fn hash<const BITS: u32>(eight: u64) -> usize {
    (eight.wrapping_mul(0x9E37_79B1_85EB_CA87) >> (64 - BITS)) as usize
}

/// How far before `at` a place is that is kept modulo 2^16.
#[inline(always)]
pub(super) fn back(at: usize, place: u16) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "places are kept modulo 2^16")]
    usize::from((at as u16).wrapping_sub(place))
}
