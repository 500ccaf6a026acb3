//! `--create-bucket` after a kill: whatever part of a bucket is there already, the next start makes the rest.

use std::{fs, os::unix::fs::PermissionsExt};

use super::support::{Home, events, export_args};

/// The home without what the store knows of the bucket.
fn forget_bucket(home: &Home) {
    let store = rusqlite::Connection::open(home.path("home/state.sqlite")).unwrap();
    assert_eq!(store.execute("DELETE FROM buckets", []).unwrap(), 1);
}

/// A home in which the bucket `files` was made whole, to take parts away from.
fn whole() -> Home {
    let home = Home::with(&events(5));
    home.export("json", &[]).ok();
    home
}

/// Exports into the bucket, and reads back just that: what earlier runs wrote may have been deleted with it.
fn again(home: &Home) {
    export_and_verify(home, &[]);
}

fn export_and_verify(home: &Home, more: &[&str]) {
    let report = home.export("csv", &[&["--json"], more].concat()).ok().json();
    home.run(&["verify", "--bucket", "files", "--run", report["run"].as_str().unwrap()]).ok();
}

/// In the order in which the parts are made: after the key, after its registration, after the bucket.
#[test]
fn killed_after_each_part_it_is_made_whole() {
    let home = whole();
    let key = fs::read(home.path("home/keys/files.json")).unwrap();
    for parts in [
        &["buckets/.gcs/keys", "buckets/files", "buckets/.gcs/buckets", "buckets/.gcs/objects"][..],
        &["buckets/files", "buckets/.gcs/buckets", "buckets/.gcs/objects"],
        &[],
    ] {
        forget_bucket(&home);
        for part in parts {
            fs::remove_dir_all(home.path("home").join(part)).unwrap();
        }
        again(&home);
        assert!(fs::read(home.path("home/keys/files.json")).unwrap() == key, "the key is not made twice");
    }
}

/// Once there, the bucket is found without `--create-bucket` too.
#[test]
fn killed_before_the_store_knew_it_is_connected() {
    let home = whole();
    forget_bucket(&home);
    let mut args = export_args("files", "csv", &[]);
    args.retain(|arg| *arg != "--create-bucket");
    home.run(&args).ok();
}

/// As versions made it that granted last: a bucket on which nobody has a role, without a key.
#[test]
fn a_bucket_without_key_and_grants_is_made_whole() {
    let home = whole();
    forget_bucket(&home);
    fs::remove_file(home.path("home/keys/files.json")).unwrap();
    let record = home.path("home/buckets/.gcs/buckets/files.json");
    let mut bucket: serde_json::Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    bucket["policy"] = serde_json::json!({});
    fs::write(&record, bucket.to_string()).unwrap();
    again(&home);
}

/// The bucket's folder was deleted, but account and key are known: it comes back under the same key.
#[test]
fn a_deleted_bucket_comes_back() {
    let home = whole();
    fs::remove_dir_all(home.path("home/buckets")).unwrap();
    fs::remove_dir_all(home.path("home/keys")).unwrap();
    again(&home);
}

/// The same with a key that was given.
#[test]
fn killed_with_a_given_key_it_is_made_whole() {
    let home = whole();
    let given = home.path("given.json");
    fs::rename(home.path("home/keys/files.json"), &given).unwrap();
    for parts in [&["buckets"][..], &[]] {
        forget_bucket(&home);
        for part in parts {
            fs::remove_dir_all(home.path("home").join(part)).unwrap();
        }
        export_and_verify(&home, &["--key", given.to_str().unwrap()]);
    }
    assert!(!home.path("home/keys/files.json").exists());
}

#[test]
fn two_processes_make_one_bucket() {
    let home = Home::with(&events(5));
    let start = |format| home.command(&export_args("files", format, &[])).spawn().unwrap();
    for child in [start("json"), start("csv"), start("xml")] {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    home.run(&["verify", "--bucket", "files"]).ok();
}

/// A key is never written through a link, nor where others may look.
#[test]
fn keys_are_written_to_new_private_files_only() {
    let home = Home::with(&events(5));
    let outside = home.path("outside");
    fs::create_dir(home.path("home/keys")).unwrap();
    std::os::unix::fs::symlink(&outside, home.path("home/keys/files.json")).unwrap();
    home.export("json", &[]).error(&["keys/files.json"]);
    assert!(!outside.exists());
    assert!(!home.path("home/buckets/files").exists(), "no bucket without its key");
    fs::remove_file(home.path("home/keys/files.json")).unwrap();

    home.export("json", &[]).ok();
    let mode = |file: &str| fs::metadata(home.path(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("home/keys"), mode("home/keys/files.json")), (0o700, 0o600));

    fs::remove_dir_all(home.path("home/keys")).unwrap();
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, home.path("home/keys")).unwrap();
    home.run(&export_args("second", "json", &[])).error(&["keys", "link"]);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}
