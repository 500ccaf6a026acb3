//! The property keys of a file's rows, for its footer.

use spillway::domain::PropertyScope;
use spillway::encode::PropertyKeys;

/// So many keys are remembered a scope; where there are more, looking for one would take longer than reading it.
const REMEMBERED_KEYS: usize = 64;

/// Gathers the keys of rows, flattened, in the order in which they are first seen.
///
/// Most rows have no key that was not seen before, and of most texts that can be seen at a glance; only the others are
/// read.
pub(super) struct RowKeys {
    is_event: bool,
    keys: PropertyKeys,
    seen: [Seen; 2],
}

impl RowKeys {
    pub(super) fn new(is_event: bool) -> Self {
        Self { is_event, keys: PropertyKeys::new(), seen: Default::default() }
    }

    /// Adds the keys of a row, of which these are the texts. They are JSON, as parsing has made sure of.
    ///
    /// # Errors
    /// What is wrong with its properties.
    pub(super) fn add(&mut self, texts: &[Option<&str>]) -> Result<(), String> {
        let scopes: &[_] = match texts {
            [.., event, session] if self.is_event => {
                &[(PropertyScope::Event, *event), (PropertyScope::Session, *session)]
            }
            [.., profile] => &[(PropertyScope::Profile, *profile)],
            [] => &[],
        };
        for ((scope, text), seen) in scopes.iter().zip(&mut self.seen) {
            let Some(text) = text else { continue };
            if !seen.has_all_keys_of(text) {
                self.keys.add_text(*scope, text).map_err(|fault| format!("its properties: {fault}"))?;
                seen.remember_keys_of(text);
            }
        }
        Ok(())
    }

    /// The footer's entry.
    pub(super) fn footer(&self) -> String {
        if self.is_event { self.keys.event_footer() } else { self.keys.profile_footer() }
    }
}

/// Some keys that were added.
#[derive(Default)]
struct Seen {
    keys: Vec<Box<[u8]>>,
    /// Keys come in about the same order in each row, so the next one is looked for behind the last one.
    next: usize,
}

impl Seen {
    /// Whether none of a text's keys is new; false where that cannot be seen at a glance.
    fn has_all_keys_of(&mut self, text: &str) -> bool {
        each_plain_key(text, |key| {
            let (before, behind) = self.keys.split_at(self.next);
            let found = behind.iter().chain(before).position(|seen| **seen == *key);
            self.next = found.map_or(0, |ahead| (self.next + ahead + 1) % self.keys.len());
            found.is_some()
        })
    }

    /// Remembers the keys of a text that was read, if all of them can be seen: else one of them may stand for another,
    /// as of duplicates only the last counts.
    fn remember_keys_of(&mut self, text: &str) {
        if !each_plain_key(text, |_| true) {
            return;
        }
        each_plain_key(text, |key| {
            if self.keys.len() < REMEMBERED_KEYS && !self.keys.iter().any(|seen| **seen == *key) {
                self.keys.push(key.into());
            }
            true
        });
    }
}

/// Gives the keys of a JSON object, as long as they are wanted. Whether all were given and are all that flattening it
/// finds: false for an object that has an escape, a container or white space behind a string or colon, wherever that is.
fn each_plain_key(object: &str, mut wanted: impl FnMut(&[u8]) -> bool) -> bool {
    let bytes = object.as_bytes();
    // Without escapes, each second quote closes a string.
    if memchr::memchr(b'\\', bytes).is_some() {
        return false;
    }
    let mut quotes = memchr::memchr_iter(b'"', bytes);
    while let (Some(open), Some(close)) = (quotes.next(), quotes.next()) {
        let is_plain = match bytes[close + 1..] {
            [b':', b'{' | b'[' | b' ' | b'\t' | b'\n' | b'\r', ..] => false,
            [b':', ..] => wanted(&bytes[open + 1..close]),
            [b',' | b'}', ..] => true,
            _ => false,
        };
        if !is_plain {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{REMEMBERED_KEYS, RowKeys};

    /// Whatever came before, the footer is that of texts read one by one.
    #[test]
    fn keys_seen_at_a_glance_are_those_that_reading_finds() {
        let many: String = (0..200).map(|n| format!(r#","k{n}":{n}"#)).collect();
        let many = format!(r#"{{"a":1{many}}}"#);
        let texts = [
            "{}",
            "{ }",
            r#"{"a":1,"b":"x","c":null}"#,
            r#"{"a":1,"b":"x","c":null}"#,
            r#"{"c":true,"a":"a,\"d\":1"}"#,
            r#"{"b":"{\"e\":1}","a":-1.5e3}"#,
            r#"{"a":1,"f":2}"#,
            r#"{"a" : 1,"g" : 2}"#,
            r#"{"a":"x" ,"h":2}"#,
            r#"{"a": {"i":2}}"#,
            r#"{"a":{"j":2}}"#,
            r#"{"a":[{"k":2}],"b":3}"#,
            "{\"a\":\n[{\"l\":2}]}",
            r#"{"\u0061":1,"m\n":2}"#,
            r#"{"a":",","b":":","":"}"}"#,
            r#"{"b":1,"a":2,"a":{"n":1}}"#,
            r#"{"Name":"x","Email":"y","a":"ä","ö":"\ud800"}"#,
            &many,
            r#"{"k150":1,"k3":2,"new":3}"#,
            &many,
        ];
        for is_event in [true, false] {
            for first in 0..texts.len() {
                let (mut glanced, mut read) = (RowKeys::new(is_event), RowKeys::new(is_event));
                for text in texts[first..].iter().chain(&texts) {
                    let (text, session) = (Some(*text), Some(r#"{"s":1}"#));
                    let row = if is_event { vec![text, session] } else { vec![text] };
                    assert_eq!(glanced.add(&row), Ok(()));
                    read.seen = Default::default();
                    assert_eq!(read.add(&row), Ok(()));
                }
                assert_eq!(glanced.footer(), read.footer());
                assert_eq!(glanced.seen[0].keys.len(), REMEMBERED_KEYS);
            }
        }
    }

    #[test]
    fn a_key_is_not_remembered_for_a_duplicate_that_does_not_count() {
        let mut keys = RowKeys::new(true);
        for text in [r#"{"a":1,"a":{"n":1}}"#, r#"{"a":1}"#] {
            assert_eq!(keys.add(&[Some(text), None]), Ok(()));
        }
        assert_eq!(keys.footer(), r#"{"event":["a|n","a"],"session":[]}"#);
    }

    #[test]
    fn keys_seen_before_are_not_read_again() {
        let mut keys = RowKeys::new(true);
        let row = |text| [Some(text), None];
        assert_eq!(keys.add(&row(r#"{"a":1,"b":"x","c":null}"#)), Ok(()));
        for known in [r#"{"a":1,"b":"x","c":null}"#, r#"{"b":"","c":0}"#, r#"{"c":":"}"#, "{}"] {
            assert!(keys.seen[0].has_all_keys_of(known), "{known}");
        }
        for other in [r#"{"c":1,"d":2}"#, r#"{"a":[]}"#, r#"{"a" :1}"#, r#"{"\u0061":1}"#] {
            assert!(!keys.seen[0].has_all_keys_of(other), "{other}");
        }
        assert_eq!(keys.footer(), r#"{"event":["a","b","c"],"session":[]}"#);
    }
}
