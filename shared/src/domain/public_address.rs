//! Which addresses of the internet are anybody's: those that a customer may name, and we may call.
//!
//! From IANA's registries of special-purpose addresses (RFC 6890 and its successors), strictly: what may lead inward, or
//! carries another address within it, is not public. Metadata servers are among the link-local and private ones.

use url::{Host, Url};

/// Whether an IPv4 address is public.
#[must_use]
pub fn is_public_v4(octets: [u8; 4]) -> bool {
    !matches!(
        octets,
        // This network, private, loopback.
        [0 | 10 | 127, ..]
            // Shared with the provider; link-local, with the metadata servers; private.
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            // For protocols, documentation and the relays of 6to4.
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            // For measuring.
            | [198, 18..=19, ..]
            // Multicast, reserved, broadcast.
            | [224..=255, ..]
    )
}

/// Whether an IPv6 address is public: of the global unicast range, without those in which another address is hidden
/// (Teredo, 6to4; mapped and translated ones are outside of the range anyway) and those for documentation.
#[must_use]
pub fn is_public_v6(segments: [u16; 8]) -> bool {
    let is_global = segments[0] & 0xe000 == 0x2000;
    let is_special = matches!(segments, [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x2002, ..])
        || (segments[0] == 0x3fff && segments[1] & 0xf000 == 0);
    is_global && !is_special
}

/// Whether others may read and exchange what goes there: it is without TLS, and leaves this machine.
#[must_use]
pub fn is_insecure(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() != "https" && !is_loopback
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::{net, str::FromStr};

    use super::*;

    fn is_public(text: &str) -> bool {
        match net::IpAddr::from_str(text).unwrap() {
            net::IpAddr::V4(address) => is_public_v4(address.octets()),
            net::IpAddr::V6(address) => is_public_v6(address.segments()),
        }
    }

    #[test]
    fn what_leads_inward_is_not_public() {
        for inside in [
            "0.0.0.0",
            "10.255.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:8.8.8.8",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:1::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff:fff::1",
            "5f00::1",
            "fc00::1",
            "fd20:ce::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(inside), "{inside}");
        }
    }

    #[test]
    fn what_is_anybodys_is_public() {
        for outside in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "169.253.1.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
            "3fff:1000::1",
        ] {
            assert!(is_public(outside), "{outside}");
        }
    }
}
