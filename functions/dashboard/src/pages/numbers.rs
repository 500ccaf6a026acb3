//! Numbers as people read them: counts, sizes, durations, shares.

use std::fmt::Write as _;

/// A count with its thousands apart: `12,345`.
#[must_use]
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and what is counted: `1 file`, `1,200 files`.
#[must_use]
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A size in decimal units, as the limit of 100 MB a file is one: `950 B`, `1.2 kB`, `85 MB`.
#[must_use]
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let (mut tenths, mut unit) = (bytes.div_ceil(100), 0);
    while tenths >= 9_995 && unit + 1 < UNITS.len() {
        (tenths, unit) = ((tenths + 500) / 1_000, unit + 1);
    }
    // Below ten a tenth says something; above it, it is noise.
    if tenths < 100 {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    } else {
        format!("{} {}", (tenths + 5) / 10, UNITS[unit])
    }
}

/// How long something took: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`.
#[must_use]
pub(crate) fn duration(millis: u64) -> String {
    let secs = millis / 1_000;
    let parts = [(secs / 86_400, "d"), (secs / 3_600 % 24, "h"), (secs / 60 % 60, "min"), (secs % 60, "s")];
    match parts.iter().position(|(amount, _)| *amount > 0) {
        None if millis < 100 => "under 0.1 s".to_owned(),
        None => format!("0.{} s", millis / 100),
        Some(first) => {
            let mut text = String::new();
            for (amount, unit) in parts[first..].iter().take(2).filter(|(amount, _)| *amount > 0) {
                let gap = if text.is_empty() { "" } else { " " };
                write!(text, "{gap}{amount} {unit}").expect("a String takes everything");
            }
            text
        }
    }
}

/// How long is left, which nobody knows to the second: `less than a minute left`, `about 3 min left`.
#[must_use]
pub(crate) fn time_left(secs: u64) -> String {
    match secs {
        0..45 => "less than a minute left".to_owned(),
        45..5_400 => format!("about {} min left", ((secs + 30) / 60).max(1)),
        _ => format!("about {} h left", (secs + 1_800) / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")];
        for (number, text) in cases {
            assert_eq!(count(number), text);
        }
        assert_eq!(counted(1, "file", "files"), "1 file");
        assert_eq!(counted(0, "file", "files"), "0 files");
    }

    #[test]
    fn sizes_are_decimal() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (1_234, "1.3 kB"),
            (99_949, "100 kB"),
            (999_940, "1.0 MB"),
            (85_000_000, "85 MB"),
            (100_000_000, "100 MB"),
            (1_500_000_000, "1.5 GB"),
            (u64::MAX, "18447 PB"),
        ];
        for (number, text) in cases {
            assert_eq!(bytes(number), text, "{number}");
        }
    }

    #[test]
    fn durations_have_two_units_at_most() {
        let cases = [
            (0, "under 0.1 s"),
            (450, "0.4 s"),
            (12_000, "12 s"),
            (185_000, "3 min 5 s"),
            (7_200_000, "2 h"),
            (273_600_000, "3 d 4 h"),
        ];
        for (millis, text) in cases {
            assert_eq!(duration(millis), text);
        }
        assert_eq!(time_left(10), "less than a minute left");
        assert_eq!(time_left(50), "about 1 min left");
        assert_eq!(time_left(3_599), "about 60 min left");
        assert_eq!(time_left(7_200), "about 2 h left");
    }
}
