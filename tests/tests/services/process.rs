//! A service in a process of its own.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use url::Url;

use crate::support::{AUDIENCE, EMAIL, ISSUER};

/// The process. Dropped, it is killed.
pub(crate) struct Process {
    child: Child,
    lines: BufReader<ChildStdout>,
    began: Instant,
}

impl Process {
    /// Starts the binary `served` over a test's folder, with more variables.
    pub(crate) fn start(home: &Path, gcs_endpoint: &str, jwks_url: &Url, more: &[(&str, &str)]) -> Self {
        let began = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_served"))
            .env_clear()
            .env("PORT", "0")
            .env("SPILLWAY_PROJECT_ID", "test-project")
            .env("SPILLWAY_TEST_HOME", home)
            .env("SPILLWAY_GCS_ENDPOINT", gcs_endpoint)
            .env("SPILLWAY_INVOKER_AUDIENCE", AUDIENCE)
            .env("SPILLWAY_INVOKER_EMAILS", EMAIL)
            .env("SPILLWAY_INVOKER_ISSUER", ISSUER)
            .env("SPILLWAY_INVOKER_JWKS_URL", jwks_url.as_str())
            .envs(more.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines, began }
    }

    /// Waits for the line of the log with this message.
    pub(crate) fn until_told(&mut self, message: &str) -> Value {
        for line in self.lines.by_ref().lines() {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if line["message"] == message {
                return line;
            }
        }
        panic!("it ended without saying `{message}`");
    }

    /// Where it listens, and how long it took to.
    pub(crate) fn ready(&mut self) -> (String, Duration) {
        let line = self.until_told("ready");
        assert_eq!(line["severity"], "INFO");
        (format!("http://127.0.0.1:{}", line["port"]), self.began.elapsed())
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
