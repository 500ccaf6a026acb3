//! All that is wrong with a configuration.

use std::{collections::BTreeMap, fmt};

/// What is wrong, by variable; the first thing found of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(BTreeMap<String, String>);

impl Problems {
    pub(super) fn add(&mut self, name: &str, wrong: impl Into<String>) {
        self.0.entry(name.to_owned()).or_insert_with(|| wrong.into());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, wrong)| writeln!(f, "  {name}: {wrong}"))
    }
}

impl std::error::Error for Problems {}
