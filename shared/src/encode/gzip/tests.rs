//! What comes out is what went in, whoever reads it; nothing is longer than was promised; the bytes are pinned.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::Read;

use proptest::prelude::*;

use super::*;

const LEVELS: [GzipLevel; 2] = [GzipLevel::Fast, GzipLevel::Compact];

/// A member of units, each a list of writes.
fn member(level: GzipLevel, units: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let (mut stream, mut out) = (GzipStream::new(level), Vec::new());
    for writes in units {
        let mut unit = Vec::new();
        for write in writes {
            let from = unit.len();
            unit.extend_from_slice(write);
            stream.write(&unit, from, &mut out);
        }
        stream.end_unit(&mut unit, &mut out);
    }
    let bytes = stream.finish(&[], &mut out);
    assert_eq!(bytes, out.len() as u64);
    out
}

/// As zlib reads it; checks CRC and size too, and that one member is all.
fn read(member: &[u8]) -> Vec<u8> {
    let (mut decoder, mut raw) = (flate2::bufread::GzDecoder::new(member), Vec::new());
    decoder.read_to_end(&mut raw).unwrap();
    assert!(decoder.into_inner().is_empty());
    raw
}

fn noise(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..bytes).map(next).collect()
}

/// Bytes of many kinds: rows that repeat, long runs, few letters, noise.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let row = (any::<u64>(), 1..60_u32).prop_map(|(seed, rows)| {
        let rows = (0..rows).map(|n| {
            format!(
                "{{\"number\":{n},\"id\":\"{:x}\",\"Category\":\"Home & Kitchen\"}}\n",
                seed.wrapping_mul(n.into())
            )
        });
        rows.collect::<String>().into_bytes()
    });
    prop_oneof![
        4 => row,
        2 => prop::collection::vec(any::<u8>(), 0..600),
        2 => prop::collection::vec(prop::sample::select(&b"ab"[..]), 0..900),
        1 => (0..70_000_usize, any::<u8>()).prop_map(|(count, byte)| vec![byte; count]),
        1 => (0..140_000_usize, any::<u64>()).prop_map(|(count, seed)| noise(count, seed)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_goes_in_comes_out(
        units in prop::collection::vec(prop::collection::vec(bytes(), 0..6), 0..4),
        level in prop::sample::select(&LEVELS[..]),
    ) {
        let stored = member(level, &units);
        prop_assert_eq!(read(&stored), units.concat().concat());
        // And again, the same.
        prop_assert_eq!(stored, member(level, &units));
    }

    /// The promise holds at any point of a member.
    #[test]
    fn nothing_is_longer_than_promised(
        before in prop::collection::vec(bytes(), 0..3),
        after in prop::collection::vec(bytes(), 0..8),
        level in prop::sample::select(&LEVELS[..]),
    ) {
        let (mut stream, mut out, mut unit) = (GzipStream::new(level), Vec::new(), Vec::new());
        let mut write = |stream: &mut GzipStream, bytes: &[u8], out: &mut Vec<u8>| {
            let from = unit.len();
            unit.extend_from_slice(bytes);
            stream.write(&unit, from, out);
        };
        before.iter().for_each(|bytes| write(&mut stream, bytes, &mut out));
        let promised = stream.worst_bytes(after.iter().map(|bytes| bytes.len() as u64).sum());
        after.iter().for_each(|bytes| write(&mut stream, bytes, &mut out));
        stream.end_unit(&mut unit, &mut out);
        prop_assert!(stream.finish(&[], &mut out) <= promised);
    }
}

/// Repetitions at the farthest distance and of the greatest length, across blocks, and none across units.
#[test]
fn repetitions_reach_as_far_as_deflate_allows() {
    for level in LEVELS {
        for gap in [32_768 - 300, 32_768 - 100, 32_768, 32_769, 65_536, 65_536 + 100] {
            let mut unit = noise(300, 1);
            unit.extend(noise(gap - 300, 2));
            unit.extend(noise(300, 1));
            unit.extend(noise(300, 1));
            unit.extend(vec![b'z'; 3 * BLOCK_BYTES]);
            let stored = member(level, &[vec![unit.clone()], vec![unit.clone()]]);
            assert_eq!(read(&stored), [unit.clone(), unit].concat(), "{level:?} {gap}");
        }
        let unit = noise(20_000, 3);
        let once = member(level, &[vec![unit.clone()]]).len();
        let twice_in_one = member(level, &[vec![unit.clone(), unit.clone()]]).len();
        let in_two = member(level, &[vec![unit.clone()], vec![unit]]).len();
        assert!(twice_in_one < once + 500, "{level:?}: {twice_in_one}, {once}");
        assert!(in_two > 2 * once - 100, "{level:?}: {in_two}, {once}");
    }
}

/// Rows of events, made by a formula. A change of these sums is a change of the stored bytes: fine between two
/// versions of us, but it must be meant.
#[test]
fn the_bytes_are_pinned() {
    let rows: String = (0..40_000_u64)
        .map(|n| {
            let id = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            format!(
                "{{\"ts\":{},\"id\":\"{id:016x}\",\"Price\":{}.{:02},\"Name\":\"Größe {}\"}}\n",
                20_250_611_000_000 + n,
                n % 977,
                n % 89,
                n % 7
            )
        })
        .collect();
    let found = LEVELS.map(|level| {
        let stored = member(level, &[vec![rows.clone().into_bytes()]]);
        assert_eq!(read(&stored), rows.as_bytes());
        (stored.len(), crc32c::crc32c(&stored))
    });
    assert_eq!(found, [(744_177, 3_544_686_241), (731_182, 1_765_666_246)]);
}

/// Whoever helps: the same bytes.
#[test]
fn units_alone_are_the_units_of_a_member() {
    for level in LEVELS {
        let unit = [noise(200_000, 5), vec![b'x'; 200_000], noise(3, 6)].concat();
        let cuts = [100_000, 390_000, unit.len()];
        let writes: Vec<Vec<u8>> =
            [0..cuts[0], cuts[0]..cuts[1], cuts[1]..cuts[2]].map(|range| unit[range].to_vec()).into();
        let alone = unit_alone(level, &unit, &cuts);
        let stored = member(level, &[writes.clone(), writes]);
        assert_eq!(stored[10..10 + alone.len()], alone);
        assert_eq!(stored[10 + alone.len()..10 + 2 * alone.len()], alone);
    }
}

#[test]
fn an_empty_member_is_twenty_bytes() {
    for level in LEVELS {
        let (stream, mut out) = (GzipStream::new(level), Vec::new());
        assert_eq!(stream.finish(&[], &mut out), 20);
        assert_eq!(out[..10], HEADER);
        assert!(read(&out).is_empty());
    }
}
