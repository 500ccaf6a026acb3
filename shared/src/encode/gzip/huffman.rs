//! Huffman codes of limited length.

/// The most symbols of a code.
pub(super) const MOST_SYMBOLS: usize = 288;

/// A symbol's code as it goes into the stream, in the lower half, and its length above. 0: it has none.
pub(super) type Code = u32;

/// The length of a code.
#[inline(always)]
pub(super) fn length(code: Code) -> u32 {
    code >> 16
}

/// The bits of a code.
#[inline(always)]
pub(super) fn bits(code: Code) -> u32 {
    code & 0xFFFF
}

/// The lengths of the shortest codes for symbols that occur so often, none longer than `most`; 0 where one does not
/// occur. Two symbols at least get one, since some readers refuse a code that leaves bits without a meaning.
pub(super) fn lengths(counts: &[u32], most: usize, lengths: &mut [u8]) {
    /// Counts are kept above the symbol's nine bits.
    const SYMBOL: u32 = (1 << 9) - 1;
    const GREATEST: u32 = (1 << 22) - 1;
    lengths.fill(0);
    let mut used = [0_u32; MOST_SYMBOLS];
    let mut n = 0;
    for (symbol, count) in (0..).zip(counts).filter(|(_, count)| **count > 0) {
        used[n] = (*count).min(GREATEST) << 9 | symbol;
        n += 1;
    }
    let used = &mut used[..n];
    if let [] | [_] = used {
        let one = used.first().map_or(0, |one| (one & SYMBOL) as usize);
        lengths[one] = 1;
        lengths[usize::from(one == 0)] = 1;
        return;
    }
    used.sort_unstable();
    let mut by_length = count_lengths(used);
    limit(&mut by_length, most);
    let mut rarest = used.iter();
    for length in (1..=most).rev() {
        for symbol in rarest.by_ref().take(by_length[length] as usize) {
            #[expect(clippy::cast_possible_truncation, reason = "at most 15")]
            let length = length as u8;
            lengths[(symbol & SYMBOL) as usize] = length;
        }
    }
}

/// How many codes of each length there are, for two symbols or more by rising count: Moffat and Katajainen's way,
/// which needs one array.
fn count_lengths(used: &[u32]) -> [u32; 64] {
    let n = used.len();
    let mut nodes = [0_u32; MOST_SYMBOLS];
    nodes.iter_mut().zip(used).for_each(|(node, used)| *node = used >> 9);
    let (mut root, mut leaf) = (0, 0);
    for next in 0..n - 1 {
        let mut weight = 0;
        for _ in 0..2 {
            if leaf >= n || (root < next && nodes[root] < nodes[leaf]) {
                weight += nodes[root];
                #[expect(clippy::cast_possible_truncation, reason = "at most 287")]
                let parent = next as u32;
                nodes[root] = parent;
                root += 1;
            } else {
                weight += nodes[leaf];
                leaf += 1;
            }
        }
        nodes[next] = weight;
    }
    nodes[n - 2] = 0;
    for node in (0..n - 2).rev() {
        nodes[node] = nodes[nodes[node] as usize] + 1;
    }
    let mut by_length = [0_u32; 64];
    let (mut free, mut depth, mut inner) = (1_u32, 0_u32, nodes[..n - 1].iter().rev().peekable());
    while free > 0 {
        let mut taken = 0;
        while inner.next_if(|node| **node == depth).is_some() {
            taken += 1;
        }
        by_length[(depth as usize).min(63)] += free - taken;
        free = 2 * taken;
        depth += 1;
    }
    by_length
}

/// Makes the codes that are too long shorter, and as few others longer as that needs.
fn limit(by_length: &mut [u32; 64], most: usize) {
    let too_long: u32 = by_length[most + 1..].iter().sum();
    if too_long == 0 {
        return;
    }
    by_length[most + 1..].fill(0);
    by_length[most] += too_long;
    let taken = |(length, count): (usize, &u32)| u64::from(*count) << (most - length);
    let mut sum: u64 = by_length[..=most].iter().enumerate().skip(1).map(taken).sum();
    while sum > 1 << most {
        let Some(shorter) = (1..most).rev().find(|length| by_length[*length] > 0) else { return };
        by_length[most] -= 1;
        by_length[shorter] -= 1;
        by_length[shorter + 1] += 2;
        sum -= 1;
    }
}

/// The codes of these lengths, as RFC 1951 numbers them.
pub(super) fn codes(lengths: &[u8], codes: &mut [Code]) {
    let mut counts = [0_u16; 16];
    lengths.iter().filter(|length| **length > 0).for_each(|length| counts[usize::from(*length) % 16] += 1);
    let mut next = [0_u16; 16];
    for length in 1..16 {
        next[length] = (next[length - 1] + counts[length - 1]) << 1;
    }
    for (code, length) in codes.iter_mut().zip(lengths) {
        *code = 0;
        if *length > 0 {
            let next = &mut next[usize::from(*length) % 16];
            *code = u32::from(next.reverse_bits() >> (16 - length)) | u32::from(*length) << 16;
            *next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kraft(lengths: &[u8]) -> f64 {
        lengths.iter().filter(|length| **length > 0).map(|length| 0.5_f64.powi(i32::from(*length))).sum()
    }

    proptest! {
        /// Codes are complete and within their limit, and the shortest ones that there are where the limit is far.
        #[test]
        fn codes_are_complete(counts in prop::collection::vec(prop_oneof![Just(0), 1..5_u32, 1..100_000_u32], 2..286), most in 9..15_usize) {
            let mut found = vec![0; counts.len()];
            lengths(&counts, most, &mut found);
            prop_assert!((kraft(&found) - 1.0).abs() < 1e-9);
            prop_assert!(found.iter().all(|length| usize::from(*length) <= most));
            if counts.iter().filter(|count| **count > 0).count() > 1 {
                prop_assert!(counts.iter().zip(&found).all(|(count, length)| (*count > 0) == (*length > 0)));
                let mut unlimited = vec![0; counts.len()];
                lengths(&counts, 40, &mut unlimited);
                let cost = |lengths: &[u8]| counts.iter().zip(lengths).map(|(n, l)| u64::from(*n) * u64::from(*l)).sum::<u64>();
                prop_assert_eq!(cost(&unlimited), reference(&counts));
                prop_assert!(cost(&found) >= cost(&unlimited));
            }
        }
    }

    /// The least bits that any code needs, by merging the two rarest again and again.
    fn reference(counts: &[u32]) -> u64 {
        let mut heap: std::collections::BinaryHeap<std::cmp::Reverse<u64>> = counts
            .iter()
            .filter(|count| **count > 0)
            .map(|count| std::cmp::Reverse(u64::from(*count)))
            .collect();
        let mut bits = 0;
        while let (Some(first), Some(second)) = (heap.pop(), heap.pop()) {
            bits += first.0 + second.0;
            heap.push(std::cmp::Reverse(first.0 + second.0));
        }
        bits
    }

    #[test]
    fn rare_symbols_stay_within_the_limit() {
        let fibonacci: Vec<u32> = std::iter::successors(Some((1, 1)), |(a, b)| Some((*b, a + b)))
            .map(|(a, _)| a)
            .take(28)
            .collect();
        let mut found = vec![0; fibonacci.len()];
        lengths(&fibonacci, 14, &mut found);
        assert!((kraft(&found) - 1.0).abs() < 1e-9);
        assert_eq!(found.iter().max(), Some(&14));
    }

    #[test]
    fn the_numbering_of_rfc_1951() {
        let mut found = [0; 8];
        codes(&[3, 3, 3, 3, 3, 2, 4, 4], &mut found);
        let expected = [0b010, 0b110, 0b001, 0b101, 0b011, 0b00, 0b0111, 0b1111];
        assert_eq!(found.map(bits), expected);
        assert_eq!(found.map(length), [3, 3, 3, 3, 3, 2, 4, 4]);
    }
}
