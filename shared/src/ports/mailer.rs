//! E-mails go out.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::domain::{EmailAddress, NoticeId};

/// An e-mail to one person, as text and as HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Makes the `Message-ID`: whoever sends the notice again sends the same, and mail programs show one.
    pub notice: NoticeId,
    /// To whom.
    pub to: EmailAddress,
    /// The subject, one line.
    pub subject: String,
    /// The text for readers without HTML.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// When it was written.
    pub written_at: Timestamp,
}

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// There is no such mailbox, or it takes nothing any more: trying again does not help.
    #[error("the address is refused: {0}")]
    Refused(String),
    /// This mail is not taken now; others may be.
    #[error("the mail is not taken now: {0}")]
    Later(String),
    /// Nothing is taken: the server cannot be reached, is busy, or does not let us in.
    #[error("mails cannot be sent: {0}")]
    Unavailable(String),
}

/// Sends e-mails, from the operator's address.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands a mail over. The `Message-ID` is made of the notice, so that a second mail of it can be told.
    ///
    /// # Errors
    /// [`MailError`]. After [`MailError::Unavailable`] it may have been taken nevertheless.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}
