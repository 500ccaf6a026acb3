//! Reads fields more strictly than derived code does.

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use serde_json::{Map, Value};

use super::kinds::IdentityBody;

/// A field that is there, also as null where its type has that; a field that is not there is none.
pub(super) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// A value that has to be an object: derived readers take an array of its fields' values too.
pub(super) fn object<'de, T: DeserializeOwned, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let members = Map::<String, Value>::deserialize(from)?;
    T::deserialize(Value::Object(members)).map_err(D::Error::custom)
}

/// As [`given`], of an [`object`].
pub(super) fn given_object<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    object(from).map(Some)
}

/// As [`given`], of one to three identities: the schema knows how many there may be, and the rules which.
pub(super) fn given_identities<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Vec<IdentityBody>>, D::Error> {
    let kinds = Vec::deserialize(from)?;
    match kinds.len() {
        1..=3 => Ok(Some(kinds)),
        count => Err(D::Error::custom(format!("{count} identities are given; name one to three"))),
    }
}
