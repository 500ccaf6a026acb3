//! The thorough search: several earlier places for each eight bytes, and the longest repetition is taken, also where
//! it begins a byte later.

use super::repeats::{END_BYTES, LONGEST, WINDOW_BYTES, back, eight_at, hash, same_length};
use super::tokens::Tokens;

const BITS: u32 = 15;
const PLACES: usize = 1 << BITS;
/// How many earlier places are looked at.
const DEPTH: u32 = 10;
/// A repetition this long is good enough.
const ENOUGH: usize = 64;
/// Only every so many places within a repetition are noted.
const STEP: usize = 3;
/// What is shorter than this is not looked for.
const SHORTEST: usize = 8;

/// Where eight bytes stood last, and before each place where the same hash stood before it; modulo 2^16 and 2^15.
#[derive(Debug)]
pub(super) struct Thorough {
    last: Box<[u16; PLACES]>,
    before: Box<[u16; WINDOW_BYTES]>,
}

impl Default for Thorough {
    fn default() -> Self {
        Self { last: Box::new([0; PLACES]), before: Box::new([0; WINDOW_BYTES]) }
    }
}

impl Thorough {
    /// Forgets all places: a unit begins.
    pub(super) fn forget(&mut self) {
        self.last.fill(0);
        self.before.fill(0);
    }

    /// Searches what stands behind `start`.
    pub(super) fn find(&mut self, data: &[u8], start: usize, tokens: &mut Tokens) {
        let end = data.len();
        let last = end.saturating_sub(END_BYTES);
        let (mut at, mut letters_from) = (start, start);
        while at < last {
            let Some((mut length, mut distance)) = self.longest(data, at, SHORTEST - 1, DEPTH) else {
                at += 1;
                continue;
            };
            let (mut begin, mut noted) = (at, at + 1);
            while length < ENOUGH && noted < last {
                let Some(longer) = self.longest(data, noted, length, DEPTH / 2) else {
                    noted += 1;
                    break;
                };
                (length, distance) = longer;
                begin = noted;
                noted += 1;
            }
            tokens.letters(&data[letters_from..], begin - letters_from);
            tokens.repeat(length, distance);
            (at, letters_from) = (begin + length, begin + length);
            while noted < at.min(last) {
                self.note(eight_at(data, noted), noted);
                noted += STEP;
            }
        }
        tokens.letters(&data[letters_from..], end - letters_from);
        tokens.end();
    }

    /// The longest repetition at a place, if one is longer than `than`, and its distance. The place is noted.
    #[inline(always)]
    fn longest(&mut self, data: &[u8], at: usize, than: usize, depth: u32) -> Option<(usize, usize)> {
        let eight = eight_at(data, at);
        let mut place = self.note(eight, at);
        let most = LONGEST.min(data.len() - at);
        let (mut best, mut nearer) = ((than, 0), 0);
        for _ in 0..depth {
            let distance = back(at, place);
            // Places go back only as long as they are true.
            if distance <= nearer || distance > WINDOW_BYTES || distance > at || best.0 >= most {
                break;
            }
            nearer = distance;
            let there = at - distance;
            // Its last byte tells most often that a place is no better.
            if data[there + best.0] == data[at + best.0] && eight == eight_at(data, there) {
                let length = same_length(data, at, distance, most);
                if length > best.0 {
                    best = (length, distance);
                    if length >= ENOUGH {
                        break;
                    }
                }
            }
            place = self.before[there % WINDOW_BYTES];
        }
        (best.1 > 0).then_some(best)
    }

    /// Notes where `eight` stand; where they stood before.
    #[inline(always)]
    fn note(&mut self, eight: u64, at: usize) -> u16 {
        #[expect(clippy::cast_possible_truncation, reason = "places are kept modulo 2^16")]
        let here = at as u16;
        let earlier = std::mem::replace(&mut self.last[hash::<BITS>(eight) % PLACES], here);
        self.before[at % WINDOW_BYTES] = earlier;
        earlier
    }
}
