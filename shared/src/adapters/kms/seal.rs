//! The form of a seal: `k1:` and, in base64, the wrapped data key's length in two bytes, the wrapped data key, and the
//! envelope under it. A later form begins otherwise.

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::domain::SealedKey;

const PREFIX: &str = "k1:";

/// The parts of a seal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seal {
    /// The data key under the key of KMS, which names its version by itself.
    pub(super) wrapped: Vec<u8>,
    /// The service account key under the data key.
    pub(super) sealed: Vec<u8>,
}

impl Seal {
    /// None where KMS gave a wrapped key that no data key of ours makes.
    pub(super) fn write(&self) -> Option<SealedKey> {
        let len = u16::try_from(self.wrapped.len()).ok()?.to_be_bytes();
        let bytes = [&len, self.wrapped.as_slice(), self.sealed.as_slice()].concat();
        Some(SealedKey(format!("{PREFIX}{}", BASE64_STANDARD.encode(bytes))))
    }

    /// None where this is no seal.
    pub(super) fn read(text: &SealedKey) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(text.0.strip_prefix(PREFIX)?).ok()?;
        let (len, rest) = bytes.split_first_chunk::<2>()?;
        let (wrapped, sealed) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
        (!wrapped.is_empty()).then(|| Self { wrapped: wrapped.to_vec(), sealed: sealed.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_read_as_it_was_written() {
        let seal = Seal { wrapped: vec![7; 300], sealed: vec![9; 40] };
        let text = seal.write().unwrap();
        assert!(text.0.starts_with("k1:ASwHBwcH"), "{}", text.0);
        assert_eq!(Seal::read(&text), Some(seal));
        assert_eq!(Seal { wrapped: vec![0; 65_536], sealed: Vec::new() }.write(), None);
    }

    #[test]
    fn what_is_no_seal_is_not_read() {
        for text in
            ["", "k1:", "k1:AA==", "k1:AAA=", "k1:AAEA", "k1:AAIA", "k2:AAEAAA==", "v1:AAEAAA==", "k1:☃"]
        {
            let read = Seal::read(&SealedKey(text.to_owned()));
            let has_key = text == "k1:AAEA";
            assert_eq!(read.is_some(), has_key, "{text}");
        }
    }
}
