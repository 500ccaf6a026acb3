//! Forms: what was sent, what is wrong with it, and the choices that are offered.

use std::fmt::Write as _;

use url::form_urlencoded;

/// The fields of a form or a query, in the order in which they were sent. A name may come several times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded` text.
    #[must_use]
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// A field without blanks around it; empty where it was not sent.
    #[must_use]
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// Whether a box was ticked.
    #[must_use]
    pub(crate) fn is_ticked(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// All values of a name, as they are.
    pub(crate) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Adds a field.
    pub(crate) fn push(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// Takes a field away.
    pub(crate) fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    /// As a query, without those that are empty.
    #[must_use]
    pub(crate) fn to_query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.0.iter().filter(|(_, value)| !value.is_empty()));
        query.finish()
    }

    /// The others.
    #[must_use]
    pub(crate) fn without(&self, name: &str) -> Self {
        Self(self.0.iter().filter(|(known, _)| known != name).cloned().collect())
    }

    /// Names and values.
    #[must_use]
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

/// What is wrong with a form, each thing with the field that it is about; an empty name: the form as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Form {
    wrong: Vec<(&'static str, String)>,
}

impl Form {
    /// Adds something that is wrong.
    pub(crate) fn refuse(&mut self, field: &'static str, text: impl Into<String>) {
        self.wrong.push((field, text.into()));
    }

    /// Whether anything is wrong.
    #[must_use]
    pub(crate) fn is_refused(&self) -> bool {
        !self.wrong.is_empty()
    }

    /// What is wrong with a field.
    #[must_use]
    pub(crate) fn wrong(&self, field: &str) -> Vec<&str> {
        self.wrong.iter().filter(|(name, _)| *name == field).map(|(_, text)| text.as_str()).collect()
    }

    /// All that is wrong.
    #[must_use]
    pub(crate) fn all_wrong(&self) -> &[(&'static str, String)] {
        &self.wrong
    }

    /// The summary's headline.
    #[must_use]
    pub(crate) fn summary_title(&self) -> String {
        match self.wrong.len() {
            1 => "One thing has to be mended".to_owned(),
            count => format!("{count} things have to be mended"),
        }
    }

    /// The attributes of a field that tie it to its hint and to what is wrong with it. `field` is a name of ours, so
    /// that it may stand in a page as it is.
    #[must_use]
    pub(crate) fn described(&self, field: &'static str, has_hint: bool) -> String {
        self.attributes(&[field], has_hint.then(|| format!("{field}-hint")))
    }

    /// The attributes of a field that is a part of another: they tie it to what is wrong with either.
    #[must_use]
    pub(crate) fn described_within(&self, field: &'static str, whole: &'static str) -> String {
        self.attributes(&[field, whole], None)
    }

    fn attributes(&self, fields: &[&'static str], hint: Option<String>) -> String {
        let wrong = |field: &&'static str| {
            let field = *field;
            (1..=self.wrong(field).len()).map(move |at| format!("{field}-wrong-{at}"))
        };
        let mut ids: Vec<String> = fields.iter().flat_map(wrong).collect();
        let mut attributes = String::new();
        if !ids.is_empty() {
            attributes.push_str(" aria-invalid=\"true\"");
        }
        ids.extend(hint);
        if !ids.is_empty() {
            write!(attributes, " aria-describedby=\"{}\"", ids.join(" ")).expect("a String takes everything");
        }
        attributes
    }
}

/// One of several that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub text: String,
    /// What more there is to say.
    pub hint: &'static str,
    /// Whether it is.
    pub is_chosen: bool,
    /// Whether it cannot be.
    pub is_off: bool,
}

impl Choice {
    /// A choice; `chosen` is the value that is.
    #[must_use]
    pub(crate) fn new(value: impl Into<String>, text: impl Into<String>, chosen: &str) -> Self {
        let value = value.into();
        let is_chosen = value == chosen;
        Self { value, text: text.into(), hint: "", is_chosen, is_off: false }
    }

    /// With more to say.
    #[must_use]
    pub(crate) fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    /// One that cannot be chosen, if so.
    #[must_use]
    pub(crate) fn off(self, is_off: bool) -> Self {
        Self { is_off, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_come_several_times() {
        let fields = Fields::parse(b"event=Charged&event=a%26b+c&bucket=+main+&box=yes&empty=");
        assert_eq!(fields.all("event").collect::<Vec<_>>(), ["Charged", "a&b c"]);
        assert_eq!(fields.text("bucket"), "main");
        assert_eq!(fields.text("nothing"), "");
        assert!(fields.is_ticked("box") && !fields.is_ticked("other"));
        assert_eq!(fields.to_query(), "event=Charged&event=a%26b+c&bucket=+main+&box=yes");
    }

    #[test]
    fn what_is_wrong_is_tied_to_its_field() {
        let mut form = Form::default();
        assert_eq!(form.described("bucket", false), "");
        assert_eq!(form.described("bucket", true), " aria-describedby=\"bucket-hint\"");
        form.refuse("bucket", "There is none.");
        assert_eq!(
            form.described("bucket", true),
            " aria-invalid=\"true\" aria-describedby=\"bucket-wrong-1 bucket-hint\""
        );
        assert_eq!(form.wrong("bucket"), ["There is none."]);
        assert_eq!(form.described_within("nickname", "key"), "");
        assert_eq!(
            form.described_within("nickname", "bucket"),
            " aria-invalid=\"true\" aria-describedby=\"bucket-wrong-1\""
        );
        assert_eq!(form.summary_title(), "One thing has to be mended");
    }
}
