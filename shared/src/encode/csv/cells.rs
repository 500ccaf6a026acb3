//! The property cells of one row. They come in source order, which mostly is that of the columns, and are then written as
//! they come; where it is not, the row's end brings them into column order.

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
        for at in self.next..self.next + PASSED_OVER {
            let Some((known, target)) = self.ordered.get(at) else { break };
            if known == key {
                self.next = at + 1;
                return Some(*target);
            }
        }
        self.by_key.get(key).copied()
    }
}

/// Where a column's cell stands behind the begin of its row's cells, if it was filled in the current row.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    row: u64,
    start: usize,
    end: usize,
}

/// Finds the columns of cells and remembers where their texts stand.
#[derive(Debug, Default)]
pub(super) struct RowCells {
    event: Targets,
    session: Targets,
    profile: Targets,
    scope: Option<PropertyScope>,
    slots: Vec<Slot>,
    /// Numbers the rows, so that nothing has to be cleared between them.
    row: u64,
    /// Where the row's cells begin in the file's text.
    begin: usize,
    /// The column behind the last one that was written.
    next: usize,
    is_ordered: bool,
    decoded: String,
    scratch: String,
    unordered: Vec<u8>,
}

/// A row's cells, and the text of the file behind which they are written.
pub(super) struct OpenRow<'r> {
    cells: &'r mut RowCells,
    out: &'r mut Vec<u8>,
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

    /// Begins a row's cells behind `out`.
    pub(super) fn begin<'r>(&'r mut self, out: &'r mut Vec<u8>) -> OpenRow<'r> {
        self.row += 1;
        (self.begin, self.next, self.is_ordered) = (out.len(), 0, true);
        OpenRow { cells: self, out }
    }
}

impl OpenRow<'_> {
    /// The cells of `scope` come now.
    pub(super) fn scope(&mut self, scope: PropertyScope) -> &mut Self {
        self.cells.scope = Some(scope);
        self.cells.targets(scope).next = 0;
        self
    }

    /// Ends the cells: a comma and a cell, perhaps an empty one, stand there for every column.
    pub(super) fn end(self) {
        let Self { cells, out } = self;
        if cells.is_ordered {
            return push_commas(cells.slots.len() - cells.next, out);
        }
        cells.unordered.clear();
        cells.unordered.extend(out.drain(cells.begin..));
        for slot in &cells.slots {
            out.push(b',');
            if slot.row == cells.row {
                out.extend_from_slice(&cells.unordered[slot.start..slot.end]);
            }
        }
    }
}

/// Few, mostly one or none.
#[inline]
fn push_commas(count: usize, out: &mut Vec<u8>) {
    for _ in 0..count {
        out.push(b',');
    }
}

impl Cells for OpenRow<'_> {
    type Error = CellFault;

    /// A null is absent: it neither needs a column nor takes one from another source of the same name.
    fn cell(&mut self, key: &str, cell: Cell<'_>) -> Result<(), CellFault> {
        if matches!(cell, Cell::Value(member) if member.kind == Kind::Null) {
            return Ok(());
        }
        let Self { cells, out } = self;
        let targets = match cells.scope {
            Some(PropertyScope::Session) => &mut cells.session,
            Some(PropertyScope::Profile) => &mut cells.profile,
            _ => &mut cells.event,
        };
        let column = match targets.find(key) {
            Some(Target::Column(column)) => column,
            Some(Target::Nowhere) => return Ok(()),
            None => return Err(CellFault::Unknown(key.to_owned())),
        };
        if column >= cells.next {
            push_commas(column + 1 - cells.next, out);
            cells.next = column + 1;
        } else {
            cells.is_ordered = false;
        }
        let start = out.len() - cells.begin;
        match cell {
            // Nothing in these needs quotes.
            Cell::Value(member) if matches!(member.kind, Kind::Number | Kind::Bool) => {
                out.push_text(member.value);
            }
            Cell::Value(member) => {
                let text = member.plain_text(&mut cells.decoded).unwrap_or_default();
                push_cell(text, &mut cells.scratch, out);
            }
            Cell::List(list) => {
                cells.decoded.clear();
                for value in list.values() {
                    cells.decoded.push(if cells.decoded.is_empty() { '[' } else { ',' });
                    cells.decoded.push_str(value);
                    // A list of objects that share no key grows with the square of its length.
                    if start + cells.decoded.len() > ROW_MAX_BYTES {
                        return Err(CellFault::TooLarge);
                    }
                }
                cells.decoded.push(']');
                push_cell(&cells.decoded, &mut cells.scratch, out);
            }
        }
        cells.slots[column] = Slot { row: cells.row, start, end: out.len() - cells.begin };
        Ok(())
    }
}
