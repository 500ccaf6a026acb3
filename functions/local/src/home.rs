//! The folder that holds everything on a laptop.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::private;

/// `--home`.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

impl Home {
    /// Makes the folder where it is missing; only its owner may look into it.
    pub(crate) fn open(root: &Path) -> anyhow::Result<Self> {
        let mut builder = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(root).with_context(|| {
            format!("the home folder {} cannot be made; choose another with --home", root.display())
        })?;
        private::close_folder(root)?;
        Ok(Self(root.to_owned()))
    }

    /// The lake's root.
    pub(crate) fn lake(&self) -> PathBuf {
        self.0.join("lake")
    }

    /// The buckets of the emulator, one folder each.
    pub(crate) fn buckets(&self) -> PathBuf {
        self.0.join("buckets")
    }

    /// The store.
    pub(crate) fn state(&self) -> PathBuf {
        self.0.join("state.sqlite")
    }

    /// The key of the key vault.
    pub(crate) fn vault_key(&self) -> PathBuf {
        self.0.join("vault.key")
    }

    /// The mails that people get, as files.
    pub(crate) fn mail(&self) -> PathBuf {
        self.0.join("mail")
    }

    /// Held, shared, by every process that works on chunks.
    pub(crate) fn workers_lock(&self) -> PathBuf {
        self.0.join("workers.lock")
    }

    /// Held by a process while it joins those who work on chunks.
    pub(crate) fn joining_lock(&self) -> PathBuf {
        self.0.join("joining.lock")
    }

    /// Where the key lies that was made with a local bucket.
    pub(crate) fn bucket_key(&self, bucket_name: &str) -> PathBuf {
        self.0.join("keys").join(format!("{bucket_name}.json"))
    }

    /// Where simulations keep their files, each in a folder of its own.
    pub(crate) fn simulations(&self) -> PathBuf {
        self.0.join("simulations")
    }

    /// The folder where it is kept which runs are of other lakes or endpoints.
    pub(crate) fn origins(&self) -> PathBuf {
        self.0.join("origins")
    }
}
