//! Exact bytes of JSON files.
#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::tz::TimeZone;

use crate::domain::{Format, IdentityKind, IdentityPriority};
use crate::encode::testing::{Row, event_error, event_text, events, file, options, profile_text};
use crate::encode::{EncodeError, FileContent, FileOptions};

fn json() -> FileOptions {
    options(Format::Json)
}

/// The lines below the event's name.
fn lines(options: &FileOptions, rows: &[Row]) -> String {
    event_text(options, rows).strip_prefix("Product Viewed\n").unwrap().to_owned()
}

/// The record of one event with nothing but properties.
fn record(props: &str) -> String {
    let line = lines(&json(), &[Row::new(props)]);
    let start = "{\"ts\":20250611070809,\"eventName\":\"Product Viewed\",\"eventProps\":";
    line.strip_prefix(start).unwrap().strip_suffix("}\n").unwrap().to_owned()
}

#[test]
fn a_full_record_has_all_keys_in_order() {
    let expected = concat!(
        "{\"profile\":{\"identity\":\"<identity>\",\"objectId\":\"<object_id>\",\"all_identities\":[\"a\",\"b\"],",
        "\"platform\":\"<platform>\",\"phone\":\"<phone>\",\"name\":\"<name>\",\"email\":\"<email>\",",
        "\"push_token\":\"<push_token>\"},\"ts\":20250611070809,\"eventName\":\"Product Viewed\",",
        "\"deviceInfo\":{\"make\":\"<make>\",\"model\":\"<model>\",\"appVersion\":\"<app_version>\",",
        "\"sdkVersion\":\"<sdk_version>\",\"osVersion\":\"<os_version>\",\"browser\":\"<browser>\",\"dpi\":320,",
        "\"dimensions\":{\"width\":2.5,\"height\":4,\"unit\":\"<unit>\"}},",
        "\"controlGroupName\":\"<control_group_name>\",\"eventProps\":{\"k\":1},\"sessionProps\":{\"utm\":\"x\"}}\n"
    );
    assert_eq!(lines(&json(), &[Row::full("{\"k\":1}")]), expected);
}

#[test]
fn what_is_absent_is_left_out_but_event_props() {
    let row = Row::new("{}").session(" { } ").all_identities(&[]).number("dpi", f64::NAN);
    let row = row.number("width", f64::INFINITY);
    assert_eq!(
        lines(&json(), &[row]),
        "{\"ts\":20250611070809,\"eventName\":\"Product Viewed\",\"eventProps\":{}}\n"
    );
    let row = Row::new("{}").session("{\"a\":null}").all_identities(&[None]).text("name", "");
    let row = row.number("height", 1.0);
    assert_eq!(
        lines(&json(), &[row]),
        "{\"profile\":{\"name\":\"\"},\"ts\":20250611070809,\"eventName\":\"Product Viewed\",\
         \"deviceInfo\":{\"dimensions\":{\"height\":1}},\"eventProps\":{},\"sessionProps\":{\"a\":null}}\n"
    );
}

#[test]
fn the_first_line_is_the_name_as_text() {
    let content =
        FileContent::Events { event_name: "a/b\t\"é\u{1F600}\u{85}\n\u{1}".into(), columns: vec![] };
    let batch = events(&[Row::new("{}")]);
    let text = String::from_utf8(file(&json(), &content, &batch).unwrap()).unwrap();
    assert_eq!(
        text,
        "a/b?\"é\u{1F600}???\n{\"ts\":20250611070809,\
         \"eventName\":\"a/b\\t\\\"é\u{1F600}\u{85}\\n\\u0001\",\"eventProps\":{}}\n"
    );
    let plain_lines = FileOptions { header_line: false, ..json() };
    let text = String::from_utf8(file(&plain_lines, &content, &batch).unwrap()).unwrap();
    assert!(text.starts_with("{\"ts\":20250611070809,\"eventName\":\"a/b\\t"));
}

#[test]
fn time_is_local() {
    let options = FileOptions { time_zone: TimeZone::get("Asia/Kolkata").unwrap(), ..json() };
    assert!(lines(&options, &[Row::new("{}")]).starts_with("{\"ts\":20250611123809,"));
    let row = Row { ts_micros: i64::MAX, ..Row::new("{}") };
    assert_eq!(event_error(&json(), &row), EncodeError::BadTime { row: 0, ts_micros: i64::MAX });
}

#[test]
fn identity_is_the_first_of_the_priorities_that_the_user_has() {
    let kinds = vec![IdentityKind::Phone, IdentityKind::Email, IdentityKind::Identity];
    let options = FileOptions { identities: IdentityPriority::new(kinds).unwrap(), ..json() };
    let row = Row::new("{}").text("identity", "i").text("email", "e").text("phone", "");
    let line = lines(&options, std::slice::from_ref(&row));
    assert!(line.starts_with("{\"profile\":{\"identity\":\"e\",\"phone\":\"\",\"email\":\"e\"},"));
    let only_email = Row::new("{}").text("email", "e");
    assert!(lines(&json(), &[only_email]).starts_with("{\"profile\":{\"email\":\"e\"},"));
}

#[test]
fn property_texts_pass_unchanged() {
    for text in [
        r#"{"a":1,"b":1.50,"c":1e400,"d":-0.0E+07,"e":1234567890123456789012345678901234567890}"#,
        r#"{"z":1,"a":2,"z":3,"":4,"":null}"#,
        r#"{"k|1":1,"a\nb":2,"x,y":3,"\"q\"":4,"]]>":5,"\u0061":"\/\u00e9\ud83d\ude00"}"#,
        "{\"é\u{1F600}\u{7f}\u{85}\u{2028}\":\"a/b\"}",
        r#"{"nested":{"list":[1,[],{},[null,true,false,"x"]]}}"#,
    ] {
        assert_eq!(record(text), text);
    }
}

#[test]
fn white_space_outside_strings_is_dropped() {
    assert_eq!(record(" {\r\n\t\"a b\" : [ 1 , 2 ] , \"c\" : { } } \n"), "{\"a b\":[1,2],\"c\":{}}");
}

#[test]
fn an_unpaired_surrogate_becomes_the_replacement_character() {
    assert_eq!(record(r#"{"a":"x\ud800y"}"#), "{\"a\":\"x\u{FFFD}y\"}");
    assert_eq!(
        record(r#"{"\uDC00":"\ud800\ud83d\ude00\ud800"}"#),
        "{\"\u{FFFD}\":\"\u{FFFD}\\ud83d\\ude00\u{FFFD}\"}"
    );
}

#[test]
fn as_string_turns_all_values_but_null_into_strings() {
    let options = FileOptions { as_string: true, ..json() };
    let props = r#"{"n":1.50,"b":true,"z":null,"s":"a\"\u00e9","o":{"k": "v\n"},"l":[1, 2],"n":2}"#;
    let line = lines(&options, &[Row::new(props).session("{\"m\":7}")]);
    let expected = concat!(
        r#"{"ts":20250611070809,"eventName":"Product Viewed","eventProps":{"n":"1.50","b":"true","z":null,"#,
        r#""s":"a\"\u00e9","o":"{\"k\":\"v\\n\"}","l":"[1,2]","n":"2"},"sessionProps":{"m":"7"}}"#,
        "\n"
    );
    assert_eq!(line, expected);
}

#[test]
fn what_is_not_a_json_object_is_named() {
    for (text, at_byte) in
        [("", 0), ("[]", 0), ("null", 0), ("{\"a\":01}", 6), ("{\"a\":1}x", 7), ("{\"a\u{1}\":1}", 3)]
    {
        match event_error(&json(), &Row::new(text)) {
            EncodeError::BadProperties { row: 0, column: "event_props", at_byte: found, .. } => {
                assert_eq!(found, at_byte, "{text}");
            }
            other => panic!("{other}"),
        }
    }
    let session = Row::new("{}").session("{");
    assert!(matches!(
        event_error(&json(), &session),
        EncodeError::BadProperties { column: "session_props", at_byte: 1, .. }
    ));
}

#[test]
fn profiles_have_five_fields_and_their_properties() {
    let rows = [
        Row::new(r#"{"Name":"N","Email":"other","\u0050hone":1,"x":{"y":null}}"#)
            .text("identity", "i")
            .text("object_id", "o")
            .text("email", "e")
            .text("phone", "+1")
            .all_identities(&[Some("i"), None, Some("e")]),
        Row::new("{}"),
        Row::new("{\"Email\":1,\"a\":2}"),
    ];
    let expected = concat!(
        "{\"identity\":\"i\",\"objectId\":\"o\",\"all_identities\":[\"i\",\"e\"],\"Email\":\"e\",\"Phone\":\"+1\",",
        "\"Name\":\"N\",\"x\":{\"y\":null}}\n{}\n{\"a\":2}\n"
    );
    assert_eq!(profile_text(&json(), &rows), expected);
    let as_string = FileOptions { as_string: true, ..json() };
    let text = profile_text(&as_string, &[Row::new("{\"a\":[1],\"Email\":2,\"b\":false}")]);
    assert_eq!(text, "{\"a\":\"[1]\",\"b\":\"false\"}\n");
}
