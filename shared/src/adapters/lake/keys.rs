//! The property keys of a lake file whose footer does not name them.

use arrow_array::Array as _;
use arrow_array::cast::AsArray as _;

use crate::domain::{Dataset, ProfileFile, ProfileRole, PropertyScope, RowCursor, Slice, SliceFile};
