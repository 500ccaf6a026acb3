//! Ctrl-C and SIGKILL in mid-export; two processes at once; stop.

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use gcs_emulator::{BucketOptions, Emulator, Role};
use spillway::{adapters::system_clock::SystemClock, ports::Clock};

use super::support::{Home, events, export_args, tree};

const ROWS: u64 = 12_000;

/// A home whose export takes seconds: some 900 files.
fn large() -> Home {
    let home = Home::new();
    home.feed(&["ingest", "--account", "1", "--shards", "24", "-"], &events(ROWS)).ok();
    home
}

/// Waits until there are so many files; it must not have ended by then.
fn until_under_way(home: &Home, child: &mut Child, files: usize) {
    until_files_in(&home.bucket("files"), child, files);
}

fn until_files_in(bucket: &Path, child: &mut Child, files: usize) {
    let began = Instant::now();
    while tree(bucket).len() < files {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be interrupted");
        assert!(began.elapsed() < Duration::from_secs(60), "too little is written");
        std::thread::yield_now();
    }
    assert!(child.try_wait().unwrap().is_none(), "it ended before it could be interrupted");
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn all_rows_once(home: &Home) {
    assert!(home.ids("files") == (0..ROWS).collect::<Vec<_>>(), "rows were lost or doubled");
    home.run(&["verify", "--bucket", "files"]).ok();
}

#[test]
fn ctrl_c_leaves_what_resume_finishes() {
    a_signal_leaves_what_resume_finishes("-INT");
}

#[test]
fn sigterm_does_what_ctrl_c_does() {
    a_signal_leaves_what_resume_finishes("-TERM");
}

fn a_signal_leaves_what_resume_finishes(name: &str) {
    let home = large();
    let mut child = home.command(&export_args("files", "json", &[])).spawn().unwrap();
    until_under_way(&home, &mut child, 20);
    signal(&child, name);
    let ended = child.wait_with_output().unwrap();
    let err = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{err}");
    assert!(err.contains("interrupted") && err.contains("resume"), "{err}");
    assert!((home.ids("files").len() as u64) < ROWS);
    let resumed = home.run(&["resume", "--json"]).ok().json();
    assert_eq!((&resumed[0]["status"], &resumed[0]["rows"]), (&"DONE".into(), &ROWS.into()));
    all_rows_once(&home);
    let nothing = home.run(&["resume"]).ok();
    assert!(nothing.out.contains("Nothing is unfinished"));
}

/// A key that is given again wakes what waits for its bucket, but not what reads another lake: here its files are not.
#[test]
fn a_key_given_again_leaves_runs_of_another_lake_alone() {
    let source = large();
    let lake = source.path("home/lake");
    let home = Home::with(&events(5));
    let named = ["--lake", lake.to_str().unwrap()];
    let mut child = home.command(&export_args("files", "json", &named)).spawn().unwrap();
    until_under_way(&home, &mut child, 20);
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let key = home.path("home/keys/files.json");
    home.export("csv", &["--key", key.to_str().unwrap()]).ok();
    let resumed = home.run(&["resume", named[0], named[1], "--json"]).ok().json();
    assert_eq!((&resumed[0]["status"], &resumed[0]["rows"]), (&"DONE".into(), &ROWS.into()));
}

/// A lake of so many files that planning alone takes long: all but the first are links to it.
fn long_to_plan() -> (Home, std::path::PathBuf) {
    let home = Home::with(&events(1));
    let lake = home.path("home/lake");
    let file = super::support::tree(&lake).into_keys().find(|name| name.ends_with(".parquet")).unwrap();
    let (file, copies) = (lake.join(&file), lake.join(file).parent().unwrap().join("copies"));
    std::fs::create_dir(&copies).unwrap();
    for at in 0..40_000 {
        std::fs::hard_link(&file, copies.join(format!("{at}.parquet"))).unwrap();
    }
    (home, copies)
}

/// How many runs there are, and of how many the plan is made.
fn runs(home: &Home) -> (usize, usize) {
    let store = rusqlite::Connection::open(home.path("home/state.sqlite")).unwrap();
    let mut rows = store.prepare("SELECT doc ->> '$.plan' IS NOT NULL FROM runs").unwrap();
    let planned: Vec<bool> = rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    (planned.len(), planned.iter().filter(|planned| **planned).count())
}

#[test]
fn planning_ends_within_seconds_and_is_resumed() {
    let (home, copies) = long_to_plan();
    for name in ["-INT", "-TERM"] {
        // CSV looks at every file for its columns.
        let mut child = home.command(&export_args("files", "csv", &[])).spawn().unwrap();
        let before = if name == "-INT" { 0 } else { 1 };
        while runs(&home).0 == before {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it could be interrupted");
            std::thread::yield_now();
        }
        let began = Instant::now();
        signal(&child, name);
        let ended = child.wait_with_output().unwrap();
        assert!(began.elapsed() < Duration::from_secs(20), "it took {:?}", began.elapsed());
        let err = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{err}");
        assert!(err.contains("interrupted") && err.contains("resume"), "{err}");
        assert_eq!(runs(&home), (before + 1, 0), "it went on until all was planned");
    }
    std::fs::remove_dir_all(copies).unwrap();
    let resumed = home.run(&["resume", "--json"]).ok().json();
    for run in [&resumed[0], &resumed[1]] {
        assert_eq!((&run["status"], &run["rows"]), (&"DONE".into(), &1.into()));
    }
    home.run(&["verify", "--bucket", "files"]).ok();
}

/// The leases of a killed process are known to be nobody's: the next start does not wait for them to end.
#[test]
fn after_sigkill_the_next_start_finishes_at_once() {
    let home = large();
    let mut child = home.command(&export_args("files", "json", &[])).spawn().unwrap();
    until_under_way(&home, &mut child, 20);
    signal(&child, "-KILL");
    child.wait().unwrap();
    let mut child = home.command(&["resume"]).spawn().unwrap();
    until_under_way(&home, &mut child, 200);
    signal(&child, "-KILL");
    child.wait().unwrap();
    let began = Instant::now();
    home.run(&["resume"]).ok();
    assert!(began.elapsed() < Duration::from_secs(100), "it waited for dead leases: {:?}", began.elapsed());
    all_rows_once(&home);
}

/// Another export of the same home finishes the killed one beside its own.
#[test]
fn after_sigkill_another_export_finishes_too() {
    let home = large();
    let mut child = home.command(&export_args("files", "json", &[])).spawn().unwrap();
    until_under_way(&home, &mut child, 20);
    signal(&child, "-KILL");
    child.wait().unwrap();
    home.run(&export_args("second", "csv", &[])).ok();
    home.run(&["resume"]).ok();
    all_rows_once(&home);
    home.run(&["verify", "--bucket", "second"]).ok();
}

#[test]
fn two_processes_export_on_one_home() {
    let home = large();
    let first = home.command(&export_args("files", "json", &[])).spawn().unwrap();
    let second = home.command(&export_args("second", "json", &[])).spawn().unwrap();
    for child in [first, second] {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    all_rows_once(&home);
    assert!(home.ids("second") == (0..ROWS).collect::<Vec<_>>());
    home.run(&["verify", "--bucket", "second"]).ok();
}

#[test]
fn a_stopped_export_keeps_its_files_and_never_goes_on() {
    let home = large();
    let mut child = home.command(&export_args("files", "json", &[])).spawn().unwrap();
    until_under_way(&home, &mut child, 20);
    signal(&child, "-INT");
    child.wait().unwrap();
    let name = home.objects("files").into_keys().next().unwrap();
    let request = name.split('-').next().unwrap();
    let stopped = home.run(&["stop", "--account", "1", request]).ok();
    assert!(stopped.out.contains("STOPPED"), "{}", stopped.out);
    let files = home.objects("files");
    assert!(files.contains_key(&format!("{request}-{request}.manifest")));
    home.run(&["resume"]).ok();
    assert!(home.objects("files") == files, "it went on");
    home.run(&["verify", "--bucket", "files"]).ok();
    home.run(&["stop", "--account", "1", request]).error(&["ended already"]);
    home.run(&["stop", "--account", "1", "5"]).error(&["no export 5"]);
}

/// Stopped by another process while it runs: it ends within seconds.
#[test]
fn a_running_export_notices_the_stop() {
    let home = large();
    let mut child = home.command(&export_args("files", "json", &[])).spawn().unwrap();
    until_under_way(&home, &mut child, 20);
    let name = home.objects("files").into_keys().next().unwrap();
    home.run(&["stop", "--account", "1", name.split('-').next().unwrap()]).ok();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stdout).contains("STOPPED"));
    home.run(&["verify", "--bucket", "files"]).ok();
}

/// What a killed process had leased is given back, and the export ends whole, with its manifest.
#[test]
fn a_killed_export_is_stopped_at_once() {
    let home = large();
    let mut child = home.command(&export_args("files", "json", &[])).spawn().unwrap();
    until_under_way(&home, &mut child, 20);
    signal(&child, "-KILL");
    child.wait().unwrap();
    let name = home.objects("files").into_keys().next().unwrap();
    let request = name.split('-').next().unwrap();
    let stopped = home.run(&["stop", "--account", "1", request]).ok();
    assert!(stopped.out.contains("STOPPED"), "{}", stopped.out);
    assert!(home.objects("files").contains_key(&format!("{request}-{request}.manifest")));
    home.run(&["verify", "--bucket", "files"]).ok();
    assert!(home.run(&["resume"]).ok().out.contains("Nothing is unfinished"));
}

/// The export's bucket is elsewhere: there it gets its manifest, and the home's own emulator is not asked.
#[test]
fn an_export_of_another_endpoint_is_stopped_there() {
    let home = large();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let clock: gcs_emulator::Clock = Arc::new(|| SystemClock.now());
    let elsewhere = home.path("elsewhere");
    let running = runtime.block_on(Emulator::start(elsewhere.clone(), clock)).unwrap();
    let emulator = running.emulator();
    let (options, email) = (BucketOptions::default(), "trial@emulated-project.iam.gserviceaccount.com");
    let key = emulator.create_service_account_key(&options.project, email).unwrap();
    let grants = [(email, Role::ObjectCreator), (email, Role::ObjectViewer)];
    emulator.create_bucket_with("files", options, &grants).unwrap();
    let key_file = home.path("given.json");
    std::fs::write(&key_file, key.to_string()).unwrap();
    std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o600)).unwrap();

    let more = ["--gcs-endpoint", running.base_url(), "--key", key_file.to_str().unwrap()];
    let mut args = export_args("files", "json", &more);
    args.retain(|arg| *arg != "--create-bucket");
    let mut child = home.command(&args).spawn().unwrap();
    let bucket = elsewhere.join("files");
    until_files_in(&bucket, &mut child, 20);
    signal(&child, "-KILL");
    child.wait().unwrap();
    let name = tree(&bucket).into_keys().next().unwrap();
    let request = name.split('-').next().unwrap();
    let stopped = home.run(&["stop", "--account", "1", request]).ok();
    assert!(stopped.out.contains("STOPPED"), "{}", stopped.out);
    assert!(tree(&bucket).contains_key(&format!("{request}-{request}.manifest")));
    let store = rusqlite::Connection::open(home.path("home/state.sqlite")).unwrap();
    let state: String =
        store.query_row("SELECT doc ->> '$.state.state' FROM buckets", [], |row| row.get(0)).unwrap();
    assert_eq!(state, "ready");
}

/// A short command beside a long export takes none of its messages: else it would wait for them a quarter of an hour.
#[test]
fn a_short_command_holds_up_no_long_one() {
    let home = large();
    let mut child = home.command(&export_args("files", "json", &[])).spawn().unwrap();
    until_under_way(&home, &mut child, 20);
    home.run(&["resume"]).error(&["another process of this home is at work", "spillway resume"]);
    let none = ["--from", "2020-01-01", "--to", "2020-01-31"];
    home.run(&export_args("second", "json", &none)).ok();
    assert!(child.try_wait().unwrap().is_none(), "it ended before anybody came beside it");
    let (ended, wait) = mpsc::channel();
    let waiting = std::thread::spawn(move || ended.send(child.wait_with_output().unwrap()));
    let output = wait.recv_timeout(Duration::from_secs(200)).expect("it was held up");
    waiting.join().unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    all_rows_once(&home);
}
