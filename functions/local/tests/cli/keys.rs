//! Service account keys: the right one, wrong ones, and that none gets out.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::support::{Done, Home, events, export_args, tree};

fn export_with(home: &Home, bucket: &str, key: &str) -> Done {
    let file = home.path("given.json");
    fs::write(&file, key).unwrap();
    set_mode(&file, 0o600);
    let mut args = export_args(bucket, "json", &["--key", file.to_str().unwrap()]);
    args.retain(|arg| *arg != "--create-bucket");
    home.run(&args)
}

#[test]
fn wrong_keys_are_refused_with_a_sentence() {
    let home = Home::with(&events(5));
    home.export("json", &[]).ok();
    home.run(&export_args("other", "json", &[])).ok();
    let key =
        |bucket: &str| fs::read_to_string(home.path("home/keys").join(format!("{bucket}.json"))).unwrap();
    let right = key("files");
    export_with(&home, "files", &right).ok();
    let count = home.objects("files").len();

    export_with(&home, "files", "not JSON").error(&["given.json", "JSON"]);
    export_with(&home, "files", &right[..right.len() / 2]).error(&["given.json", "JSON"]);
    let external = r#"{"type":"external_account","audience":"x","credential_source":{"executable":{"command":"touch /tmp/x"}}}"#;
    export_with(&home, "files", external).error(&["given.json", "service_account"]);
    home.export("json", &["--key", "/nonexistent/key.json"]).error(&["/nonexistent/key.json"]);

    // PKCS#8 of RSA 2048 is 26 bytes around PKCS#1.
    let mut json: Value = serde_json::from_str(&right).unwrap();
    let pem = json["private_key"].as_str().unwrap().to_owned();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let inner = BASE64_STANDARD.encode(&BASE64_STANDARD.decode(body).unwrap()[26..]);
    json["private_key"] =
        format!("-----BEGIN RSA PRIVATE KEY-----\n{inner}\n-----END RSA PRIVATE KEY-----\n").into();
    let refused = export_with(&home, "files", &json.to_string()).error(&["given.json", "PKCS"]);
    assert!(!refused.err.contains(&inner[..40]) && !refused.out.contains(&inner[..40]));

    // The key of another bucket's account.
    let refused = export_with(&home, "files", &key("other")).error(&["given.json", "may not create"]);
    assert!(!refused.out.contains("BEGIN"));
    assert_eq!(home.objects("files").len(), count, "nothing was written under wrong keys");
    // A wrong key does not take the place of the one that works.
    home.export("csv", &[]).ok();
    // Given again, rightly, it goes on.
    export_with(&home, "files", &right).ok();
    home.run(&["verify", "--bucket", "files"]).ok();
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// As ssh does it.
#[test]
fn key_files_and_homes_open_to_others_are_refused() {
    let home = Home::with(&events(5));
    home.export("json", &[]).ok();
    let key = home.path("given.json");
    fs::copy(home.path("home/keys/files.json"), &key).unwrap();
    for mode in [0o644, 0o640, 0o602] {
        set_mode(&key, mode);
        home.export("csv", &["--key", key.to_str().unwrap()]).error(&["given.json", "chmod 600"]);
    }
    set_mode(&key, 0o400);
    home.export("csv", &["--key", key.to_str().unwrap()]).ok();

    set_mode(&home.path("home"), 0o755);
    for args in [&["resume"][..], &["verify", "--bucket", "files"], &["ingest", "--account", "1", "-"]] {
        home.run(args).error(&["0755", "chmod 700"]);
    }
    set_mode(&home.path("home"), 0o700);
    home.run(&["verify", "--bucket", "files"]).ok();
}

/// In an empty folder there is nothing that others can have read.
#[test]
fn an_empty_home_is_closed() {
    let home = Home::new();
    fs::create_dir(home.path("home")).unwrap();
    set_mode(&home.path("home"), 0o755);
    let done = home.feed(&["ingest", "--account", "1", "-"], &events(5)).ok();
    assert!(done.err.contains("closed"), "{}", done.err);
    assert_eq!(fs::metadata(home.path("home")).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn what_is_far_too_large_is_no_key() {
    let home = Home::with(&events(5));
    export_with(&home, "files", &" ".repeat(70_000)).error(&["given.json", "65536 bytes"]);
    let binary = home.path("binary.p12");
    fs::write(&binary, [0x30, 0x82, 0xff, 0xfe]).unwrap();
    set_mode(&binary, 0o600);
    home.export("csv", &["--key", binary.to_str().unwrap()]).error(&["binary.p12", "give the JSON key"]);
    home.run(&export_args("fresh", "csv", &["--key", home.path("home/vault.key").to_str().unwrap()]))
        .error(&["vault.key", "JSON"]);
    let pipe = "--key=/dev/zero";
    home.export("csv", &[pipe]).error(&["/dev/zero"]);
}

/// Searches everything that a process says or stores for the lines of the private key.
#[test]
fn no_key_gets_out() {
    let home = Home::with(&events(5));
    let done = home.run_logged(&export_args("files", "json", &[])).ok();
    let verified = home.run_logged(&["verify", "--bucket", "files", "--json"]).ok();
    let key: Value = serde_json::from_slice(&fs::read(home.path("home/keys/files.json")).unwrap()).unwrap();
    let pem = key["private_key"].as_str().unwrap();
    let lines: Vec<_> = pem.lines().filter(|line| line.len() > 30 && !line.starts_with('-')).collect();
    assert!(lines.len() > 10);
    let vault = fs::read_to_string(home.path("home/vault.key")).unwrap();
    let vault = vault.trim().rsplit(':').next().unwrap().to_owned();
    assert!(done.err.len() > 1_000, "trace logs something");
    let mut places = vec![
        ("output", done.out.into_bytes()),
        ("log", done.err.into_bytes()),
        ("verify", verified.out.into_bytes()),
        ("verify's log", verified.err.into_bytes()),
    ];
    let stored = tree(&home.path("home"));
    for (name, bytes) in &stored {
        if name != "keys/files.json" && name != "vault.key" {
            places.push((name, bytes.clone()));
        }
    }
    for (place, bytes) in places {
        let contains = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        for line in &lines {
            assert!(!contains(&line[..30]), "a line of the private key is in {place}");
        }
        assert!(!contains(&vault), "the vault's key is in {place}");
    }
    for file in ["home/keys/files.json", "home/vault.key", "home/state.sqlite"] {
        let mode = fs::metadata(home.path(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file}");
    }
}

/// A nickname that another bucket has: exports into that one must not come to mean this one.
#[test]
fn a_taken_nickname_is_not_moved_to_another_bucket() {
    let home = Home::with(&events(5));
    home.export("json", &[]).ok();
    let store = rusqlite::Connection::open(home.path("home/state.sqlite")).unwrap();
    let bucket = || -> String { store.query_row("SELECT doc FROM buckets", [], |row| row.get(0)).unwrap() };
    let sql = "UPDATE buckets SET id = 'acme-data', doc = json_set(doc, '$.id', 'acme-data')";
    assert_eq!(store.execute(sql, []).unwrap(), 1);
    let before = bucket();
    home.run(&export_args("acme-data", "json", &[])).error(&["`acme-data`", "`files`", "another nickname"]);
    assert_eq!(bucket(), before);
    assert!(!home.path("home/buckets/acme-data").exists(), "no bucket without its nickname");
}

/// A key that is made anew would open nothing: better to be told than to find every bucket shut.
#[test]
fn a_lost_vault_key_is_not_made_anew_in_silence() {
    let home = Home::with(&events(5));
    home.export("json", &[]).ok();
    let vault = home.path("home/vault.key");
    let kept = fs::read(&vault).unwrap();
    fs::remove_file(&vault).unwrap();
    for args in [export_args("files", "csv", &[]), vec!["resume"], vec!["verify", "--bucket", "files"]] {
        home.run(&args).error(&["vault.key", "backup", "1 bucket", "`files`", "spillway new-vault-key"]);
        assert!(!vault.exists(), "{args:?}");
    }
    // Brought back, it opens what it sealed.
    fs::write(&vault, &kept).unwrap();
    set_mode(&vault, 0o600);
    home.export("csv", &[]).ok();
    home.run(&["new-vault-key"]).error(&["vault.key", "move it away"]);
    // Lost for good: the bucket's own key is given again.
    fs::remove_file(&vault).unwrap();
    let told = home.run(&["new-vault-key"]).ok().out;
    assert!(told.contains("`files`") && told.contains("keys/files.json"), "{told}");
    assert_ne!(fs::read(&vault).unwrap(), kept);
    home.export("xml", &[]).fails(&[
        "error: the sealed key",
        "`files`",
        "give the key again",
        "spillway resume",
    ]);
    let key = home.path("home/keys/files.json");
    home.export("xml", &["--key", key.to_str().unwrap()]).ok();
}

/// A home without buckets has nothing to lose.
#[test]
fn a_vault_key_under_which_nothing_is_sealed_is_made_again() {
    let home = Home::with(&events(5));
    fs::remove_file(home.path("home/vault.key")).unwrap();
    home.export("json", &[]).ok();
}

/// The key of a local bucket lies in the home for the account that made it, as a customer's lies with the customer.
#[test]
fn another_account_needs_the_key_of_a_local_bucket() {
    let home = Home::with(&events(5));
    home.feed(&["ingest", "--account", "2", "-"], &events(3)).ok();
    home.export("json", &[]).ok();
    let mut other = export_args("files", "json", &[]);
    other[2] = "2";
    let before = home.objects("files");
    home.run(&other).error(&["account 1's", "keys/files.json", "another bucket"]);
    other.retain(|arg| *arg != "--create-bucket");
    home.run(&other).error(&["account 1's", "--key"]);
    assert_eq!(home.objects("files"), before, "nothing was written");
    let key = home.path("home/keys/files.json");
    home.run(&[&other[..], &["--key", key.to_str().unwrap()]].concat()).ok();
    // Once connected, it is its own.
    home.run(&other).ok();
}
