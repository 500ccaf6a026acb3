//! Mails as files in a folder, for a laptop: any mail program opens them.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use async_trait::async_trait;

use super::MailSender;
use crate::ports::{Mail, MailError, Mailer};

/// A folder of `.eml` files, for its owner only. A notice that is sent again is the same file.
#[derive(Debug, Clone)]
pub struct EmlFolder {
    folder: PathBuf,
    sender: MailSender,
}

impl EmlFolder {
    /// A folder, which is made with the first mail.
    #[must_use]
    pub fn new(folder: PathBuf, sender: MailSender) -> Self {
        Self { folder, sender }
    }
}

#[async_trait]
impl Mailer for EmlFolder {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let bytes = self.sender.message(mail)?.formatted();
        let written = mail.written_at.strftime("%Y%m%dT%H%M%SZ");
        let path = self.folder.join(format!("{written}-{}.eml", mail.notice));
        let folder = self.folder.clone();
        let kept = tokio::task::spawn_blocking(move || keep(&folder, &path, &bytes)).await;
        let unavailable = |wrong: String| MailError::Unavailable(wrong);
        kept.map_err(|error| unavailable(error.to_string()))?
            .map_err(|error| unavailable(format!("{}: {error}", self.folder.display())))
    }
}

/// Whole or not at all, and once.
fn keep(folder: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    DirBuilder::new().mode(0o700).recursive(true).create(folder)?;
    if path.exists() {
        return Ok(());
    }
    let part = path.with_extension("part");
    let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part) {
        // Somebody was killed here, or is at it and writes the same.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => File::create(&part)?,
        opened => opened?,
    };
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&part, path)
}
