//! Google's own emulators, as the tests need them.
//!
//! [`Emulator::shared`] gives the one at the address in the environment, where there is one; else one that all test
//! processes share: the first of them starts it, and it ends by itself once no test process has been there for two
//! seconds, however the last one ended. [`Emulator::start`] gives one of the caller's own, which ends with it. Tests
//! on a shared one isolate themselves by project id.
#![allow(clippy::unwrap_used, reason = "tests")]

pub mod firestore;

use std::{
    env,
    fs::{self, File},
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long an emulator may take to start, on a machine that compiles meanwhile.
const START: Duration = Duration::from_secs(90);
/// How often it is asked whether it is there.
const ASK: Duration = Duration::from_millis(50);

/// Starts `"$@"` and ends it once nobody holds the lock file `$1` any more; `$2` holds its address.
const UNTIL_NOBODY_HOLDS: &str = r#"
    holders=$1; address=$2; shift 2
    "$@" & pid=$!
    exec 9>>"$holders"
    while :; do
        flock -x 9; flock -u 9; sleep 2
        if flock -xn 9; then rm -f "$address"; kill $pid; wait $pid; exit; fi
    done"#;
/// Starts `"$@"` and ends it with its standard input, which the system closes with the starter.
const UNTIL_STDIN_ENDS: &str = r#""$@" & pid=$!; cat >/dev/null; kill $pid; wait $pid"#;

/// What is to be known of an emulator.
pub struct Kind {
    /// In messages and file names.
    pub name: &'static str,
    /// The environment variable that may name the address of one that runs already.
    pub variable: &'static str,
    /// The command that starts it on a port.
    pub command: fn(port: u16) -> Vec<String>,
}

/// An emulator that answers.
pub struct Emulator {
    address: String,
    // Held while this process lives; never read.
    _held: Option<File>,
    own: Option<Child>,
}

impl Emulator {
    /// The emulator of all tests.
    #[must_use]
    pub fn shared(kind: &Kind) -> Self {
        if let Ok(address) = env::var(kind.variable) {
            return Self { address, _held: None, own: None };
        }
        let folder = folder();
        let path = |what: &str| folder.join(format!("{}.{what}", kind.name));
        let open = |path: &Path| File::options().create(true).append(true).open(path).unwrap();
        let held = open(&path("held"));
        held.lock_shared().unwrap();
        // One process at a time looks for it, or starts it.
        let looking = open(&path("looking"));
        looking.lock().unwrap();
        let known = fs::read_to_string(path("address")).ok().filter(|address| answers(address));
        let address = known.unwrap_or_else(|| {
            let address = free_address();
            let log = File::create(path("log")).unwrap();
            let mut supervisor = shell(UNTIL_NOBODY_HOLDS);
            supervisor.args([path("held"), path("address")]).args((kind.command)(address.port()));
            supervisor.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
            // It outlives this process, and is waited for by whoever adopts it.
            drop(supervisor.spawn().unwrap());
            wait_for(kind, &address.to_string(), &path("log"));
            fs::write(path("address"), address.to_string()).unwrap();
            address.to_string()
        });
        Self { address, _held: Some(held), own: None }
    }

    /// One of the caller's own, on a port of its choice or any: it ends when it is dropped.
    #[must_use]
    pub fn start(kind: &Kind, port: Option<u16>) -> Self {
        let address = port.map_or_else(free_address, |port| SocketAddr::from(([127, 0, 0, 1], port)));
        let log = folder().join(format!("{}.{}.log", kind.name, address.port()));
        let out = File::create(&log).unwrap();
        let mut supervisor = shell(UNTIL_STDIN_ENDS);
        supervisor.args((kind.command)(address.port()));
        supervisor.stdin(Stdio::piped()).stdout(out.try_clone().unwrap()).stderr(out);
        let own = supervisor.spawn().unwrap();
        let started = Self { address: address.to_string(), _held: None, own: Some(own) };
        wait_for(kind, &started.address, &log);
        started
    }

    /// Where it listens: host and port.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        if let Some(own) = &mut self.own {
            drop(own.stdin.take());
            own.wait().unwrap();
        }
    }
}

/// A shell in a process group of its own, so that what ends a test does not end what others use.
fn shell(script: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).process_group(0);
    shell
}

/// Beside the build.
fn folder() -> PathBuf {
    let folder = env::current_exe().unwrap().ancestors().nth(2).unwrap().join("emulators");
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn wait_for(kind: &Kind, address: &str, log: &Path) {
    let begin = Instant::now();
    while !answers(address) {
        let text = || fs::read_to_string(log).unwrap_or_default();
        assert!(begin.elapsed() < START, "the {} emulator does not start:\n{}", kind.name, text());
        thread::sleep(ASK);
    }
}

/// Whether something speaks HTTP there.
fn answers(address: &str) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        Ok::<_, std::io::Error>(answer == *b"HTTP/")
    };
    ask().unwrap_or(false)
}

/// Where the Google Cloud SDK lies.
///
/// # Panics
/// Where it is missing, or Java is.
#[must_use]
pub fn sdk() -> PathBuf {
    let java = Command::new("java").arg("-version").output();
    assert!(
        java.is_ok_and(|java| java.status.success()),
        "Java is missing: apt-get install -y openjdk-17-jre-headless"
    );
    let info = Command::new("gcloud").args(["info", "--format=value(installation.sdk_root)"]).output();
    let info = info.expect("the Google Cloud SDK is missing: https://cloud.google.com/sdk/docs/install#deb");
    PathBuf::from(String::from_utf8(info.stdout).unwrap().trim())
}
