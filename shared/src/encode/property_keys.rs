//! The property keys of rows, flattened as CSV flattens them: what a lake file's footer carries and what the
//! planner gathers into a file's columns (FORMATS, CSV: Stable columns).

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::csv::is_fixed_profile_column;
use super::flatten::{Cell, Cells, Flattener};
use super::hash::FastHash;
use super::{JsonFault, PropertyColumn, PropertyScope};

/// The name of the Parquet footer's entry.
pub const FOOTER_KEY: &str = "spillway.property_keys";

/// Flattened keys in the order in which they were first seen. The key of a null counts. Of a profile's keys,
/// those of the CSV's fixed columns are left out.
#[derive(Debug, Default)]
pub struct PropertyKeys {
    event: KeySet,
    session: KeySet,
    profile: KeySet,
    flattener: Flattener,
}

#[derive(Debug, Default)]
struct KeySet {
    seen: HashSet<Arc<str>, FastHash>,
    ordered: Vec<Arc<str>>,
}

/// What the footer's entry says.
#[derive(Debug, Serialize, Deserialize)]
struct Footer<S> {
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Vec<S>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Vec<S>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<Vec<S>>,
}

impl KeySet {
    fn add(&mut self, key: &str) {
        if !self.seen.contains(key) {
            let key: Arc<str> = Arc::from(key);
            self.seen.insert(Arc::clone(&key));
            self.ordered.push(key);
        }
    }
}

struct Gather<'k> {
    scope: PropertyScope,
    keys: &'k mut KeySet,
}

impl Cells for Gather<'_> {
    type Error = JsonFault;

    fn cell(&mut self, key: &str, _: Cell<'_>) -> Result<(), JsonFault> {
        if self.scope != PropertyScope::Profile || !is_fixed_profile_column(key) {
            self.keys.add(key);
        }
        Ok(())
    }
}

impl PropertyKeys {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the keys of a property text.
    ///
    /// # Errors
    /// When the text is not a JSON object; some of its keys may have been added.
    pub fn add_text(&mut self, scope: PropertyScope, text: &str) -> Result<(), JsonFault> {
        let keys = match scope {
            PropertyScope::Event => &mut self.event,
            PropertyScope::Session => &mut self.session,
            PropertyScope::Profile => &mut self.profile,
        };
        self.flattener.flatten(text, &mut Gather { scope, keys })
    }

    /// Adds a key that is flattened already.
    pub fn add_key(&mut self, scope: PropertyScope, key: &str) {
        match scope {
            PropertyScope::Event => self.event.add(key),
            PropertyScope::Session => self.session.add(key),
            PropertyScope::Profile if is_fixed_profile_column(key) => {}
            PropertyScope::Profile => self.profile.add(key),
        }
    }

    /// Adds the keys that a lake file's footer names.
    ///
    /// # Errors
    /// When the text is not `{"event":[…],"session":[…]}` or `{"profile":[…]}`; nothing has been added.
    pub fn add_footer(&mut self, text: &str) -> Result<(), serde_json::Error> {
        let footer: Footer<String> = serde_json::from_str(text)?;
        let lists = [
            (PropertyScope::Event, footer.event),
            (PropertyScope::Session, footer.session),
            (PropertyScope::Profile, footer.profile),
        ];
        for (scope, keys) in lists {
            keys.iter().flatten().for_each(|key| self.add_key(scope, key));
        }
        Ok(())
    }

    /// Adds the keys of others behind its own.
    pub fn add_all(&mut self, others: &Self) {
        for scope in [PropertyScope::Event, PropertyScope::Session, PropertyScope::Profile] {
            others.keys(scope).for_each(|key| self.add_key(scope, key));
        }
    }

    /// The footer's entry of an events file: `{"event":[…],"session":[…]}`.
    #[must_use]
    pub fn event_footer(&self) -> String {
        let of = |scope| Some(self.keys(scope).collect());
        let (event, session) = (of(PropertyScope::Event), of(PropertyScope::Session));
        footer_text(&Footer { event, session, profile: None })
    }

    /// The footer's entry of a profiles file: `{"profile":[…]}`.
    #[must_use]
    pub fn profile_footer(&self) -> String {
        let profile = Some(self.keys(PropertyScope::Profile).collect());
        footer_text(&Footer { event: None, session: None, profile })
    }

    /// The keys of one scope, first seen first.
    pub fn keys(&self, scope: PropertyScope) -> impl ExactSizeIterator<Item = &str> {
        let set = match scope {
            PropertyScope::Event => &self.event,
            PropertyScope::Session => &self.session,
            PropertyScope::Profile => &self.profile,
        };
        set.ordered.iter().map(|key| &**key)
    }

    /// All keys as CSV columns: the event's, then the session's, then the profile's.
    #[must_use]
    pub fn columns(&self) -> Vec<PropertyColumn> {
        let of = |scope| self.keys(scope).map(move |key| PropertyColumn { scope, key: key.to_owned() });
        let event_and_session = of(PropertyScope::Event).chain(of(PropertyScope::Session));
        event_and_session.chain(of(PropertyScope::Profile)).collect()
    }
}

fn footer_text(footer: &Footer<&str>) -> String {
    serde_json::to_string(footer).expect("lists of strings are always JSON")
}

#[cfg(test)]
mod tests;
