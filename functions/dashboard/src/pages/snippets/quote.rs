//! Texts as they stand safely in shells, SQL and Python.

/// A shell's word.
pub(super) fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// An SQL text.
pub(super) fn sql(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A Python text: JSON's are Python's too.
pub(super) fn python(text: &str) -> String {
    serde_json::to_string(text).expect("a text always serialises")
}

/// Texts in brackets, one a line, indented.
pub(super) fn list(texts: &[String], quoted: impl Fn(&str) -> String) -> String {
    let lines: String = texts.iter().map(|text| format!("    {},\n", quoted(text))).collect();
    format!("[\n{lines}]")
}

/// Lines of a here-document. Object names have no line ends (FORMATS, Names); were there one, it would end nothing.
pub(super) fn lines_of(texts: impl Iterator<Item = String>) -> String {
    texts.map(|text| format!("{}\n", text.replace(['\n', '\r'], "?"))).collect()
}
