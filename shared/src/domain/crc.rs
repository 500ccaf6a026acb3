//! CRC32C as Google writes it.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A CRC32C of stored bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Crc32c(pub u32);

impl std::fmt::Display for Crc32c {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&BASE64_STANDARD.encode(self.0.to_be_bytes()))
    }
}

impl std::str::FromStr for Crc32c {
    type Err = NotCrc32c;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = BASE64_STANDARD.decode(text).map_err(|_| NotCrc32c)?;
        Ok(Self(u32::from_be_bytes(bytes.try_into().map_err(|_| NotCrc32c)?)))
    }
}

/// The text is not four bytes in base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a CRC32C is four bytes in base64")]
pub struct NotCrc32c;

impl Serialize for Crc32c {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Crc32c {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
