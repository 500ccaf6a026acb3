//! Time that the test moves: each process reads its offset from a file, by Debian's `libfaketime`. Nothing of it is in
//! the programs themselves.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp};
use spillway::{adapters::system_clock::SystemClock, ports::Clock};

/// The time of the world, which is Google's too. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct WorldClock {
    offset_secs: Arc<AtomicI64>,
}

impl WorldClock {
    pub(crate) fn offset_secs(&self) -> i64 {
        self.offset_secs.load(Ordering::Relaxed)
    }

    pub(crate) fn advance(&self, secs: i64) {
        self.offset_secs.fetch_add(secs, Ordering::Relaxed);
    }
}

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + SignedDuration::from_secs(self.offset_secs())
    }
}

/// What one process takes for the time.
#[derive(Debug)]
pub(crate) struct ProcessClock {
    file: PathBuf,
    /// How far it is off the world's time.
    pub(crate) skew_secs: i64,
}

impl ProcessClock {
    pub(crate) fn new(file: PathBuf, world: &WorldClock) -> Self {
        let clock = Self { file, skew_secs: 0 };
        clock.follow(world);
        clock
    }

    /// Tells the process what time it is.
    pub(crate) fn follow(&self, world: &WorldClock) {
        let offset = world.offset_secs() + self.skew_secs;
        let draft = self.file.with_extension("new");
        fs::write(&draft, format!("{offset:+}\n")).unwrap();
        // Whole or not at all: it is read all the time.
        fs::rename(draft, &self.file).unwrap();
    }

    /// The environment of a process under this clock. Waiting is done in real time: only what the clock shows is moved.
    pub(crate) fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("LD_PRELOAD", library().to_str().unwrap().to_owned()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.to_str().unwrap().to_owned()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("NO_FAKE_STAT", "1".to_owned()),
        ]
    }
}

/// Takes away what the library leaves behind in shared memory when its process is killed.
pub(crate) fn clean_up(pid: u32) {
    for name in [format!("faketime_shm_{pid}"), format!("sem.faketime_sem_{pid}")] {
        drop(fs::remove_file(Path::new("/dev/shm").join(name)));
    }
}

fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    found
        .into_iter()
        .find(|path| path.exists())
        .expect("libfaketime is missing: apt-get install -y libfaketime")
}
