//! The names of objects in a customer's bucket (FORMATS, Names).

use jiff::civil::Date;

use super::{AccountId, DatabaseId, Format, Packaging, RunKey};

/// The longest event name inside an object's name, so that the file also fits on a disk.
pub const EVENT_NAME_MAX_BYTES: usize = 180;

/// An event's name as it stands in object names. Two events may become the same one; they share file indexes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileEventName(String);

impl FileEventName {
    /// White space, `/`, NUL and `\ * # [ ]` become `-`, other control characters `?`; then cut to
    /// [`EVENT_NAME_MAX_BYTES`] at a character boundary.
    #[must_use]
    pub fn new(event_name: &str) -> Self {
        let mut safe = String::with_capacity(event_name.len());
        for character in event_name.chars() {
            let kept = match character {
                '/' | '\0' | '\\' | '*' | '#' | '[' | ']' => '-',
                c if c.is_whitespace() => '-',
                c if c.is_control() => '?',
                c => c,
            };
            if safe.len() + kept.len_utf8() > EVENT_NAME_MAX_BYTES {
                break;
            }
            safe.push(kept);
        }
        Self(safe)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of an events file.
#[must_use]
pub fn event_object(
    run: RunKey,
    event: &FileEventName,
    date: Date,
    index: u32,
    database: DatabaseId,
    (format, packaging): (Format, Packaging),
) -> String {
    let (day, extension) = (date.strftime("%Y%m%d"), packaging.event_extension(format));
    format!("{run}-{}-{day}-{index}-{database}.{extension}", event.as_str())
}

/// The name of a profiles file; the index stands in it from the second file on.
#[must_use]
pub fn profile_object(
    run: RunKey,
    index: u32,
    database: DatabaseId,
    (format, packaging): (Format, Packaging),
) -> String {
    let AccountId(account) = run.account;
    let index = if index == 0 { String::new() } else { format!("-{index}") };
    let ending = match (format, packaging) {
        (Format::Parquet, Packaging::Gzip) => "parquet.gzip".to_owned(),
        (_, Packaging::Gzip) => format!("{format}.gz"),
        (_, Packaging::Plain) => format.to_string(),
    };
    format!("{account}-{run}-{database}{index}-{ending}")
}

/// The name of a run's manifest.
#[must_use]
pub fn manifest_object(run: RunKey) -> String {
    format!("{run}.manifest")
}

/// The name under which an upload is begun, and never finished, to see whether it may be. It clashes with no file of
/// ours, as those begin with a digit, nor, by its 128 random bits, with anybody else's.
#[must_use]
pub fn check_object(random: u128) -> String {
    format!("spillway-check-{random:032x}")
}

#[cfg(test)]
mod tests;
