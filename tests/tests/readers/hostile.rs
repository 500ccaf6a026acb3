//! Rows that customers do send: as large, deep, strange and ambiguous as JSON allows.

use serde_json::{Value, json};

/// What stands between quotes in JSON source, each with a trap of some format.
const STRINGS: [&str; 26] = [
    "",
    " ",
    " a space before and after ",
    "a,b;c\\td",
    "say \\\"hi\\\"",
    "\\\"",
    "line 1\\nline 2\\r\\nline 3\\rline 4",
    "\\n",
    "tab\\tand\\u0009tab",
    "\\u0000\\u0001\\u0008\\u000b\\f\\u001f\\u007f\\u0080\\u0085\\u009f",
    "]]> <b>&amp;</b> <!-- x --> & < > '",
    "lone \\ud800 and \\udc00\\ud800 and \\ud83d\\u0041 end",
    "\\ud800",
    "pair \\ud83c\\udf89 \\uD83D\\uDE00",
    "\\/ / \\\\ \\u005c \\u0022 \\u00e9 é e\\u0301",
    "🎉👨‍👩‍👧‍👦🇩🇪 שלום العربية 注文 ไทย",
    "\u{202E}right to left\u{202C}\u{200B}\u{FEFF}",
    "\u{FFFE}\u{FFFF}\u{10FFFF}\u{2028}\u{2029}\u{A0}",
    "null",
    "true",
    "1e400",
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "{\\\"json\\\":[1,2]}",
];

/// Literals of numbers, each at the edge of some type.
const NUMBERS: [&str; 28] = [
    "0",
    "-0",
    "1",
    "-1",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "1234567890123456789012345678901234567890",
    "-1234567890123456789012345678901234567890",
    "1.0",
    "1.10",
    "-0.0",
    "0e5",
    "1e0",
    "1E+2",
    "0.1",
    "3.141592653589793238462643383279502884197",
    "1e400",
    "-1e400",
    "1e-400",
    "5e-324",
    "1.7976931348623157e308",
];

/// Keys as JSON source.
const KEYS: [&str; 18] = [
    "",
    "|",
    "a|b",
    "||",
    "line\\nbreak",
    "carriage\\rreturn",
    "comma,comma",
    "quote\\\"quote",
    "]]>",
    "<tag>&amp;",
    "control\\u0001\\u0085",
    "lone\\udc00",
    "🎉 注文 שלום",
    "$.path[0]",
    "/pointer",
    "key",
    "ts",
    "eventProps.key",
];

fn object(members: impl IntoIterator<Item = (String, String)>) -> String {
    let members: Vec<String> = members.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn numbered(prefix: &str, values: impl IntoIterator<Item = String>) -> String {
    object(values.into_iter().enumerate().map(|(at, value)| (format!("{prefix}{at}"), value)))
}

/// Texts of properties.
fn properties() -> Vec<String> {
    let quoted = || STRINGS.iter().map(|text| format!("\"{text}\""));
    let mut texts = vec![
        "{}".to_owned(),
        " \t\r\n{ \"white\" : [ 1 , { \"space\" : \" kept \" } ] , \"out\"\n:\r\ntrue }\n ".to_owned(),
        numbered("string", quoted()),
        numbered("number", NUMBERS.iter().map(ToString::to_string)),
        object(KEYS.iter().enumerate().map(|(at, key)| ((*key).to_owned(), at.to_string()))),
        // The same keys one level down, in objects and in lists of objects.
        object(KEYS.iter().map(|key| ((*key).to_owned(), object([((*key).to_owned(), quoted().nth(4).unwrap())])))),
        object(KEYS.iter().map(|key| ((*key).to_owned(), format!("[{{\"{key}\":1}},{{}},{{\"x\":null}}]")))),
        // Duplicates: in order, nested, by escape, and with a null last.
        r#"{"d":1,"e":2,"d":"last","\u0064":{"x":1,"x":2},"n":1,"n":null,"Items":[{"y":1,"y":2},{"y":3}]}"#.to_owned(),
        // Two sources of one column, the last in the source wins; a null does not.
        r#"{"p|q":1,"p":{"q":2},"r":{"s":1},"r|s":2,"t":{"u":3},"t|u":null,"v":[{"w":1}],"v|w":"x"}"#.to_owned(),
        r#"{"Items":[{"Name":"a","Price":1.50},{"Price":2,"Tags":["x","y"]},{"Name":null,"More":{"a":[]}}],"n":[{}]}"#.to_owned(),
        r#"{"empty":{},"none":[],"nulls":[null],"mixed":[1,"a",{"b":2},null,[]],"objects":[{},{}],"deep":{"a":{"b":{"c":1}}}}"#.to_owned(),
        r#"{"null":null,"yes":true,"no":false,"inner":{"null":null},"list":[{"null":null}]}"#.to_owned(),
        numbered("wide", (0..10_000).map(|at| if at % 2 == 0 { at.to_string() } else { format!("\"{at}\"") })),
        format!("{{\"deep\":{}1{},\"list\":{}{}}}", "{\"level\":".repeat(20), "}".repeat(20), "[".repeat(20), "]".repeat(20)),
        format!("{{\"long\":\"{}\",\"quotes\":\"{}\"}}", "x".repeat(1_000_000), "\\\",\\n<é".repeat(150_000)),
        format!("{{\"{}\":1}}", "long key ".repeat(1_000)),
    ];
    // A key that changes its type with every row.
    let changing = ["1", "2147483648", "1.5", "\"text\"", "true", "null", "{\"a\":1}", "[1]", "[{\"a\":1}]"];
    texts.extend(changing.map(|value| format!("{{\"changing\":{value}}}")));
    texts
}

/// A text of the lake's columns, decoded from `STRINGS`.
fn text(at: usize) -> Value {
    let source = STRINGS[at % STRINGS.len()]
        .replace("\\ud800", "")
        .replace("\\udc00", "")
        .replace("\\ud83d\\u0041", "");
    serde_json::from_str(&format!("\"{source}\"")).unwrap()
}

/// Every text of properties under users and devices of which now this, now that is absent.
pub(crate) fn events() -> Vec<Value> {
    let texts = [
        "object_id",
        "identity",
        "email",
        "phone",
        "name",
        "platform",
        "push_token",
        "make",
        "model",
        "app_version",
        "sdk_version",
        "os_version",
        "browser",
        "unit",
        "control_group_name",
    ];
    let numbers = [320.0, 2.5, 0.0, -1.25, 1e21, 1e-7, 9_007_199_254_740_993.0, 0.1];
    // On both sides of both changes of the clocks in Berlin, before 1970, and within a millisecond.
    let instants = [
        1_743_296_399_999_999_i64,
        1_743_296_400_000_000,
        1_761_436_799_000_000,
        1_761_440_400_000_001,
        -1,
        0,
        1_749_625_689_123_456,
    ];
    let row = |(at, props): (usize, String)| {
        let mut row = json!({ "ts": instants[at % instants.len()], "event_props": props });
        // Of the first rows everything is absent, then everything there, then some of it.
        for (column, name) in
            texts.iter().enumerate().filter(|(column, _)| at > 0 && (at + column) % at.min(4) == 0)
        {
            row[*name] = text(at + column);
        }
        for (column, name) in ["dpi", "width", "height"]
            .iter()
            .enumerate()
            .filter(|(column, _)| at > 0 && (at + column) % at.min(3) == 0)
        {
            row[*name] = numbers[(at + column) % numbers.len()].into();
        }
        row["all_identities"] = match at % 5 {
            0 => Value::Null,
            1 => json!(["a", "b, c", "]", "\"q\"", "", "x\u{1}\n"]),
            2 => json!([]),
            3 => json!([null, "after a null"]),
            _ => json!(["注文"]),
        };
        row["session_props"] = match at % 4 {
            0 => Value::Null,
            1 => "{}".into(),
            2 => r#"{"utm":"x","gone":null,"a|b":1,"Items":[{"n":1}]}"#.into(),
            _ => r#"{"gone":null}"#.into(),
        };
        row
    };
    properties().into_iter().enumerate().map(row).collect()
}

/// The same properties as profiles', with some that are called like the fields.
pub(crate) fn profiles() -> Vec<Value> {
    let mut texts = properties();
    texts.push(
        r#"{"identity":"x","Email":"not@this","Phone":5,"objectId":{"a":1},"all_identities":["z"]}"#
            .to_owned(),
    );
    texts.push(r#"{"Name":"N","MSG-push":true,"MSG-sms":false,"DOB":"1990-01-01","Gender":null,"Photo":{"a":1},"email":"own"}"#.to_owned());
    let row = |(at, props): (usize, String)| {
        let mut row = json!({ "object_id": format!("{at:03}"), "profile_props": props });
        for (column, name) in
            ["identity", "email", "phone"].iter().enumerate().filter(|(column, _)| (at + column) % 2 == 0)
        {
            row[*name] = text(at + column);
        }
        if at % 3 == 0 {
            row["all_identities"] = json!(["a", "b"]);
        }
        row
    };
    texts.into_iter().enumerate().map(row).collect()
}
