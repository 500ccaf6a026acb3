//! `spillway verify` and `spillway retry-run` over what somebody broke.

use std::fs;

use super::support::{Home, events, export_args, tree};

#[test]
fn each_difference_is_named() {
    let home = Home::with(&events(40));
    let run = home.export("json", &["--json"]).ok().json();
    let run_name = run["run"].as_str().unwrap().to_owned();
    let verified = home.run(&["verify", "--bucket", "files"]).ok();
    assert!(verified.out.contains("40 rows") && verified.out.contains("ok"), "{}", verified.out);
    let names: Vec<_> =
        run["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    let at = |name: &str| home.bucket("files").join(name);
    // A flipped byte, a truncated file, a missing one, a foreign one.
    let mut bytes = fs::read(at(names[0])).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(at(names[0]), bytes).unwrap();
    let bytes = fs::read(at(names[1])).unwrap();
    fs::write(at(names[1]), &bytes[..bytes.len() - 5]).unwrap();
    fs::remove_file(at(names[2])).unwrap();
    let foreign = format!("{run_name}-Stranger-20250601-0-0.json.gz");
    fs::write(at(&foreign), b"strange").unwrap();
    for more in [&[][..], &["--run", &run_name]] {
        let mut args = vec!["verify", "--bucket", "files", "--json"];
        args.extend(more);
        let report = home.run(&args).fails(&[]).json();
        let found = report[0]["differences"].as_array().unwrap();
        let told = |name: &str, kind: &str| {
            found.iter().any(|one| {
                one["name"] == name
                    && one["difference"] == kind
                    && one["message"].as_str().unwrap().contains(name)
            })
        };
        assert!(told(names[0], "checksum"), "{report}");
        assert!(told(names[1], "bytes") && told(names[1], "checksum"), "{report}");
        assert!(told(names[2], "missing") && told(&foreign, "notListed"), "{report}");
        assert!(!found.iter().any(|one| names[3..].contains(&one["name"].as_str().unwrap())), "{report}");
    }
    home.run(&["verify", "--bucket", "files"]).fails(&[
        names[0],
        names[1],
        names[2],
        &foreign,
        "NOT as it should be",
    ]);
}

#[test]
fn verify_wants_a_run_that_is_there() {
    let home = Home::with(&events(4));
    home.run(&["verify", "--bucket", "files"]).error(&["files", "export into it first"]);
    home.export("xml", &[]).ok();
    home.run(&["verify", "--bucket", "files", "--run", "1-1"]).error(&["1-1.manifest"]);
    home.run(&["verify", "--bucket", "files", "--run", "abc"]).fails(&["abc"]);
    let manifest = home.objects("files").into_keys().find(|name| name.ends_with(".manifest")).unwrap();
    fs::write(home.bucket("files").join(&manifest), b"{").unwrap();
    home.export("csv", &[]).ok();
    let done = home.run(&["verify", "--bucket", "files"]).fails(&[&manifest, "not a manifest"]);
    assert!(done.out.contains("4 rows") && done.out.contains(", ok"), "the others are read: {}", done.out);
}

/// What is left of a run whose manifest was deleted is verified by our records, and the manifest is missed.
#[test]
fn a_manifest_that_was_deleted_is_missed() {
    let home = Home::with(&events(4));
    home.export("json", &[]).ok();
    let manifest = home.objects("files").into_keys().find(|name| name.ends_with(".manifest")).unwrap();
    home.export("csv", &[]).ok();
    fs::remove_file(home.bucket("files").join(&manifest)).unwrap();
    let done = home.run(&["verify", "--bucket", "files"]).fails(&[&manifest, "not in the bucket"]);
    assert!(done.out.contains(", ok") && done.out.matches("4 rows").count() == 2, "{}", done.out);
}

/// A lake file without its list of keys is scanned, and scanned again once it was mended.
#[test]
fn a_mended_file_is_scanned_again() {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
    use parquet::arrow::ArrowWriter;

    let home = Home::with(&events(1));
    let lake = home.path("home/lake");
    let first = tree(&lake).into_keys().find(|name| name.contains("event=")).unwrap();
    let (captured, _) = first.split_once("/db=").unwrap();
    let file = lake.join(format!("{captured}/db=0/event=Foreign/date=2025-06-01/part.parquet"));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let write = |texts: [&str; 2]| {
        let ts = TimestampMicrosecondArray::from(vec![1_748_800_000_000_000; 2]).with_timezone("UTC");
        let columns: [(&str, ArrayRef); 2] =
            [("ts", Arc::new(ts)), ("event_props", Arc::new(StringArray::from(texts.to_vec())))];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut writer =
            ArrowWriter::try_new(fs::File::create(&file).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    };
    write([r#"{"a":1}"#, "{bad"]);
    home.export("csv", &[]).fails(&["INCOMPLETE", "part.parquet"]);
    write([r#"{"a":1}"#, r#"{"b":2}"#]);
    home.export("csv", &[]).ok();
}

/// A run without a manifest is verified by our records.
#[test]
fn a_run_whose_manifest_is_switched_off_is_read_back() {
    let home = Home::with(&events(40));
    let run = home.export("json", &["--no-manifest", "--json"]).ok().json();
    let done = home.run(&["verify", "--bucket", "files"]).ok();
    assert!(done.out.contains("40 rows") && done.out.contains("ok"), "{}", done.out);
    let name = run["files"][0]["name"].as_str().unwrap();
    fs::remove_file(home.bucket("files").join(name)).unwrap();
    home.run(&["verify", "--bucket", "files"]).fails(&[name, "not in the bucket"]);
}

#[test]
fn a_broken_lake_file_makes_a_run_incomplete_until_it_is_mended() {
    let home = Home::with(&events(400));
    let lake = home.path("home/lake");
    let (broken, bytes) = tree(&lake).into_iter().find(|(name, _)| name.contains("event=Viewed")).unwrap();
    fs::write(lake.join(&broken), b"garbage").unwrap();
    let done = home.export("json", &["--json"]).fails(&["INCOMPLETE", &broken]);
    let run = done.json();
    let run_name = run["run"].as_str().unwrap();
    assert!(!home.bucket("files").join(format!("{run_name}.manifest")).exists());
    let delivered = home.ids("files").len();
    assert!((300..400).contains(&delivered), "the other chunks go on: {delivered}");
    let done = home.run(&["verify", "--bucket", "files"]);
    let retry = format!("`spillway retry-run --account 1 {run_name}`");
    done.fails(&["INCOMPLETE", &retry, &format!("{delivered} rows")]);
    home.run(&["verify", "--bucket", "files", "--run", run_name]).fails(&["INCOMPLETE", &retry]);
    // Still broken: INCOMPLETE again.
    home.run(&["retry-run", "--account", "1", run_name]).fails(&["INCOMPLETE", &broken]);
    fs::write(lake.join(&broken), bytes).unwrap();
    let retried = home.run(&["retry-run", "--account", "1", run_name]).ok();
    assert!(retried.out.contains("DONE"), "{}", retried.out);
    home.run(&["verify", "--bucket", "files"]).ok();
    assert_eq!(home.ids("files"), (0..400).collect::<Vec<_>>());
    home.run(&["retry-run", "--account", "1", run_name]).error(&[run_name]);
    home.run(&["retry-run", "--account", "1", "5-5"]).error(&["5-5"]);
}

/// A run over another home's lake is retried there, whether or not its lake is named again.
#[test]
fn a_run_of_another_lake_is_retried_there() {
    let source = Home::with(&events(40));
    let lake = source.path("home/lake");
    let (broken, bytes) = tree(&lake).into_iter().find(|(name, _)| name.contains("event=Viewed")).unwrap();
    fs::write(lake.join(&broken), b"garbage").unwrap();
    let home = Home::new();
    let named = ["--lake", lake.to_str().unwrap(), "--json"];
    let run = home.export("json", &named).fails(&["INCOMPLETE"]).json();
    let run_name = run["run"].as_str().unwrap();
    fs::write(lake.join(&broken), bytes).unwrap();
    let other = ["retry-run", "--account", "1", run_name, "--lake", "/"];
    home.run(&other).error(&["reads another lake than /", "leave --lake out"]);
    let emulator = ["retry-run", "--account", "1", run_name, "--gcs-endpoint", "http://localhost:1"];
    home.run(&emulator).error(&["the built-in emulator", "leave --gcs-endpoint out"]);
    let retried = home.run(&["retry-run", "--account", "1", run_name]).ok();
    assert!(retried.out.contains("DONE"), "{}", retried.out);
    assert_eq!(home.ids("files"), (0..40).collect::<Vec<_>>());
}

/// An INCOMPLETE run into a bucket that another export has found blocked meanwhile: its account has lost its permission.
#[test]
fn a_retry_into_a_blocked_bucket_tries_it() {
    let home = Home::with(&events(40));
    let lake = home.path("home/lake");
    let (broken, bytes) = tree(&lake).into_iter().find(|(name, _)| name.contains("event=Viewed")).unwrap();
    fs::write(lake.join(&broken), b"garbage").unwrap();
    let incomplete = || home.export("json", &["--json"]).fails(&["INCOMPLETE"]).json();
    let runs = [incomplete(), incomplete()].map(|run| run["run"].as_str().unwrap().to_owned());
    fs::write(lake.join(&broken), bytes).unwrap();

    let settings = home.path("home/buckets/.gcs/buckets/files.json");
    let granted = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, granted.replace("files@", "somebody-else@")).unwrap();
    home.export("csv", &[]).fails(&["STOPPED", "permission"]);
    // Still so: it says why.
    let retried = home.run(&["retry-run", "--account", "1", &runs[0]]).fails(&["BLOCKED", "permission"]);
    assert!(retried.out.contains("go on with `spillway resume`"), "{}", retried.out);
    // Mended, though the bucket is still taken for blocked.
    fs::write(&settings, granted).unwrap();
    let retried = home.run(&["retry-run", "--account", "1", &runs[1]]).ok();
    assert!(retried.out.contains("DONE"), "{}", retried.out);
    home.run(&["resume"]).ok();
    home.run(&["verify", "--bucket", "files"]).ok();
}

/// Whether there are rows or none, whether the bucket's folder or its all is gone: nothing was delivered, so the export is
/// over, says why, and is given again.
#[test]
fn an_export_into_a_removed_bucket_is_stopped() {
    let home = Home::with(&events(40));
    home.export("json", &[]).ok();
    let mut args = export_args("files", "csv", &[]);
    args.retain(|arg| *arg != "--create-bucket");
    let empty =
        |args: &[&'static str]| args.iter().map(|arg| arg.replace("2025-06", "2024-06")).collect::<Vec<_>>();
    let empty = empty(&args);
    let empty: Vec<&str> = empty.iter().map(String::as_str).collect();
    for part in ["home/buckets/files", "home/buckets/.gcs/buckets/files.json"] {
        let part = home.path(part);
        if part.is_dir() {
            fs::remove_dir_all(&part).unwrap()
        } else {
            fs::remove_file(&part).unwrap()
        }
        for args in [&args, &empty] {
            let done = home.run(args).fails(&["STOPPED", "no bucket of exactly this name"]);
            assert!(!done.out.contains("BLOCKED") && !done.out.contains("EMPTY"), "{done:?}");
        }
    }
    assert_eq!(home.run(&["resume"]).ok().out, "Nothing is unfinished.\n");
}
