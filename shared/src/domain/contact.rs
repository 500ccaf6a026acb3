//! Where an account wants to be told: e-mail addresses and a webhook.

use std::{fmt, net::IpAddr, str::FromStr};

use email_address::{EmailAddress as Syntax, Options};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::{
    public_address::{is_public_v4, is_public_v6},
    rules::is_unseen,
};

/// The longest address that mail servers take (RFC 5321).
const ADDRESS_MAX_BYTES: usize = 254;
/// The longest webhook that is kept.
const WEBHOOK_MAX_BYTES: usize = 2_000;

/// An e-mail address as people have them: without a display name, at a domain with a dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// The text is no e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no e-mail address. Enter one like ops@example.com.")]
pub struct NoEmailAddress(pub String);

impl EmailAddress {
    /// An address.
    ///
    /// # Errors
    /// When the text is none.
    pub fn new(text: impl Into<String>) -> Result<Self, NoEmailAddress> {
        let text = text.into();
        let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
        // A control character or a space, quoted or not, has no place in a mail's header; what stands between addresses,
        // or is not seen at all, has none in a form.
        let is_odd = |c: char| matches!(c, ' ' | ',' | ';' | '"') || is_unseen(c);
        let is_named = text.rsplit_once('@').is_some_and(|(_, domain)| domain.parse::<IpAddr>().is_err());
        let is_plain = text.len() <= ADDRESS_MAX_BYTES && !text.contains(is_odd) && is_named;
        if is_plain && Syntax::parse_with_options(&text, options).is_ok() {
            Ok(Self(text))
        } else {
            Err(NoEmailAddress(text))
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both reach the same mailbox, as far as that can be told: domains, and nearly always the names too, are
    /// the same in large and small letters.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.0.to_lowercase() == other.0.to_lowercase()
    }
}

/// Where the account's own program is told. Whether its address is one that may be called is decided when it is called:
/// names change where they point to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookUrl(Url);

/// Why a text is no webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoWebhook {
    /// It is no URL.
    #[error("The webhook is no URL. Enter one like https://example.com/hooks/exports.")]
    NoUrl,
    /// It is far too long.
    #[error("The webhook has more than {WEBHOOK_MAX_BYTES} characters. Enter a shorter URL.")]
    TooLong,
    /// It is not encrypted.
    #[error("The webhook must begin with https://, so that nobody reads what it is told. Enter such a URL.")]
    NotHttps,
    /// It holds a user's name or password, which would stand in logs.
    #[error(
        "The webhook holds a user name or a password. Leave them out: what we send is signed, and needs neither."
    )]
    Credentials,
    /// It names a machine that no one outside can mean.
    #[error("The webhook leads to a private address. Enter the URL of a server that the internet reaches.")]
    Inside,
}

/// Whether the address itself says that it is of a private network, or of whoever calls it. What a name leads to is
/// looked at when it is called.
fn is_inside(url: &Url) -> bool {
    match url.host() {
        None => true,
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            !name.contains('.') || [".localhost", ".internal", ".local"].iter().any(|end| name.ends_with(end))
        }
        Some(Host::Ipv4(address)) => !is_public_v4(address.octets()),
        Some(Host::Ipv6(address)) => !is_public_v6(address.segments()),
    }
}

impl WebhookUrl {
    /// A webhook.
    ///
    /// # Errors
    /// [`NoWebhook`].
    pub fn new(text: &str) -> Result<Self, NoWebhook> {
        // Before it is read at all; what is kept is measured below.
        if text.len() > WEBHOOK_MAX_BYTES {
            return Err(NoWebhook::TooLong);
        }
        let mut url = Url::parse(text.trim()).map_err(|_| NoWebhook::NoUrl)?;
        if url.scheme() != "https" {
            return Err(NoWebhook::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NoWebhook::Credentials);
        }
        if is_inside(&url) {
            return Err(NoWebhook::Inside);
        }
        // A fragment is never sent.
        url.set_fragment(None);
        // Escapes make it longer.
        if url.as_str().len() > WEBHOOK_MAX_BYTES {
            return Err(NoWebhook::TooLong);
        }
        Ok(Self(url))
    }

    /// The URL, normalised.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

macro_rules! as_text {
    ($name:ident, $error:ty) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }
    };
}
as_text!(EmailAddress, NoEmailAddress);
as_text!(WebhookUrl, NoWebhook);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn addresses_are_those_of_people() {
        for good in ["ops@example.com", "a.b+c@sub.example.co.uk", "jörg@bücher.example"] {
            assert_eq!(EmailAddress::new(good).unwrap().as_str(), good);
        }
        let long = format!("{}@example.com", "a".repeat(250));
        for bad in [
            "",
            "ops",
            "ops@",
            "@example.com",
            "ops@localhost",
            "Ops <ops@example.com>",
            "ops@[127.0.0.1]",
            "a@example.com\r\nBcc: b@example.com",
            "a@example.com,b@example.com",
            "\"a b\"@example.com",
            " a@b.com",
            &long,
        ] {
            assert_eq!(EmailAddress::new(bad), Err(NoEmailAddress(bad.to_owned())), "{bad}");
        }
        let same = EmailAddress::new("OPS@Example.com").unwrap();
        assert!(same.is_same_as(&EmailAddress::new("ops@example.com").unwrap()));
    }

    #[test]
    fn a_webhook_is_encrypted_and_holds_no_password() {
        let url = WebhookUrl::new(" HTTPS://Example.com:443/a b?c=d#part ").unwrap();
        assert_eq!(url.as_str(), "https://example.com/a%20b?c=d");
        assert!(
            WebhookUrl::new("https://172.32.0.1/").is_ok()
                && WebhookUrl::new("https://[2606:4700::1111]/").is_ok()
        );
        let read: WebhookUrl = serde_json::from_str(&serde_json::to_string(&url).unwrap()).unwrap();
        assert_eq!(read, url);
        for (bad, why) in [
            ("", NoWebhook::NoUrl),
            ("example.com/hook", NoWebhook::NoUrl),
            ("https://", NoWebhook::NoUrl),
            ("http://example.com", NoWebhook::NotHttps),
            ("javascript:alert(1)", NoWebhook::NotHttps),
            ("file:///etc/passwd", NoWebhook::NotHttps),
            ("https://user@example.com", NoWebhook::Credentials),
            ("https://:secret@example.com", NoWebhook::Credentials),
            (&format!("https://example.com/{}", "a".repeat(2_000)), NoWebhook::TooLong),
            ("https://127.1/x", NoWebhook::Inside),
            ("https://0x7f000001/", NoWebhook::Inside),
            ("https://169.254.169.254/computeMetadata", NoWebhook::Inside),
            ("https://10.0.0.1", NoWebhook::Inside),
            ("https://172.31.9.9", NoWebhook::Inside),
            ("https://192.168.1.1:8443", NoWebhook::Inside),
            ("https://[::1]/", NoWebhook::Inside),
            ("https://[::ffff:127.0.0.1]/", NoWebhook::Inside),
            ("https://[fd00::1]/", NoWebhook::Inside),
            ("https://localhost/", NoWebhook::Inside),
            ("https://metadata.google.internal./x", NoWebhook::Inside),
        ] {
            assert_eq!(WebhookUrl::new(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn what_stands_between_addresses_or_is_not_seen_is_in_none() {
        for bad in [
            "\"a,b\"@example.com",
            "a\u{200b}b@example.com",
            "a;b@example.com",
            "a@1.2.3.4",
            "\"a b\"@example.com",
        ] {
            assert!(EmailAddress::new(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        /// What is kept can be read: an account that could not be would be lost to its customer.
        #[test]
        fn a_webhook_that_is_taken_is_read_again(path in "[a-zé%\u{4e00} ?&=/#]{0,900}") {
            if let Ok(url) = WebhookUrl::new(&format!("https://example.com/{path}")) {
                let kept = serde_json::to_string(&url).unwrap();
                proptest::prop_assert_eq!(serde_json::from_str::<WebhookUrl>(&kept).unwrap(), url);
            }
        }
    }
}
