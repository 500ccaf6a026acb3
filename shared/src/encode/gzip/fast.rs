//! The fast search: one place to look at for each eight bytes, and the first repetition is taken.

use super::repeats::{END_BYTES, LONGEST, WINDOW_BYTES, back, eight_at, hash, same_length};
use super::tokens::Tokens;

const BITS: u32 = 13;
const PLACES: usize = 1 << BITS;

/// Where eight bytes stood last, in the unit, modulo 2^16: so the table leaves room for the data in the nearest cache.
#[derive(Debug)]
pub(super) struct Fast {
    places: Box<[u16; PLACES]>,
}

impl Default for Fast {
    fn default() -> Self {
        Self { places: Box::new([0; PLACES]) }
    }
}

impl Fast {
    /// Forgets all places: a unit begins.
    pub(super) fn forget(&mut self) {
        self.places.fill(0);
    }

    /// Searches what stands behind `start`.
    pub(super) fn find(&mut self, data: &[u8], start: usize, tokens: &mut Tokens) {
        let end = data.len();
        let last = end.saturating_sub(END_BYTES);
        let (mut from, mut letters_from) = (start, start);
        while let Some((at, distance)) = self.next(data, from, last) {
            let mut length = same_length(data, at, distance, LONGEST.min(end - at));
            // It may have begun earlier, where the table knew no place.
            let mut begin = at;
            if at - distance >= 8 {
                let differing = eight_at(data, at - 8) ^ eight_at(data, at - distance - 8);
                let earlier = (differing.leading_zeros() / 8) as usize;
                let earlier = earlier.min(at - letters_from).min(LONGEST - length);
                begin -= earlier;
                length += earlier;
            }
            tokens.letters(&data[letters_from..], begin - letters_from);
            tokens.repeat(length, distance);
            let next = begin + length;
            self.exchange(eight_at(data, at + 1), at + 1);
            if next < last {
                self.exchange(eight_at(data, next - 2), next - 2);
            }
            (from, letters_from) = (next, next);
        }
        tokens.letters(&data[letters_from..], end - letters_from);
        tokens.end();
    }

    /// The first place from `from` on, and before `last`, at which eight bytes stand that stood before, and how far
    /// before. By itself, so that all that it needs stays in registers: it takes most of the time.
    #[inline(never)]
    fn next(&mut self, data: &[u8], from: usize, last: usize) -> Option<(usize, usize)> {
        let ahead = data.get(from..last + 7)?;
        for (at, eight) in (from..).zip(ahead.windows(8)) {
            let eight = u64::from_le_bytes(*eight.first_chunk::<8>()?);
            let distance = self.exchange(eight, at);
            // Compared before it is known whether it is near enough: that is rarely told right in advance. Nothing is farther
            // than the unit's begin; said all the same, it keeps the compiler from asking for the distance first.
            if eight == eight_at(data, at.wrapping_sub(distance))
                && distance.wrapping_sub(1) < WINDOW_BYTES.min(at)
            {
                return Some((at, distance));
            }
        }
        None
    }

    /// Notes where `eight` stand; how far before they stood last, perhaps, or the unit began.
    #[inline(always)]
    fn exchange(&mut self, eight: u64, at: usize) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "places are kept modulo 2^16")]
        let here = at as u16;
        let before = std::mem::replace(&mut self.places[hash::<BITS>(eight) % PLACES], here);
        back(at, before)
    }
}
