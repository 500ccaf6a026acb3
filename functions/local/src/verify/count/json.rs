//! JSON lines, counted with `serde_json`; events may have their name above them.

use std::io::BufRead;

use serde::de::IgnoredAny;

use super::CountError;

/// Counts the objects, one a line.
pub(super) fn rows(event_name: Option<&str>, raw: &mut dyn BufRead) -> Result<u64, CountError> {
    let first_line = event_name.map(first_line_of);
    let (mut line, mut rows) = (Vec::new(), 0);
    for number in 1_u64.. {
        line.clear();
        if raw.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.pop_if(|byte| *byte == b'\n').is_none() {
            return Err(CountError::Malformed(format!("line {number} does not end")));
        }
        // A record contains its event's name and more, so a line that is the name is never a record.
        if number == 1 && first_line.as_ref().is_some_and(|name| name.as_bytes() == line) {
            continue;
        }
        check(&line).map_err(|reason| CountError::Malformed(format!("line {number}: {reason}")))?;
        rows += 1;
    }
    Ok(rows)
}

/// The line above the records of an event (FORMATS, JSON): the name, its control characters as `?`.
fn first_line_of(event_name: &str) -> String {
    event_name.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Whether a line is one JSON object. Its numbers may be of any size, which `IgnoredAny` does not mind.
fn check(line: &[u8]) -> Result<(), String> {
    if line.first() != Some(&b'{') {
        return Err("it is neither an object nor the event's name".to_owned());
    }
    let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    serde_json::from_str::<IgnoredAny>(text).map(|_| ()).map_err(|error| error.to_string())
}
