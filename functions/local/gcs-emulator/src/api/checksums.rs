//! The checksums that an uploader claims, held against what arrived.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::{error::ApiError, state::staged::Staged};

/// CRC32C (big-endian) and MD5 as the JSON API writes them: base64.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Claims {
    pub(crate) crc32c: Option<String>,
    pub(crate) md5_hash: Option<String>,
}

impl Claims {
    /// Reads `x-goog-hash: crc32c=…,md5=…`, which may come more than once.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut claims = Self::default();
        let values = headers.get_all("x-goog-hash").iter().filter_map(|value| value.to_str().ok());
        for item in values.flat_map(|value| value.split(',')) {
            match item.trim().split_once('=') {
                Some(("crc32c", value)) => claims.crc32c = Some(value.to_owned()),
                Some(("md5", value)) => claims.md5_hash = Some(value.to_owned()),
                _ => {}
            }
        }
        claims
    }

    /// Adds what `other` claims.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { crc32c: other.crc32c.or(self.crc32c), md5_hash: other.md5_hash.or(self.md5_hash) }
    }

    /// 400 if a claim is wrong.
    pub(crate) fn check(&self, staged: &Staged, md5_hash: &str) -> Result<(), ApiError> {
        let crc32c = encode_crc32c(staged.crc32c);
        for (kind, claimed, found) in [("CRC32C", &self.crc32c, &*crc32c), ("MD5", &self.md5_hash, md5_hash)]
        {
            if let Some(claimed) = claimed.as_deref().filter(|&claimed| claimed != found) {
                return Err(ApiError::invalid(format!(
                    "Provided {kind} hash \"{claimed}\" doesn't match calculated {kind} hash \"{found}\"."
                )));
            }
        }
        Ok(())
    }
}

/// A CRC32C as the JSON API writes it.
pub(crate) fn encode_crc32c(crc32c: u32) -> String {
    BASE64_STANDARD.encode(crc32c.to_be_bytes())
}
