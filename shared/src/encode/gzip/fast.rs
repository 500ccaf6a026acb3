//! The fast search: one place to look at for each eight bytes, and the first repetition is taken.

use super::sequence::{END_BYTES, Found, LONGEST, WINDOW_BYTES, eight_at, hash, same_length};

const BITS: u32 = 13;
const PLACES: usize = 1 << BITS;

/// Where eight bytes stood last, modulo 2^16: what is found is compared, so a place that is long gone does no harm.
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
    pub(super) fn find(&mut self, data: &[u8], start: usize, found: &mut Found) {
        let end = data.len();
        let last = end.saturating_sub(END_BYTES);
        let (mut at, mut letters_from) = (start, start);
        while at < last {
            let eight = eight_at(data, at);
            let distance = self.exchange(eight, at);
            // Read before it is known whether the distance can be: that is rarely told right in advance.
            let differing = eight ^ eight_at(data, at.saturating_sub(distance));
            if differing != 0 || distance.wrapping_sub(1) >= WINDOW_BYTES || distance > at {
                at += 1;
                continue;
            }
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
            found.repeat(begin - letters_from, length, distance);
            let next = begin + length;
            self.exchange(eight_at(data, at + 1), at + 1);
            if next < last {
                self.exchange(eight_at(data, next - 2), next - 2);
            }
            (at, letters_from) = (next, next);
        }
        found.end(end - letters_from);
    }

    /// Notes where `eight` stand; how far back they stood before, perhaps.
    #[inline(always)]
    fn exchange(&mut self, eight: u64, at: usize) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "places are kept modulo 2^16")]
        let here = at as u16;
        let place = &mut self.places[hash::<BITS>(eight) % PLACES];
        usize::from(here.wrapping_sub(std::mem::replace(place, here)))
    }
}
