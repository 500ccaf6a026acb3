//! Documents: JSON text in and out, and the forms that ids and instants take in fields.

use std::{
    collections::HashMap,
    io::{Read, Write},
};

use firestore::gcloud_sdk::{
    google::firestore::v1::{ArrayValue, Document, Value, value::ValueType},
    prost_types,
};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use super::paths::DocPath;
use crate::{domain::AccountId, ports::StoreError};

/// From how many bytes on a document's text is packed. A document has at most 1 MiB, a commit 10 MiB.
const PACKED_BYTES: usize = 16 << 10;

/// The field that holds the number of the commit that wrote a document last.
pub(super) const COMMIT: &str = "commit";

/// What a document holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(pub(super) HashMap<String, Value>);

impl Fields {
    /// The domain's type as text.
    pub(super) fn of(document: &impl Serialize) -> Self {
        let json =
            serde_json::to_string(document).expect("the domain's types have text keys and always serialise");
        let fields = Self::default();
        if json.len() < PACKED_BYTES {
            return fields.text("doc", json);
        }
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(json.as_bytes()).expect("memory takes all");
        fields.with("packed", ValueType::BytesValue(packer.finish().expect("memory takes all")))
    }

    fn with(mut self, name: &str, value: ValueType) -> Self {
        self.0.insert(name.to_owned(), Value { value_type: Some(value) });
        self
    }

    pub(super) fn text(self, name: &str, text: impl Into<String>) -> Self {
        self.with(name, ValueType::StringValue(text.into()))
    }

    pub(super) fn number(self, name: &str, number: i64) -> Self {
        self.with(name, ValueType::IntegerValue(number))
    }

    /// No field where there is no number: then no query over the field finds the document.
    pub(super) fn number_if(self, name: &str, number: Option<i64>) -> Self {
        match number {
            Some(number) => self.number(name, number),
            None => self,
        }
    }

    pub(super) fn flag(self, name: &str, flag: bool) -> Self {
        self.with(name, ValueType::BooleanValue(flag))
    }

    pub(super) fn numbers(self, name: &str, numbers: &[i64]) -> Self {
        let values = numbers.iter().map(|number| number_value(*number)).collect();
        self.with(name, ValueType::ArrayValue(ArrayValue { values }))
    }

    /// An instant as Firestore's own, in whole microseconds.
    pub(super) fn instant(self, name: &str, at: Timestamp) -> Self {
        self.with(name, ValueType::TimestampValue(instant_proto(at)))
    }
}

/// A document as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) path: DocPath,
    pub(super) fields: HashMap<String, Value>,
    pub(super) version: Option<prost_types::Timestamp>,
}

impl Stored {
    /// `root` is what stands before the path in names.
    pub(super) fn new(document: Document, root: &str) -> Self {
        let path = document.name.strip_prefix(root).map_or(document.name.as_str(), |rest| &rest[1..]);
        Self { path: DocPath(path.to_owned()), fields: document.fields, version: document.update_time }
    }

    /// The last part of its path.
    pub(super) fn id(&self) -> &str {
        self.path.0.rsplit('/').next().unwrap_or_default()
    }

    /// The parts of its path.
    pub(super) fn parts(&self) -> Vec<&str> {
        self.path.0.split('/').collect()
    }

    /// The domain's type.
    pub(super) fn read<T: DeserializeOwned>(&self, name: impl FnOnce() -> String) -> Result<T, StoreError> {
        let packed = match self.value("packed") {
            Some(ValueType::BytesValue(packed)) => Some(packed),
            _ => None,
        };
        let read = match (self.text("doc"), packed) {
            (Some(text), _) => serde_json::from_str(text).map_err(|error| error.to_string()),
            (None, Some(packed)) => {
                let mut json = Vec::new();
                match GzDecoder::new(packed.as_slice()).read_to_end(&mut json) {
                    Ok(_) => serde_json::from_slice(&json).map_err(|error| error.to_string()),
                    Err(error) => Err(error.to_string()),
                }
            }
            (None, None) => Err("it has neither a text `doc` nor bytes `packed`".to_owned()),
        };
        read.map_err(|wrong| StoreError::Unreadable { document: name(), wrong })
    }

    /// The domain's type; none where it is damaged, which is logged, and holds up nobody else's.
    pub(super) fn readable<T: DeserializeOwned>(&self, name: impl FnOnce() -> String) -> Option<T> {
        self.read(name).inspect_err(|error| tracing::error!(%error, "a document is passed over")).ok()
    }

    fn value(&self, field: &str) -> Option<&ValueType> {
        self.fields.get(field)?.value_type.as_ref()
    }

    pub(super) fn text(&self, field: &str) -> Option<&str> {
        match self.value(field) {
            Some(ValueType::StringValue(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&self, field: &str) -> Option<i64> {
        match self.value(field) {
            Some(ValueType::IntegerValue(number)) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn numbers(&self, field: &str) -> Vec<i64> {
        let Some(ValueType::ArrayValue(array)) = self.value(field) else { return vec![] };
        let number = |value: &Value| match value.value_type {
            Some(ValueType::IntegerValue(number)) => Some(number),
            _ => None,
        };
        array.values.iter().filter_map(number).collect()
    }
}

pub(super) fn number_value(number: i64) -> Value {
    Value { value_type: Some(ValueType::IntegerValue(number)) }
}

pub(super) fn text_value(text: impl Into<String>) -> Value {
    Value { value_type: Some(ValueType::StringValue(text.into())) }
}

pub(super) fn flag_value(flag: bool) -> Value {
    Value { value_type: Some(ValueType::BooleanValue(flag)) }
}

pub(super) fn instant_value(at: Timestamp) -> Value {
    Value { value_type: Some(ValueType::TimestampValue(instant_proto(at))) }
}

/// Firestore keeps microseconds, of the years 1 to 9999.
fn instant_proto(at: Timestamp) -> prost_types::Timestamp {
    let micros = at.as_microsecond().max(-62_135_596_800_000_000);
    let (seconds, micros) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    prost_types::Timestamp { seconds, nanos: i32::try_from(micros * 1_000).expect("less than a second") }
}

/// An account as a field: numbers in fields are signed.
pub(super) fn account_text(account: AccountId) -> String {
    super::paths::number_id(account.0)
}

/// An instant as a field. Instants beyond the years 1677 to 2262 become the ends of the range, so order stays.
pub(super) fn instant_number(at: Timestamp) -> i64 {
    let nanos = at.as_nanosecond().clamp(i64::MIN.into(), i64::MAX.into());
    i64::try_from(nanos).expect("clamped")
}

/// The instant of a field.
pub(super) fn instant_of_number(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanos.into())
        .expect("an i64 of nanoseconds lies within the years of a timestamp")
}
