//! Reads fields more strictly than derived code does.

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use serde_json::{Map, Value};

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
