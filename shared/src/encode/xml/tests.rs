//! Exact bytes of XML files.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::domain::Format;
use crate::encode::FileOptions;
use crate::encode::testing::{Row, event_text, options, profile_text};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<root>\n";

/// What stands between the root's tags.
fn body(rows: &[Row]) -> String {
    let text = event_text(&options(Format::Xml), rows);
    text.strip_prefix(HEAD).unwrap().strip_suffix("</root>\n").unwrap().to_owned()
}

/// The properties of one event with nothing else.
fn props(text: &str) -> String {
    let body = body(&[Row::new(text)]);
    let start = "<Event><ts>20250611070809</ts><eventName>Product Viewed</eventName>";
    body.strip_prefix(start).unwrap().strip_suffix("</Event>\n").unwrap().to_owned()
}

#[test]
fn a_full_record_has_all_elements_in_order() {
    let row = Row::full("{\"k\":1,\"n\":null,\"o\":{\"p\": \"q\"}}");
    let expected = concat!(
        "<Event><ts>20250611070809</ts><eventName>Product Viewed</eventName>",
        "<profile><identity>&lt;identity&gt;</identity><objectId>&lt;object_id&gt;</objectId>",
        "<all_identities>a</all_identities><all_identities>b</all_identities>",
        "<platform>&lt;platform&gt;</platform><phone>&lt;phone&gt;</phone><name>&lt;name&gt;</name>",
        "<email>&lt;email&gt;</email><push_token>&lt;push_token&gt;</push_token></profile>",
        "<deviceInfo><make>&lt;make&gt;</make><model>&lt;model&gt;</model>",
        "<appVersion>&lt;app_version&gt;</appVersion><sdkVersion>&lt;sdk_version&gt;</sdkVersion>",
        "<osVersion>&lt;os_version&gt;</osVersion><browser>&lt;browser&gt;</browser><dpi>320</dpi>",
        "<dimensions><width>2.5</width><height>4</height><unit>&lt;unit&gt;</unit></dimensions></deviceInfo>",
        "<controlGroupName>&lt;control_group_name&gt;</controlGroupName>",
        "<eventProps><entry><key>k</key><value>1</value></entry>",
        "<entry><key>o</key><value>{\"p\":\"q\"}</value></entry></eventProps>",
        "<sessionProps><entry><key>utm</key><value>x</value></entry></sessionProps></Event>\n"
    );
    assert_eq!(body(&[row]), expected);
}

#[test]
fn what_is_absent_is_left_out_but_event_props() {
    let row = Row::new("{\"a\":null}").session("{\"b\":null}").all_identities(&[None]).text("name", "");
    assert_eq!(
        body(&[row.number("dpi", 1.5)]),
        "<Event><ts>20250611070809</ts><eventName>Product Viewed</eventName><profile><name></name></profile>\
         <deviceInfo><dpi>1.5</dpi></deviceInfo><eventProps/></Event>\n"
    );
    assert_eq!(props("{}"), "<eventProps/>");
    let row = Row::new("{}").number("width", 7.0);
    assert!(body(&[row]).contains("<deviceInfo><dimensions><width>7</width></dimensions></deviceInfo>"));
}

#[test]
fn markup_is_escaped_and_what_xml_forbids_replaced() {
    assert_eq!(
        props(r#"{"<a&b>":"]]>\r\n\t\u0000\u000b","c":["\u0001 <"]}"#),
        "<eventProps><entry><key>&lt;a&amp;b&gt;</key><value>]]&gt;&#13;\n\t??</value></entry>\
         <entry><key>c</key><value>[\"\\u0001 &lt;\"]</value></entry></eventProps>"
    );
    assert_eq!(
        props("{\"a\":\"\u{7f}\u{85}\u{a0}\u{FFFD}\u{FFFE}\u{FFFF}\u{1FFFE}é'\\\"\"}"),
        "<eventProps><entry><key>a</key><value>??\u{a0}\u{FFFD}??\u{1FFFE}é'\"</value></entry></eventProps>"
    );
}

#[test]
fn of_duplicates_the_last_counts_at_its_place() {
    assert_eq!(
        props(r#"{"a":1,"b":2,"\u0061":3,"b":null}"#),
        "<eventProps><entry><key>a</key><value>3</value></entry></eventProps>"
    );
}

#[test]
fn as_string_changes_nothing() {
    let rows = [Row::full(r#"{"n":1.50,"b":true,"z":null,"s":"a","o":{"k":[1]}}"#)];
    let xml = options(Format::Xml);
    assert_eq!(event_text(&xml, &rows), event_text(&FileOptions { as_string: true, ..xml.clone() }, &rows));
}

#[test]
fn profiles_have_five_fields_and_their_properties() {
    let rows = [
        Row::new("{\"Name\":\"N\",\"Email\":\"other\"}")
            .text("identity", "i")
            .text("object_id", "o")
            .text("email", "e")
            .text("phone", "+1")
            .all_identities(&[Some("i"), Some("e")]),
        Row::new("{}"),
    ];
    let expected = format!(
        "{HEAD}<Profile><identity>i</identity><objectId>o</objectId><all_identities>i</all_identities>\
         <all_identities>e</all_identities><Email>e</Email><Phone>+1</Phone><profileProps><entry><key>Name</key>\
         <value>N</value></entry><entry><key>Email</key><value>other</value></entry></profileProps></Profile>\n\
         <Profile><profileProps/></Profile>\n</root>\n"
    );
    assert_eq!(profile_text(&options(Format::Xml), &rows), expected);
}
