//! Exact bytes of CSV files.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::EVENT_COLUMNS;
use crate::domain::Format;
use crate::encode::testing::{
    Row, event_text, events, file, options, profile_content, profile_text, profiles,
};
use crate::encode::{EncodeError, FileContent, FileOptions, PropertyColumn, PropertyScope};

/// What stands behind the fixed columns, of the header and of the rows, for events with nothing else.
fn properties(rows: &[&str]) -> Vec<String> {
    let rows: Vec<Row> = rows.iter().map(|text| Row::new(*text)).collect();
    let text = event_text(&options(Format::Csv), &rows);
    let (header, body) =
        text.strip_prefix(EVENT_COLUMNS).unwrap().split_once("eventProps").map_or(
            (text.strip_prefix(EVENT_COLUMNS).unwrap().to_owned(), String::new()),
            |(before, after)| (before.to_owned(), after.to_owned()),
        );
    let fixed = format!("20250611070809,Product Viewed{}", ",".repeat(19));
    format!("{header}{}{body}", if body.is_empty() { "" } else { "eventProps" })
        .replace(&fixed, "")
        .split('\n')
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

fn column(scope: PropertyScope, key: &str) -> PropertyColumn {
    PropertyColumn { scope, key: key.into() }
}

#[test]
fn the_header_has_21_fixed_columns_and_the_known_properties() {
    let expected = "ts,eventName,profile.identity,profile.objectId,profile.all_identities,profile.platform,\
        profile.phone,profile.name,profile.email,profile.push_token,deviceInfo.make,deviceInfo.model,\
        deviceInfo.appVersion,deviceInfo.sdkVersion,deviceInfo.osVersion,deviceInfo.browser,deviceInfo.dpi,\
        deviceInfo.dimensions.width,deviceInfo.dimensions.height,deviceInfo.dimensions.unit,controlGroupName";
    assert_eq!(EVENT_COLUMNS, expected);
    assert_eq!(EVENT_COLUMNS.split(',').count(), 21);
    // Later runs append at the far right, also after `sessionProps`; a column named twice stands once.
    let columns = vec![
        column(PropertyScope::Event, "a,b"),
        column(PropertyScope::Session, "utm"),
        column(PropertyScope::Event, "utm"),
        column(PropertyScope::Event, "a,b"),
        column(PropertyScope::Event, "q\"\u{1}"),
    ];
    let content = FileContent::Events { event_name: "E".into(), columns };
    let rows = [Row::new("{\"utm\":1,\"a,b\":2}").session("{\"utm\":3}")];
    let text = String::from_utf8(file(&options(Format::Csv), &content, &events(&rows)).unwrap()).unwrap();
    let fixed = ",".repeat(19);
    assert_eq!(
        text,
        format!(
            "{expected},\"eventProps.a,b\",sessionProps.utm,eventProps.utm,\"eventProps.q\"\"?\"\n\
             20250611070809,E{fixed},2,3,1,\n"
        )
    );
}

#[test]
fn a_full_record() {
    let text = event_text(&options(Format::Csv), &[Row::full("{\"k\":\"say \\\"hi\\\", you\"}")]);
    assert_eq!(
        text,
        format!(
            "{EVENT_COLUMNS},eventProps.k,sessionProps.utm\n20250611070809,Product Viewed,<identity>,<object_id>,\
             \"[a, b]\",<platform>,<phone>,<name>,<email>,<push_token>,<make>,<model>,<app_version>,\
             <sdk_version>,<os_version>,<browser>,320,2.5,4,<unit>,<control_group_name>,\
             \"say \"\"hi\"\", you\",x\n"
        )
    );
}

#[test]
fn absent_null_and_empty_are_blank() {
    let row = Row::new("{\"a\":null,\"b\":\"\",\"c\":0}").all_identities(&[None]).text("name", "");
    let text = event_text(&options(Format::Csv), &[row.number("dpi", f64::NAN)]);
    let (header, line) = text.split_once('\n').unwrap();
    assert_eq!(header, format!("{EVENT_COLUMNS},eventProps.a,eventProps.b,eventProps.c"));
    assert_eq!(line, format!("20250611070809,Product Viewed{},,,0\n", ",".repeat(19)));
}

#[test]
fn one_identity_has_brackets_too() {
    let text = event_text(&options(Format::Csv), &[Row::new("{}").all_identities(&[Some("a")])]);
    assert!(text.contains("\n20250611070809,Product Viewed,,,[a],"));
}

#[test]
fn nested_objects_are_flattened_one_level() {
    assert_eq!(
        properties(&[r#"{"Items":{"Name":"N","Deep":{"x":[1, 2]},"e":{}},"t":true,"e":{}}"#]),
        [
            ",eventProps.Items|Name,eventProps.Items|Deep,eventProps.Items|e,eventProps.t,eventProps.e",
            ",N,\"{\"\"x\"\":[1,2]}\",{},true,{}"
        ]
    );
}

#[test]
fn a_list_of_objects_becomes_a_list_a_key() {
    let items = r#"{"Amount":1.50,"Items":[{"Name":"A","Qty":1},{"Qty":2,"Size":null},{"Name":"C"}]}"#;
    assert_eq!(
        properties(&[items]),
        [
            ",eventProps.Amount,eventProps.Items|Name,eventProps.Items|Qty,eventProps.Items|Size",
            ",1.50,\"[\"\"A\"\",null,\"\"C\"\"]\",\"[1,2,null]\",\"[null,null,null]\""
        ]
    );
}

#[test]
fn other_lists_are_json_text() {
    assert_eq!(
        properties(&[r#"{"a":[1, 2],"b":[],"c":[{"x":1},2],"d":[{},{}],"e":[[{"x":1}]],"f":["y"]}"#]),
        [
            ",eventProps.a,eventProps.b,eventProps.c,eventProps.d,eventProps.e,eventProps.f",
            ",\"[1,2]\",[],\"[{\"\"x\"\":1},2]\",\"[{},{}]\",\"[[{\"\"x\"\":1}]]\",\"[\"\"y\"\"]\""
        ]
    );
}

#[test]
fn where_two_sources_meet_the_last_wins() {
    assert_eq!(properties(&[r#"{"a|b":1,"a":{"b":2}}"#]), [",eventProps.a|b", ",2"]);
    assert_eq!(properties(&[r#"{"a":{"b":2},"a|b":1}"#]), [",eventProps.a|b", ",1"]);
    assert_eq!(properties(&[r#"{"a":{"b":2},"a|b":null}"#]), [",eventProps.a|b", ",2"]);
    assert_eq!(
        properties(&[r#"{"a":[{"b":2}],"a":{"c":1},"a|b":3}"#]),
        [",eventProps.a|c,eventProps.a|b", ",1,3"]
    );
}

#[test]
fn of_duplicates_only_the_last_exists() {
    assert_eq!(properties(&[r#"{"a":{"b":1,"c":2},"\u0061":{"b":3,"b":4}}"#]), [",eventProps.a|b", ",4"]);
    assert_eq!(properties(&[r#"{"a":1,"a":null}"#]), [",eventProps.a", ","]);
    assert_eq!(properties(&[r#"{"a":[{"b":1,"b":2},{"b":3}]}"#]), [",eventProps.a|b", ",\"[2,3]\""]);
}

#[test]
fn keys_are_compared_decoded_and_written_as_text() {
    assert_eq!(
        properties(&[r#"{"":1,"|":2,"\u00e9":"x\ty","]]>":"=1"}"#, "{\"é\":7}"]),
        [",eventProps.,eventProps.|,eventProps.é,eventProps.]]>", ",1,2,x\ty,=1", ",,,7,"]
    );
}

#[test]
fn an_unknown_property_is_an_error_unless_it_is_null() {
    let content = FileContent::Events { event_name: "E".into(), columns: vec![] };
    let unknown =
        |props: &str| file(&options(Format::Csv), &content, &events(&[Row::new("{}"), Row::new(props)]));
    let error = |key: &str| EncodeError::UnknownProperty { row: 1, key: key.into() };
    assert_eq!(unknown("{\"a\":1}").unwrap_err(), error("a"));
    assert_eq!(unknown("{\"a\":{\"b\":\"\"}}").unwrap_err(), error("a|b"));
    assert_eq!(unknown("{\"a\":[{\"b\":null}]}").unwrap_err(), error("a|b"));
    assert!(unknown("{\"a\":null}").is_ok());
}

#[test]
fn as_string_changes_nothing() {
    let rows = [Row::full(r#"{"n":1.50,"b":true,"z":null,"s":"a","o":{"k":[1]},"l":[{"k":1}]}"#)];
    let csv = options(Format::Csv);
    assert_eq!(event_text(&csv, &rows), event_text(&FileOptions { as_string: true, ..csv.clone() }, &rows));
}

#[test]
fn profiles_have_13_fixed_columns() {
    let rows = [
        Row::new(r#"{"x":1,"Name":"N","MSG-push":true,"Email":"other","identity":{"y":2}}"#)
            .text("identity", "i")
            .text("object_id", "o")
            .text("email", "e")
            .text("phone", "+1")
            .all_identities(&[Some("i"), Some("e")]),
        Row::new("{\"Name\":{\"first\":\"F\"}}"),
    ];
    let expected = "identity,objectId,all_identities,Email,Phone,Name,Gender,DOB,Photo,MSG-push,MSG-email,\
        MSG-sms,MSG-whatsapp,x,identity|y,Name|first\ni,o,\"[i, e]\",e,+1,N,,,,true,,,,1,2,\n\
        ,,,,,,,,,,,,,,,F\n";
    assert_eq!(profile_text(&options(Format::Csv), &rows), expected);
    // A plan that names a fixed column again changes nothing.
    let FileContent::Profiles { mut columns } = profile_content(&rows) else { panic!("not profiles") };
    columns.insert(0, column(PropertyScope::Profile, "Name"));
    columns.insert(0, column(PropertyScope::Profile, "Email"));
    let content = FileContent::Profiles { columns };
    let bytes = file(&options(Format::Csv), &content, &profiles(&rows)).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

/// A list of objects that share no key grows with the square of its length; it must not take the memory.
#[test]
fn a_row_that_explodes_is_too_large() {
    let items: Vec<String> = (0..6000).map(|n| format!("{{\"k{n}\":1}}")).collect();
    let rows = [Row::new(format!("{{\"a\":[{}]}}", items.join(",")))];
    let error = file(&options(Format::Csv), &crate::encode::testing::event_content(&rows), &events(&rows));
    assert!(matches!(error.unwrap_err(), EncodeError::RowTooLarge { row: 0, .. }));
}

#[test]
fn keys_that_become_the_same_share_a_column() {
    let keys = ["k\u{1}", "k\u{2}", "k?", "other"];
    let columns = keys.map(|key| column(PropertyScope::Event, key)).to_vec();
    let content = FileContent::Events { event_name: "E".into(), columns };
    let rows = [
        Row::new("{\"k\\u0001\":1,\"k\\u0002\":2,\"k?\":3,\"other\":4}"),
        Row::new("{\"k?\":1,\"k\\u0001\":5}"),
    ];
    let text = String::from_utf8(file(&options(Format::Csv), &content, &events(&rows)).unwrap()).unwrap();
    let fixed = ",".repeat(19);
    let expected = format!(
        "{EVENT_COLUMNS},eventProps.k?,eventProps.other\n20250611070809,E{fixed},3,4\n20250611070809,E{fixed},5,\n"
    );
    assert_eq!(text, expected);
}

proptest! {
    #[test]
    fn cells_stand_in_their_columns_in_whatever_order_properties_come(
        order in Just((0..9).collect::<Vec<_>>()).prop_shuffle(),
        count in 0..=9_usize,
    ) {
        let (some, value) = (&order[..count], |key: &usize| "x,".repeat(*key));
        let json = |keys: &[usize]| {
            let members: Vec<_> = keys.iter().map(|key| format!("\"k{key}\":\"{}\"", value(key))).collect();
            format!("{{{}}}", members.join(","))
        };
        let cell = |key: usize| match some.contains(&key) {
            true if key > 0 => format!(",\"{}\"", value(&key)),
            _ => ",".to_owned(),
        };
        let lines = properties(&[&json(&(0..9).collect::<Vec<_>>()), &json(some)]);
        let expected: String = (0..9).map(cell).collect();
        prop_assert_eq!(&lines[2], &expected);
    }
}
