//! The scanner against RFC 8259, against `serde_json`, and against depth.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::string::{end_of_digits, next_special, push_decoded};
use super::*;
use crate::encode::testing::json_object;

fn minify(text: &str) -> Result<String, JsonFault> {
    let mut out = b"before".to_vec();
    Minifier::default().object(text, &mut out)?;
    Ok(String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned())
}

#[test]
fn what_is_valid_passes() {
    for text in [
        "{}",
        "{\"a\":null}",
        r#"{"a":[-0,0.0,1e5,1E+5,1e-5,-12.50e007],"b":{"":{}},"c":"\"\\\/\b\f\n\r\t\u00Ff"}"#,
        "{\"\u{7f}\u{80}\":\"\u{10FFFF}\u{2028}\"}",
    ] {
        assert_eq!(minify(text).as_deref(), Ok(text));
    }
}

#[test]
fn what_is_not_json_is_refused_where_it_breaks() {
    for (text, at_byte) in [
        ("", 0),
        ("  ", 2),
        ("[]", 0),
        ("\"a\"", 0),
        ("{", 1),
        ("{]", 1),
        ("{\"a\"", 4),
        ("{\"a\":}", 5),
        ("{\"a\":1", 6),
        ("{\"a\":1,}", 7),
        ("{,}", 1),
        ("{a:1}", 1),
        ("{'a':1}", 1),
        ("{\"a\" 1}", 5),
        ("{\"a\":1]", 6),
        ("{\"a\":[1}", 7),
        ("{\"a\":[1,]}", 8),
        ("{\"a\":[,1]}", 6),
        ("{\"a\":1}}", 7),
        ("{\"a\":1}{}", 7),
        ("{\"a\":1}\u{a0}", 7),
        ("\u{feff}{}", 0),
        ("{\"a\":nul}", 5),
        ("{\"a\":nulll}", 9),
        ("{\"a\":True}", 5),
        ("{\"a\":NaN}", 5),
        ("{\"a\":+1}", 5),
        ("{\"a\":-}", 6),
        ("{\"a\":.5}", 5),
        ("{\"a\":1.}", 7),
        ("{\"a\":1e}", 7),
        ("{\"a\":1e+}", 8),
        ("{\"a\":01}", 6),
        ("{\"a\":-01}", 7),
        ("{\"a\":0x1}", 6),
        ("{\"a\":1 2}", 7),
        ("{\"a\":\"b}", 8),
        ("{\"a\":\"\\\"}", 9),
        ("{\"a\":\"\\", 6),
        ("{\"a\":\"\\x\"}", 6),
        ("{\"a\":\"\\u12g4\"}", 6),
        ("{\"a\":\"\\u12", 6),
        ("{\"a\":\"\\u+123\"}", 6),
        ("{\"a\":\"tab\t\"}", 9),
        ("{\"a\n\":1}", 3),
        ("{\"a\":1}\0", 7),
        ("{\"a\":1}//", 7),
        ("{\"a\"\u{b}:1}", 4),
    ] {
        match minify(text) {
            Err(fault) => assert_eq!(fault.at_byte, at_byte, "{text:?}: {fault}"),
            Ok(passed) => panic!("{text:?} passed as {passed:?}"),
        }
    }
}

#[test]
fn depth_does_not_touch_the_stack() {
    for depth in [20, 100_000] {
        let lists = format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(minify(&lists).as_deref(), Ok(lists.as_str()));
        let objects = format!("{}1{}", "{\"a\": ".repeat(depth), "}".repeat(depth));
        assert_eq!(minify(&objects).unwrap(), objects.replace(' ', ""));
        let open = "{\"a\":[".repeat(depth);
        assert_eq!(minify(&open).unwrap_err().at_byte, open.len());
    }
}

#[test]
fn a_string_may_end_at_any_place_of_a_word() {
    for length in 0..40 {
        for (special, byte) in [('"', b'"'), ('\\', b'\\'), ('\u{1f}', 0x1f), ('\0', 0)] {
            // All bytes that differ from a special one in one bit, and the highest ones, are no hits.
            let harmless: String = "\u{a2}!#\u{dc}]\u{7f} \u{10FFFF}}".chars().cycle().take(length).collect();
            let text = format!("{harmless}{special}{harmless}");
            let found = next_special(text.as_bytes(), 0);
            assert_eq!((found, text.as_bytes()[found]), (harmless.len(), byte));
            assert_eq!(next_special(harmless.as_bytes(), 0), harmless.len());
        }
    }
}

#[test]
fn digits_may_end_at_any_place_of_a_word() {
    for length in 0..40 {
        let digits: String = "0987654321".chars().cycle().take(length).collect();
        assert_eq!(end_of_digits(digits.as_bytes(), 0), length);
        for other in (0..=u8::MAX).filter(|byte| !byte.is_ascii_digit()) {
            let text = [digits.as_bytes(), &[other], digits.as_bytes()].concat();
            assert_eq!(end_of_digits(&text, 0), length, "{length} digits and {other:#x}");
            assert_eq!(end_of_digits(&text, length + 1), text.len());
        }
    }
}

#[test]
fn members_come_with_their_raw_and_decoded_keys() {
    let text =
        " { \"a\" : 1.0 , \"\\u0062\\n\" : \"x\" , \"c\" : { \"d\" : [ 1 , \"\\ud800\" ] } , \"a\" : null } ";
    let mut reader = MemberReader::default();
    let members = reader.object(text).unwrap();
    assert_eq!(members.text(), "{\"a\":1.0,\"\\u0062\\n\":\"x\",\"c\":{\"d\":[1,\"\u{FFFD}\"]},\"a\":null}");
    let all: Vec<_> = members.all().map(|m| (m.raw_key, m.key, m.kind, m.value)).collect();
    assert_eq!(
        all,
        [
            ("a", "a", Kind::Number, "1.0"),
            ("\\u0062\\n", "b\n", Kind::String, "\"x\""),
            ("c", "c", Kind::Object, "{\"d\":[1,\"\u{FFFD}\"]}"),
            ("a", "a", Kind::Null, "null"),
        ]
    );
    let last: Vec<_> = members.last().map(|m| m.key).collect();
    assert_eq!(last, ["b\n", "c", "a"]);
    let elements: Vec<_> =
        reader.array("[1,[2],{\"a\":[3]},\"[\"]").unwrap().all().map(|m| m.value.to_owned()).collect();
    assert_eq!(elements, ["1", "[2]", "{\"a\":[3]}", "\"[\""]);
    assert_eq!(reader.array("[]").unwrap().len(), 0);
}

#[test]
fn keys_are_the_same_when_they_are_decoded() {
    let mut reader = MemberReader::default();
    let many: String = (0..2000).map(|n| format!("\"k{n}\":{n},")).collect();
    let text = format!("{{{many}\"k7\":\"last\",\"\\u006b8\":0}}");
    let members = reader.object(&text).unwrap();
    assert_eq!(members.len(), 2002);
    assert_eq!(members.last().count(), 2000);
    assert_eq!(members.last().find(|m| m.key == "k7").unwrap().value, "\"last\"");
    assert_eq!(members.last().find(|m| m.key == "k8").unwrap().raw_key, "\\u006b8");
}

#[test]
fn strings_are_decoded_and_encoded() {
    let decode = |raw: &str| {
        let mut out = String::new();
        push_decoded(raw, &mut out);
        out
    };
    let raw = r#"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\u0000x"#;
    assert_eq!(decode(raw), "\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{1F600}\0x");
    assert_eq!(decode("plain é"), "plain é");
    let mut out = Vec::new();
    push_json_string("\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{1F600}\0\u{1f}\u{7f}", &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "\"\\\"\\\\/\\b\\f\\n\\r\\t\u{e9}\u{1F600}\\u0000\\u001f\u{7f}\""
    );
}

proptest! {
    /// Valid objects, pretty or not, come out as the same value, and what comes out passes unchanged.
    #[test]
    fn agrees_with_serde_json(value in json_object()) {
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        let minified = minify(&pretty).unwrap();
        prop_assert_eq!(&minified, &serde_json::to_string(&value).unwrap());
        prop_assert_eq!(minify(&minified).unwrap(), minified);
    }

    /// Any text is taken exactly if `serde_json` takes it as an object (it refuses unpaired surrogates, numbers
    /// beyond a double and great depth, none of which these texts have).
    #[test]
    fn accepts_what_serde_json_accepts(text in "[ \\[\\]{},:\"a0-9eE.+\\-\\\\/ntrufl\t\u{1}\u{e9}]{0,12}") {
        let texts = [text.clone(), format!("{{{text}}}"), format!("{{\"a\":{text}}}"), format!("{{\"a\":\"{text}\"}}")];
        for text in texts {
            let expected = serde_json::from_str::<serde_json::Value>(&text);
            let out_of_range = expected.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
            let surrogate = expected.as_ref().is_err_and(|error| error.to_string().contains("surrogate") || error.to_string().contains("hex escape"));
            if !out_of_range && !surrogate {
                prop_assert_eq!(minify(&text).is_ok(), expected.is_ok_and(|value| value.is_object()), "{}", text);
            }
        }
    }

    /// Encoding and decoding a string gives it back, and both agree with `serde_json`.
    #[test]
    fn strings_round_trip(text in any::<String>()) {
        let mut encoded = Vec::new();
        push_json_string(&text, &mut encoded);
        prop_assert_eq!(serde_json::from_slice::<String>(&encoded).unwrap(), text.clone());
        let foreign = serde_json::to_string(&text).unwrap();
        let mut decoded = String::new();
        push_decoded(&foreign[1..foreign.len() - 1], &mut decoded);
        prop_assert_eq!(decoded, text);
    }
}
