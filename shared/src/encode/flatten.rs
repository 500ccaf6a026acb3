//! The flattening of a property object into CSV columns (FORMATS, CSV): one level, joined with `|`.
//!
//! The CSV files, the keys in the lake files' footers and the planner's scan all go through here, so they
//! cannot disagree about what the columns of a row are.

use super::json_text::{JsonFault, Kind, Member, MemberReader, Members};

/// What a flattened column gets from one property.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cell<'a> {
    /// A value in the source: a string, number, bool or null, or a container as JSON text.
    Value(Member<'a>),
    /// The values of one key of a list of objects.
    List(List<'a>),
}

/// Where cells go.
pub(super) trait Cells {
    /// Why a cell is refused.
    type Error: From<JsonFault>;

    /// Takes one cell. Cells come in source order; a key may come again, from another source.
    fn cell(&mut self, key: &str, cell: Cell<'_>) -> Result<(), Self::Error>;
}

/// The values that the objects of a list have under one key.
#[derive(Debug, Clone, Copy)]
pub(super) struct List<'a> {
    text: &'a str,
    items: usize,
    /// Of one key, by item.
    entries: &'a [Entry],
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    key_start: usize,
    key_end: usize,
    item: usize,
    start: usize,
    end: usize,
}

impl<'a> List<'a> {
    /// The JSON texts of the values in item order, `null` for an item without the key.
    pub(super) fn values(&self) -> impl Iterator<Item = &'a str> {
        let Self { text, items, entries } = *self;
        let mut entries = entries.iter().peekable();
        (0..items).map(move |item| {
            entries.next_if(|entry| entry.item == item).map_or("null", |entry| &text[entry.start..entry.end])
        })
    }
}

/// Flattens objects; keeps its buffers between them.
#[derive(Debug, Default)]
pub(super) struct Flattener {
    top: MemberReader,
    lower: Lower,
}

/// The level below.
#[derive(Debug, Default)]
struct Lower {
    members: MemberReader,
    item: MemberReader,
    /// The flattened key in the making.
    key: String,
    item_keys: String,
    entries: Vec<Entry>,
    groups: Vec<(usize, usize, usize)>,
}

impl Flattener {
    /// Gives the cells of an object to `cells`.
    pub(super) fn flatten<C: Cells>(&mut self, text: &str, cells: &mut C) -> Result<(), C::Error> {
        for member in self.top.object(text)?.last() {
            match member.kind {
                Kind::Object => self.lower.object(&member, cells)?,
                Kind::Array => self.lower.array(&member, cells)?,
                _ => cells.cell(member.key, Cell::Value(member))?,
            }
        }
        Ok(())
    }
}

impl Lower {
    fn object<C: Cells>(&mut self, parent: &Member<'_>, cells: &mut C) -> Result<(), C::Error> {
        let members = self.members.object(parent.value)?;
        if members.len() == 0 {
            return cells.cell(parent.key, Cell::Value(*parent));
        }
        for member in members.last() {
            cells.cell(join(&mut self.key, parent.key, member.key), Cell::Value(member))?;
        }
        Ok(())
    }

    /// A list becomes columns if it is made of objects that have a key at all; else it stays JSON text.
    fn array<C: Cells>(&mut self, parent: &Member<'_>, cells: &mut C) -> Result<(), C::Error> {
        let elements = self.members.array(parent.value)?;
        if !elements.all_are(Kind::Object) {
            return cells.cell(parent.key, Cell::Value(*parent));
        }
        self.item_keys.clear();
        self.entries.clear();
        collect(elements, &mut self.item, &mut self.item_keys, &mut self.entries)?;
        if self.entries.is_empty() {
            return cells.cell(parent.key, Cell::Value(*parent));
        }
        group(&self.item_keys, &mut self.entries, &mut self.groups);
        for (_, from, to) in &self.groups {
            let entries = &self.entries[*from..*to];
            let key = &self.item_keys[entries[0].key_start..entries[0].key_end];
            let list = List { text: elements.text(), items: elements.len(), entries };
            cells.cell(join(&mut self.key, parent.key, key), Cell::List(list))?;
        }
        Ok(())
    }
}

fn join<'k>(buffer: &'k mut String, parent: &str, key: &str) -> &'k str {
    buffer.clear();
    buffer.push_str(parent);
    buffer.push('|');
    buffer.push_str(key);
    buffer
}

/// Every key of every object of a list, with its value's place in the list's text.
fn collect(
    elements: Members<'_>,
    reader: &mut MemberReader,
    keys: &mut String,
    entries: &mut Vec<Entry>,
) -> Result<(), JsonFault> {
    for (item, element) in elements.all().enumerate() {
        for member in reader.object(element.value)?.last() {
            let key_start = keys.len();
            keys.push_str(member.key);
            // The list's text is minified, so the element's text is a part of it as it stands.
            let start = element.start + member.start;
            let end = start + member.value.len();
            entries.push(Entry { key_start, key_end: keys.len(), item, start, end });
        }
    }
    Ok(())
}

/// Brings the entries of each key together; the groups are (first appearance, from, to), in the order in which
/// the keys first appear.
fn group(keys: &str, entries: &mut [Entry], groups: &mut Vec<(usize, usize, usize)>) {
    let key = |entry: &Entry| &keys[entry.key_start..entry.key_end];
    entries.sort_unstable_by(|a, b| key(a).cmp(key(b)).then(a.item.cmp(&b.item)));
    groups.clear();
    let mut from = 0;
    for same in entries.chunk_by(|a, b| key(a) == key(b)) {
        // The first item's entry is the first in the source too; `start` tells where.
        groups.push((same[0].start, from, from + same.len()));
        from += same.len();
    }
    groups.sort_unstable();
}

#[cfg(test)]
mod tests;
