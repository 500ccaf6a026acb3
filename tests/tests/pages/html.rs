//! Looking into pages, as far as the tests need it.

use spillway_tests::web::Answer;

/// A page's text without its tags and with its entities resolved, white space folded.
pub(crate) fn text(answer: &Answer) -> String {
    let mut text = String::new();
    for piece in answer.text().split('<').skip(1) {
        let is_code = piece.starts_with("script") || piece.starts_with("style");
        if let Some((_, after)) = piece.split_once('>').filter(|_| !is_code) {
            text.push(' ');
            text.push_str(after);
        }
    }
    unescaped(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Entities resolved.
pub(crate) fn unescaped(text: &str) -> String {
    let entities = [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
    ];
    let plain = entities.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain));
    plain.replace("&#38;", "&").replace("&amp;", "&")
}

/// Where a form's answer leads.
pub(crate) fn place(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", text(answer));
    answer.header("location").to_owned()
}

/// The value of the hidden or visible field of a name.
pub(crate) fn field(answer: &Answer, name: &str) -> String {
    let page = answer.text();
    let at =
        page.find(&format!("name=\"{name}\"")).unwrap_or_else(|| panic!("no field {name}: {}", text(answer)));
    let end = page[at..].find('>').unwrap();
    let tag = &page[at..at + end];
    let value = tag.split("value=\"").nth(1).and_then(|rest| rest.split('"').next());
    unescaped(value.unwrap_or_default())
}

/// What the elements between two texts of the page hold.
pub(crate) fn all_between(answer: &Answer, begin: &str, end: &str) -> Vec<String> {
    let found = answer.text().split(begin).skip(1).filter_map(|rest| rest.split(end).next());
    found.map(unescaped).collect()
}
