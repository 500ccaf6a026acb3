//! A disk that takes no more: every command ends with a sentence, and goes on once there is room.
//!
//! A limit on the size of files stands in for the disk: the writes that pass it fail in the same places.

use std::process::{Command, Stdio};

use gcs_emulator::{Emulator, Fault, FaultRule};
use spillway::{adapters::system_clock::SystemClock, ports::Clock as _};

use super::support::{Done, Home, JUNE, event, events, export_args};

/// Runs a command whose files must not outgrow `limit_kib`, and which must not take longer than a minute.
fn within(home: &Home, limit_kib: u64, args: &[&str]) -> Done {
    let command = home.command(args);
    let script = format!("trap '' XFSZ; ulimit -f {}; exec timeout 60 \"$@\"", limit_kib * 2);
    let mut limited = Command::new("sh");
    limited.args(["-c", &script, "sh"]).arg(command.get_program()).args(command.get_args());
    limited.env_remove("RUST_LOG").stdin(Stdio::null());
    let done = Done::of(limited.output().unwrap());
    assert_ne!(done.code, Some(124), "it does not end: {done:?}");
    done
}

#[test]
fn a_bucket_without_room_blocks_the_export() {
    // A file of some megabytes, while the state stays below one.
    let large: String = (0..20_000).map(|id| event("Viewed", JUNE + id, id)).collect();
    let home = Home::with(&large);
    let args = export_args("files", "json", &["--packaging", "plain"]);
    home.run(&export_args("files", "json", &["--from", "2025-06-02", "--to", "2025-06-02"])).ok();
    let done = within(&home, 2_500, &args);
    let done = done.fails(&["The disk on which the bucket lies is full", "Free some space"]);
    assert!(!done.out.contains("goes on by itself"), "{done:?}");
    home.run(&args).ok();
    home.run(&["verify", "--bucket", "files"]).ok();
}

/// Wherever the state cannot be written, be it in the command or in a worker.
#[test]
fn a_state_without_room_ends_the_command() {
    let home = Home::with(&events(2_000));
    home.export("json", &[]).ok();
    let mut refused = 0;
    for limit_kib in [64, 128, 192, 256, 320, 384, 448, 512, 640, 768, 1_024] {
        let done = within(&home, limit_kib, &export_args("files", "csv", &[]));
        if done.code != Some(0) {
            done.fails(&["cannot write"]);
            refused += 1;
        }
    }
    assert!(refused > 2, "the limits are too wide");
    home.run(&["resume"]).ok();
    home.run(&["verify", "--bucket", "files"]).ok();
}

/// What a worker meets that cannot be told by a file's size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_may_not_be_written_blocks_the_export() {
    let home = Home::with(&events(50));
    home.export("json", &[]).ok();
    let now: gcs_emulator::Clock = std::sync::Arc::new(|| SystemClock.now());
    let running = Emulator::start(home.path("home/buckets"), now).await.unwrap();
    let mut args = export_args("files", "csv", &["--gcs-endpoint", running.base_url()]);
    args.retain(|arg| *arg != "--create-bucket");
    for (fault, words) in [
        (Fault::ReadOnly, ["The folder of the bucket cannot be written", "Make it writable"]),
        (Fault::DiskFull, ["The disk on which the bucket lies is full", "Free some space"]),
    ] {
        running.emulator().faults().add(FaultRule::always(fault));
        let done = tokio::task::block_in_place(|| home.run(&args));
        done.fails(&words);
        running.emulator().faults().clear();
    }
    tokio::task::block_in_place(|| home.run(&args)).ok();
}
