//! Who a record is about: the user's id in the lake, and the shard.

use std::borrow::Cow;
use std::fmt::Write as _;

use spillway::domain::DatabaseId;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// The ids that a record may carry; at least one is needed.
#[derive(Debug, Default)]
pub(super) struct Ids<'a> {
    pub(super) object_id: Option<Cow<'a, str>>,
    pub(super) identity: Option<Cow<'a, str>>,
    pub(super) fbid: Option<Cow<'a, str>>,
    pub(super) gpid: Option<Cow<'a, str>>,
}

impl<'a> Ids<'a> {
    /// `object_id`: as given; else 32 hex digits of XXH3-128 of the first of identity, FBID and GPID, behind its
    /// kind, so that one user's events and profile meet.
    pub(super) fn object_id(&self) -> Option<Cow<'a, str>> {
        let kinds = [("identity", &self.identity), ("FBID", &self.fbid), ("GPID", &self.gpid)];
        let derived = || {
            kinds.iter().find_map(|(kind, id)| {
                let hash = xxh3_128(format!("{kind}:{}", id.as_deref()?).as_bytes());
                let mut text = String::with_capacity(32);
                write!(text, "{hash:032x}").unwrap_or_default();
                Some(Cow::Owned(text))
            })
        };
        self.object_id.clone().or_else(derived)
    }

    /// `identity`: the identity; else FBID, else GPID, which identify the user in its place.
    pub(super) fn identity(&self) -> Option<Cow<'a, str>> {
        self.identity.clone().or_else(|| self.fbid.clone()).or_else(|| self.gpid.clone())
    }
}

/// The shard of a user: XXH3-64 of the `object_id`, modulo the account's shards.
pub(super) fn shard(object_id: &str, shards: u8) -> DatabaseId {
    let shard = xxh3_64(object_id.as_bytes()) % u64::from(shards.max(1));
    DatabaseId(u8::try_from(shard).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{Ids, shard};

    #[test]
    fn ids_and_shards_never_change() {
        let ids = |identity, fbid| Ids { identity, fbid, ..Ids::default() };
        let id = |text| Some(Cow::Borrowed(text));
        let derived = ids(id("chinook-2"), None).object_id();
        assert_eq!(derived, ids(id("chinook-2"), id("4")).object_id());
        assert_ne!(derived, ids(None, id("chinook-2")).object_id());
        assert_eq!(ids(None, None).object_id(), None);
        assert_eq!(derived.as_deref(), Some("69de4b547817ac02915cc8968a18efe2"));
        assert_eq!((shard("chinook-2", 24).0, shard("", 24).0), (2, 10));
        assert_eq!(shard("anything", 1).0, 0);
    }
}
