//! Reads fields more strictly than derived code does.

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use serde_json::{Map, Number, Value};
use spillway::domain::AnchorHour;

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

/// A small whole number. To JSON Schema `10.0` is one as well.
pub(super) fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
    let number = Number::deserialize(from)?;
    let whole = number.as_u64().or_else(|| {
        let number = number.as_f64().filter(|number| number.fract() == 0.0 && (0.0..256.0).contains(number));
        number.and_then(|number| format!("{number:.0}").parse().ok())
    });
    let whole = whole.and_then(|number| u8::try_from(number).ok());
    whole.ok_or_else(|| D::Error::custom(format!("{number} is no whole number from 0 to 255")))
}

/// As [`given`], of an hour of the day.
pub(super) fn given_hour<'de, D: Deserializer<'de>>(from: D) -> Result<Option<AnchorHour>, D::Error> {
    AnchorHour::try_from(whole(from)?).map(Some).map_err(D::Error::custom)
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
