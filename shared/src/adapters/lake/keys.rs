//! The property keys of a lake file whose footer does not name them.

use jiff::Timestamp;

use arrow_array::Array as _;
use arrow_array::cast::AsArray as _;

use crate::domain::{Dataset, ProfileFile, ProfileRole, PropertyScope, RowCursor, Slice, SliceFile};
use crate::encode::PropertyKeys;
use crate::encode::columns::{EVENT_PROPS, PROFILE_PROPS, SESSION_PROPS};
use crate::ports::{Lake, LakeError};

use super::broken;

/// Reads all rows of a file for their keys. Blocking, like the rows of a slice.
///
/// # Errors
/// [`LakeError`]; a property text that is no JSON object is [`LakeError::Broken`] with its row.
pub fn scan_property_keys(lake: &dyn Lake, path: &str, dataset: Dataset) -> Result<PropertyKeys, LakeError> {
    let mut keys = PropertyKeys::new();
    let mut file_row = 0;
    let mut rows = lake.rows(&whole_file(path, dataset), columns(dataset));
    while let Some(sourced) = rows.next_batch()? {
        for (scope, name) in scopes(dataset) {
            let Some(column) = sourced.batch.column_by_name(name) else { continue };
            let texts = column.as_string_view();
            for row in (0..texts.len()).filter(|row| texts.is_valid(*row)) {
                keys.add_text(*scope, texts.value(row)).map_err(|fault| {
                    let row = match dataset {
                        Dataset::Events => file_row + row as u64,
                        Dataset::Profiles => sourced.origins.of(row).row,
                    };
                    broken(path, Some(row), format!("`{name}`: {fault}"))
                })?;
            }
        }
        file_row += sourced.batch.num_rows() as u64;
    }
    Ok(keys)
}

fn scopes(dataset: Dataset) -> &'static [(PropertyScope, &'static str)] {
    match dataset {
        Dataset::Events => &[(PropertyScope::Event, EVENT_PROPS), (PropertyScope::Session, SESSION_PROPS)],
        Dataset::Profiles => &[(PropertyScope::Profile, PROFILE_PROPS)],
    }
}

fn columns(dataset: Dataset) -> &'static [&'static str] {
    match dataset {
        Dataset::Events => &[EVENT_PROPS, SESSION_PROPS],
        Dataset::Profiles => &[PROFILE_PROPS],
    }
}

/// A slice of one file alone. Deleted profiles are passed over in it: no file delivers their keys.
fn whole_file(path: &str, dataset: Dataset) -> Slice {
    let path = path.to_owned();
    match dataset {
        Dataset::Events => Slice::Events {
            files: vec![SliceFile { path, bytes: 0, row_groups: None }],
            from: RowCursor::default(),
        },
        Dataset::Profiles => {
            let role = ProfileRole::Deliver;
            let file = ProfileFile { path, bytes: 0, committed: Timestamp::UNIX_EPOCH, role };
            Slice::Profiles { files: vec![file], after: None, upto: None }
        }
    }
}
