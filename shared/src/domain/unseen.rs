//! Selected events of which the account has none yet: perhaps they are to come, perhaps they are misspelt.

use super::DataSelection;

/// How many are named in the sentence.
const NAMED: usize = 5;

/// Selected events that the catalogue does not have, at least one. They are no reason to refuse an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnseenEvents(Vec<String>);

impl UnseenEvents {
    /// Those of a selection that are not `known`; none where nothing is selected, or all have been seen.
    pub fn of(data: &DataSelection, is_known: impl Fn(&str) -> bool) -> Option<Self> {
        let DataSelection::SelectEvents { names } = data else { return None };
        let unseen: Vec<_> = names.iter().filter(|name| !is_known(name)).cloned().collect();
        (!unseen.is_empty()).then_some(Self(unseen))
    }

    /// How many they are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl std::fmt::Display for UnseenEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.0.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
        f.write_str(&names.join(", "))?;
        match self.0.len().saturating_sub(NAMED) {
            0 => {}
            more => write!(f, " and {more} more")?,
        }
        let have = if self.0.len() == 1 { "has" } else { "have" };
        write!(f, " {have} not been seen yet. Check the spelling; files follow once there are such events.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(names: &[&str]) -> Option<String> {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let unseen = UnseenEvents::of(&DataSelection::SelectEvents { names }, |name| name == "Charged");
        unseen.map(|unseen| unseen.to_string())
    }

    #[test]
    fn what_was_not_seen_is_named() {
        assert_eq!(told(&["Charged"]), None);
        assert_eq!(UnseenEvents::of(&DataSelection::AllEvents, |_| false), None);
        let one =
            "`Chargd` has not been seen yet. Check the spelling; files follow once there are such events.";
        assert_eq!(told(&["Charged", "Chargd"]).as_deref(), Some(one));
        let many = told(&["a", "b", "c", "d", "e", "f", "g"]).unwrap_or_default();
        assert!(many.starts_with("`a`, `b`, `c`, `d`, `e` and 2 more have not been seen yet."), "{many}");
    }
}
