//! The e-mails of an incident, as text and as HTML: written once, for all who get them. Pure.

mod facts;
mod times;
mod words;

use askama::Template;

pub use facts::{ExportLine, HTML_EXPORTS, MailFacts, TEXT_EXPORTS, describe};

use self::words::Words;
use crate::domain::NoticeKind;

/// A mail without its recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The subject.
    pub subject: String,
    /// For readers without HTML.
    pub text: String,
    /// The same as HTML, without anything that is loaded from elsewhere.
    pub html: String,
}

/// What both templates show.
struct Shown<'a> {
    facts: &'a MailFacts,
    words: Words,
    heading: String,
    lead: Vec<String>,
    /// What is owed, in a sentence.
    owed: Option<String>,
    fix_url: Option<String>,
    help_url: Option<String>,
    exports_url: Option<String>,
    as_of: String,
}

#[derive(Template)]
#[template(path = "mail.txt", escape = "none")]
struct TextMail<'a> {
    mail: &'a Shown<'a>,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct HtmlMail<'a> {
    mail: &'a Shown<'a>,
}

/// Writes the mail of a notice.
#[must_use]
pub fn write(facts: &MailFacts) -> Written {
    let shown = Shown::new(facts);
    let text = TextMail { mail: &shown }.render().expect("texts are written to memory");
    let html = HtmlMail { mail: &shown }.render().expect("texts are written to memory");
    Written { subject: shown.subject(), text, html }
}

impl<'a> Shown<'a> {
    fn new(facts: &'a MailFacts) -> Self {
        let words = Words::of(facts);
        let fails = facts.kind != NoticeKind::Recovered;
        Self {
            heading: words::heading(facts),
            lead: words::lead(facts),
            owed: facts.owed_sentence(),
            fix_url: facts.url(&format!(
                "partners/google-cloud/buckets/{}",
                facts::path_segment(&facts.incident.bucket.0)
            )),
            help_url: facts
                .url(&facts.incident.failure.help_path(&facts.incident.bucket.0))
                .filter(|_| fails),
            exports_url: facts.url("exports"),
            as_of: facts.local(facts.now),
            facts,
            words,
        }
    }

    fn subject(&self) -> String {
        let bucket = facts::cut(&self.facts.incident.bucket_name, 80);
        let title = &self.words.title;
        match self.facts.kind {
            NoticeKind::Detected => format!("Exports to {bucket} fail: {title}"),
            NoticeKind::StillFailing => {
                format!(
                    "Exports to {bucket} still fail, and stop on {}",
                    self.facts.local(self.facts.incident.stop_at)
                )
            }
            NoticeKind::Stopped => format!("Exports to {bucket} were stopped: {title}"),
            NoticeKind::Recovered => format!("Exports to {bucket} work again"),
        }
    }

    fn is_recovered(&self) -> bool {
        self.facts.kind == NoticeKind::Recovered
    }

    /// The exports that the HTML part lists.
    fn html_exports(&self) -> &[ExportLine] {
        &self.facts.exports[..self.facts.exports.len().min(HTML_EXPORTS)]
    }

    fn html_left_out(&self) -> u64 {
        self.facts.exports_left_out + (self.facts.exports.len() - self.html_exports().len()) as u64
    }

    /// Where an export's page is.
    fn export_url(&self, line: &ExportLine) -> Option<String> {
        self.facts.url(&format!("exports/{}", line.request))
    }
}

#[cfg(test)]
mod tests;
