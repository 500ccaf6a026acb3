//! The property cells of one row, on their way from source order into column order.

use std::collections::HashMap;

use super::{cell::push_cell, column_name};
use crate::encode::flatten::{Cell, Cells};
use crate::encode::hash::FastHash;
use crate::encode::json_text::{JsonFault, Kind};
use crate::encode::text::PushText as _;
use crate::encode::text_file::ROW_MAX_BYTES;
use crate::encode::{EncodeError, PropertyScope};

/// Which column a key has.
#[derive(Debug, Clone, Copy)]
enum Target {
    Column(usize),
    /// A column of the lake takes this one's place.
    Nowhere,
}

/// The columns of one scope's keys.
#[derive(Debug, Default)]
struct Targets {
    by_key: HashMap<String, Target, FastHash>,
    /// The same in the order of the columns, in which the keys of most rows come.
    ordered: Vec<(String, Target)>,
    /// Where the next key is looked for first.
    next: usize,
}

/// How many keys that a row does not have may be passed over before its next key is looked up.
const PASSED_OVER: usize = 4;

impl Targets {
    fn insert(&mut self, key: String, target: Target) {
        self.ordered.push((key.clone(), target));
        self.by_key.insert(key, target);
    }

    #[inline(always)]
    fn find(&mut self, key: &str) -> Option<Target> {
        let near = self.ordered.iter().skip(self.next).take(PASSED_OVER);
        for (passed, (known, target)) in near.enumerate() {
            if known == key {
                self.next += passed + 1;
                return Some(*target);
            }
        }
        self.by_key.get(key).copied()
    }
}

/// A column's cell, if it was filled in the current row.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    row: u64,
    start: usize,
    end: usize,
}

/// Finds the columns of cells and keeps their texts until the row is written.
#[derive(Debug, Default)]
pub(super) struct RowCells {
    event: Targets,
    session: Targets,
    profile: Targets,
    scope: Option<PropertyScope>,
    slots: Vec<Slot>,
    /// Numbers the rows, so that nothing has to be cleared between them.
    row: u64,
    /// The cells' texts, ready to be written.
    texts: Vec<u8>,
    decoded: String,
    scratch: String,
}

/// Why a row's properties cannot be written.
#[derive(Debug)]
pub(super) enum CellFault {
    Json(JsonFault),
    Unknown(String),
    TooLarge,
}

impl From<JsonFault> for CellFault {
    fn from(fault: JsonFault) -> Self {
        Self::Json(fault)
    }
}

impl CellFault {
    pub(super) fn in_row(self, row: usize, column: &'static str) -> EncodeError {
        match self {
            Self::Json(fault) => fault.in_row(row, column),
            Self::Unknown(key) => EncodeError::UnknownProperty { row, key },
            Self::TooLarge => EncodeError::RowTooLarge { row, limit_bytes: ROW_MAX_BYTES as u64 },
        }
    }
}

impl RowCells {
    /// A further column; false if the key has one already or needs none. Keys that become the same once their
    /// control characters are replaced share a column: there, as everywhere that two sources meet in one column,
    /// the last in source order wins.
    pub(super) fn add(&mut self, scope: PropertyScope, key: &str) -> bool {
        let name = column_name(key);
        let column = self.slots.len();
        let targets = self.targets(scope);
        if targets.by_key.contains_key(key) {
            return false;
        }
        let shared = targets.by_key.get(&name).copied();
        let target = shared.unwrap_or(Target::Column(column));
        targets.insert(key.to_owned(), target);
        if shared.is_none() {
            targets.by_key.insert(name, target);
            self.slots.push(Slot::default());
        }
        shared.is_none()
    }

    /// A key that is left out.
    pub(super) fn ignore(&mut self, scope: PropertyScope, key: &str) {
        self.targets(scope).insert(key.to_owned(), Target::Nowhere);
    }

    fn targets(&mut self, scope: PropertyScope) -> &mut Targets {
        match scope {
            PropertyScope::Event => &mut self.event,
            PropertyScope::Session => &mut self.session,
            PropertyScope::Profile => &mut self.profile,
        }
    }

    /// Begins a row with the cells of `scope`.
    pub(super) fn begin(&mut self, scope: PropertyScope) {
        self.row += 1;
        self.texts.clear();
        self.go_on(scope);
    }

    /// Goes on with the cells of another scope in the same row.
    pub(super) fn go_on(&mut self, scope: PropertyScope) {
        self.scope = Some(scope);
        self.targets(scope).next = 0;
    }

    /// Appends a comma and the cell of every column.
    pub(super) fn push_all(&self, out: &mut Vec<u8>) {
        for slot in &self.slots {
            out.push(b',');
            if slot.row == self.row {
                out.extend_from_slice(&self.texts[slot.start..slot.end]);
            }
        }
    }
}

impl Cells for RowCells {
    type Error = CellFault;

    /// A null is absent: it neither needs a column nor takes one from another source of the same name.
    fn cell(&mut self, key: &str, cell: Cell<'_>) -> Result<(), CellFault> {
        if matches!(cell, Cell::Value(member) if member.kind == Kind::Null) {
            return Ok(());
        }
        let targets = match self.scope {
            Some(PropertyScope::Session) => &mut self.session,
            Some(PropertyScope::Profile) => &mut self.profile,
            _ => &mut self.event,
        };
        let column = match targets.find(key) {
            Some(Target::Column(column)) => column,
            Some(Target::Nowhere) => return Ok(()),
            None => return Err(CellFault::Unknown(key.to_owned())),
        };
        let start = self.texts.len();
        match cell {
            // Nothing in these needs quotes.
            Cell::Value(member) if matches!(member.kind, Kind::Number | Kind::Bool) => {
                self.texts.push_text(member.value);
            }
            Cell::Value(member) => {
                let text = member.plain_text(&mut self.decoded).unwrap_or_default();
                push_cell(text, &mut self.scratch, &mut self.texts);
            }
            Cell::List(list) => {
                self.decoded.clear();
                for value in list.values() {
                    self.decoded.push(if self.decoded.is_empty() { '[' } else { ',' });
                    self.decoded.push_str(value);
                    // A list of objects that share no key grows with the square of its length.
                    if start + self.decoded.len() > ROW_MAX_BYTES {
                        return Err(CellFault::TooLarge);
                    }
                }
                self.decoded.push(']');
                push_cell(&self.decoded, &mut self.scratch, &mut self.texts);
            }
        }
        self.slots[column] = Slot { row: self.row, start, end: self.texts.len() };
        Ok(())
    }
}
