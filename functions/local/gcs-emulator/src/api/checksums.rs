//! The checksums that an uploader claims, held against what arrived.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::{
    error::{ApiError, Error},
    state::{objects::for_each_block, staged::Staged},
};

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

    /// 400 if a claim is wrong. An MD5 is computed only when one is claimed, by reading the file again.
    pub(crate) fn check(&self, staged: &Staged) -> Result<(), ApiError> {
        let differ = |kind, claimed: &str, found: &str| {
            Err(ApiError::invalid(format!(
                "Provided {kind} hash \"{claimed}\" doesn't match calculated {kind} hash \"{found}\"."
            )))
        };
        let found = encode_crc32c(staged.crc32c);
        if let Some(claimed) = self.crc32c.as_ref().filter(|claimed| **claimed != found) {
            return differ("CRC32C", claimed, &found);
        }
        if let Some(claimed) = &self.md5_hash {
            let mut md5 = md5::Context::new();
            for_each_block(&staged.path, |block| md5.consume(block)).map_err(Error::io(&staged.path))?;
            let found = BASE64_STANDARD.encode(md5.finalize().0);
            if *claimed != found {
                return differ("MD5", claimed, &found);
            }
        }
        Ok(())
    }
}

/// A CRC32C as the JSON API writes it.
pub(crate) fn encode_crc32c(crc32c: u32) -> String {
    BASE64_STANDARD.encode(crc32c.to_be_bytes())
}
