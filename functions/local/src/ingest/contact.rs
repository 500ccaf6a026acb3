//! Of a profile's properties the two that are columns.
//!
//! Keys are read as bytes: as text, serde_json refuses a whole profile for one key with an unpaired surrogate, which
//! events take (FORMATS, Records).

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::record::Raw;

/// As they stand, of any type; the last of each counts.
#[derive(Default)]
pub(super) struct Contact<'a> {
    pub(super) email: Raw<'a>,
    pub(super) phone: Raw<'a>,
}

/// Which property a key names.
enum Key {
    Email,
    Phone,
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Key;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a property's key")
            }

            fn visit_bytes<E>(self, key: &[u8]) -> Result<Key, E> {
                Ok(match key {
                    b"Email" => Key::Email,
                    b"Phone" => Key::Phone,
                    _ => Key::Other,
                })
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

impl<'de> Deserialize<'de> for Contact<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Properties;
        impl<'de> Visitor<'de> for Properties {
            type Value = Contact<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Contact<'de>, A::Error> {
                let mut contact = Contact::default();
                while let Some(key) = map.next_key()? {
                    match key {
                        Key::Email => contact.email = map.next_value()?,
                        Key::Phone => contact.phone = map.next_value()?,
                        Key::Other => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(contact)
            }
        }
        deserializer.deserialize_map(Properties)
    }
}
