//! Where the feature is switched off for the account, this page stands in place of whatever would begin something: it
//! says whom to ask. What goes on can still be seen, and stopped.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::{
    frame::{Frame, Section},
    visit::{Visit, html},
};
use crate::config::Config;

/// The page.
#[derive(Template)]
#[template(path = "off.html")]
pub(super) struct Off {
    pub(super) frame: Frame,
    pub(super) contact: Option<Contact>,
}

/// Whom to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contact {
    /// As configured.
    pub(super) text: String,
    /// A link, where it is an address.
    pub(super) href: Option<String>,
}

impl Contact {
    pub(super) fn new(text: &str) -> Self {
        let is_web = text.starts_with("https://") || text.starts_with("http://");
        let is_mail = !is_web && text.contains('@') && !text.contains(char::is_whitespace);
        let href = if is_web { Some(text.to_owned()) } else { is_mail.then(|| format!("mailto:{text}")) };
        Self { text: text.to_owned(), href }
    }
}

/// The page, where the feature is off.
pub(super) fn page(visit: &Visit, config: &Config) -> Option<Response> {
    if visit.account.exports_enabled {
        return None;
    }
    // The page itself says what the banner of the others does.
    let frame = Frame { is_enabled: true, ..visit.frame(Section::Elsewhere) };
    let contact = config.operator_contact.as_deref().map(Contact::new);
    Some((StatusCode::FORBIDDEN, html(&Off { frame, contact })).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_links() {
        let href = |text| Contact::new(text).href;
        assert_eq!(href("support@example.com").as_deref(), Some("mailto:support@example.com"));
        assert_eq!(href("https://example.com/help").as_deref(), Some("https://example.com/help"));
        assert_eq!(href("Ada, extension 12"), None);
        assert_eq!(href("javascript:alert(1)"), None);
    }
}
