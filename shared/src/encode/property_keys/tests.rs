//! Keys in order, and the footer's text.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn keys_are_known_in_first_seen_order() {
    let mut keys = PropertyKeys::new();
    keys.add_text(PropertyScope::Event, r#"{"b":null,"Items":[{"Name":1},{"Qty":2}],"a":{"x":1},"e":{}}"#)
        .unwrap();
    keys.add_text(PropertyScope::Session, "{\"utm\":1}").unwrap();
    keys.add_text(PropertyScope::Event, "{\"a\":1,\"b\":2,\"\\u00e9\":3}").unwrap();
    assert_eq!(
        keys.event_footer(),
        r#"{"event":["b","Items|Name","Items|Qty","a|x","e","a","é"],"session":["utm"]}"#
    );
    let columns = keys.columns();
    assert_eq!(columns.len(), 8);
    assert_eq!(columns[7], PropertyColumn { scope: PropertyScope::Session, key: "utm".into() });
}

#[test]
fn profiles_leave_out_the_fixed_columns() {
    let mut keys = PropertyKeys::new();
    let text = r#"{"Email":1,"Name":2,"MSG-sms":3,"Name ":4,"identity":{"x":5},"tier":null}"#;
    keys.add_text(PropertyScope::Profile, text).unwrap();
    keys.add_key(PropertyScope::Profile, "DOB");
    assert_eq!(keys.profile_footer(), r#"{"profile":["Name ","identity|x","tier"]}"#);
}

#[test]
fn footers_are_read_back_and_merged() {
    let mut keys = PropertyKeys::new();
    keys.add_footer(r#"{"event":["b","a"],"session":[]}"#).unwrap();
    keys.add_footer(r#"{"event":["c","a"],"session":["s\"|"]}"#).unwrap();
    assert_eq!(keys.event_footer(), r#"{"event":["b","a","c"],"session":["s\"|"]}"#);
    let mut others = PropertyKeys::new();
    others.add_footer(r#"{"event":["d","b"],"session":["t"]}"#).unwrap();
    keys.add_all(&others);
    assert_eq!(keys.event_footer(), r#"{"event":["b","a","c","d"],"session":["s\"|","t"]}"#);
    let mut profiles = PropertyKeys::new();
    profiles.add_footer(r#"{"profile":["Name","x"]}"#).unwrap();
    assert_eq!(profiles.keys(PropertyScope::Profile).collect::<Vec<_>>(), ["x"]);
    for bad in ["", "[]", "{\"event\":[1]}", "{\"event\":{}}"] {
        assert!(keys.add_footer(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_text_that_is_no_object_is_refused() {
    let mut keys = PropertyKeys::new();
    assert_eq!(keys.add_text(PropertyScope::Event, "[1]").unwrap_err().at_byte, 0);
    assert_eq!(keys.add_text(PropertyScope::Event, "{\"a\":1").unwrap_err().at_byte, 6);
}
