//! Times as people of an account read them.

use jiff::Timestamp;

use crate::domain::ZoneName;

/// `10 March 2026, 13:05 (Europe/Berlin)`.
pub(super) fn local(at: Timestamp, zone: &ZoneName) -> String {
    let shown = at.to_zoned_datetime(zone.time_zone());
    format!("{} ({zone})", shown.strftime("%-d %B %Y, %H:%M"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_zone_is_named() {
        let berlin = ZoneName::new("Europe/Berlin").unwrap();
        let at: Timestamp = "2026-07-01T22:05:59Z".parse().unwrap();
        assert_eq!(local(at, &berlin), "2 July 2026, 00:05 (Europe/Berlin)");
        assert_eq!(local(at, &ZoneName::default()), "1 July 2026, 22:05 (UTC)");
    }
}
