//! The order in which cells come, and the values of lists.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

#[derive(Default)]
struct Log(Vec<(String, String)>);

impl Cells for Log {
    type Error = JsonFault;

    fn cell(&mut self, key: &str, cell: Cell<'_>) -> Result<(), JsonFault> {
        let value = match cell {
            Cell::Value(member) => member.value.to_owned(),
            Cell::List(list) => list.values().collect::<Vec<_>>().join(" "),
        };
        self.0.push((key.to_owned(), value));
        Ok(())
    }
}

fn cells(text: &str) -> Vec<(String, String)> {
    let mut log = Log::default();
    Flattener::default().flatten(text, &mut log).unwrap();
    log.0
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn keys_of_a_list_come_as_they_first_appear() {
    let text = r#"{ "l" : [ {"z": 1, "a": {"b": 2}}, {}, {"m": [3], "z": "\u0041"} ], "after": true }"#;
    assert_eq!(
        cells(text),
        owned(&[
            ("l|z", r#"1 null "\u0041""#),
            ("l|a", r#"{"b":2} null null"#),
            ("l|m", "null null [3]"),
            ("after", "true"),
        ])
    );
}

#[test]
fn keys_are_decoded_before_they_are_joined_and_compared() {
    let text = r#"{"\u0061":{"\u0062":1},"l":[{"\u0063":1},{"c":2,"\"":3}]}"#;
    assert_eq!(cells(text), owned(&[("a|b", "1"), ("l|c", "1 2"), ("l|\"", "null 3")]));
}

#[test]
fn duplicates_are_gone_on_every_level() {
    let text = r#"{"o":{"x":1},"l":[{"k":1,"k":2},{"k":3}],"o":{"y":1,"z":2,"y":3}}"#;
    assert_eq!(cells(text), owned(&[("l|k", "2 3"), ("o|z", "2"), ("o|y", "3")]));
}

#[test]
fn nulls_are_cells_too() {
    assert_eq!(cells(r#"{"a":null,"o":{"b":null}}"#), owned(&[("a", "null"), ("o|b", "null")]));
}
