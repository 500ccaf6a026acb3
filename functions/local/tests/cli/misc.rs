//! Help, completions, pipes.

use super::support::{Home, events};

#[test]
fn help_of_each_subcommand_says_how() {
    let home = Home::new();
    let names = [
        "demo",
        "serve",
        "ingest",
        "export",
        "verify",
        "retry-run",
        "resume",
        "stop",
        "account",
        "new-vault-key",
        "simulate",
    ];
    for name in names {
        let help = home.run(&[name, "--help"]).ok().out;
        assert!(help.contains("Example") && help.contains(&format!(" {name}")), "{name}: {help}");
    }
    let whole = home.run(&["--help"]).ok().out;
    assert!(names.iter().all(|name| whole.contains(name)), "{whole}");
    assert!(home.run(&["--version"]).ok().out.starts_with("spillway "));
    home.run(&[]).fails(&["Usage"]);
}

#[test]
fn the_operator_switches_exports_off_and_on() {
    let home = Home::with(&events(2));
    for (switch, is_on) in [("off", false), ("on", true)] {
        home.run(&["account", "1", "--exports", switch]).ok();
        let settings = home.run(&["account", "1", "--json"]).ok().json();
        assert_eq!(settings["exports_enabled"], is_on);
    }
    assert!(home.run(&["account", "1"]).ok().out.contains("time zone"));
    home.run(&["account", "2"]).error(&["no account 2"]);
    home.run(&["account", "1", "--exports", "perhaps"]).fails(&["on or off"]);
}

#[test]
fn the_operator_says_how_far_back_customers_reach() {
    let home = Home::with(&events(2));
    let limit =
        |home: &Home| home.run(&["account", "1", "--json"]).ok().json()["one_time_limit_days"].clone();
    assert_eq!(limit(&home), 60);
    assert!(home.run(&["account", "1", "--max-days", "1"]).ok().out.contains("1 day\n"));
    assert_eq!(limit(&home), 1);
    home.run(&["account", "1", "--exports", "off", "--max-days", "none"]).ok();
    assert_eq!(limit(&home), serde_json::Value::Null);
    for wrong in ["0", "-1", "36501", "all"] {
        home.run(&["account", "1", &format!("--max-days={wrong}")]).fails(&["36500", "none"]);
    }
    home.run(&["account", "2", "--max-days", "none"]).error(&["no account 2"]);
}

/// A script reads one JSON document from standard output, whatever happens.
#[test]
fn errors_are_json_for_scripts() {
    let home = Home::with(&events(2));
    for (args, words) in [
        (vec!["account", "2", "--json"], "no account 2"),
        (vec!["--json", "verify", "--bucket", "nowhere"], "nowhere"),
        (vec!["ingest", "--json", "--account", "1", "/nonexistent.jsonl"], "/nonexistent.jsonl"),
        (vec!["--json", "export", "--account", "1"], "--bucket"),
        (vec!["nonsense", "--json"], "nonsense"),
        (vec!["account", "1", "--json", "--max-days", "0"], "36500"),
    ] {
        let done = home.run(&args).fails(&[]);
        let told = done.json();
        assert!(told["error"].as_str().unwrap().contains(words), "{args:?}: {told}");
        assert!(done.err.contains(words), "people read it too: {done:?}");
    }
    // Help that was asked for is no error, and stays text.
    assert!(home.run(&["export", "--json", "--help"]).ok().out.contains("Usage"));
    home.run(&["verify", "--bucket", "nowhere"]).error(&["nowhere"]);
}

#[test]
fn completions() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = home.run(&["completions", shell]).ok().out;
        assert!(script.contains("retry-run") && script.len() > 1_000, "{shell}");
    }
    assert!(!home.path("home").exists());
}

/// Whoever reads may leave: no panic, no word about it.
#[test]
fn a_closed_pipe_is_no_panic() {
    let home = Home::with(&events(50));
    home.export("csv", &[]).ok();
    for args in ["completions zsh", "verify --bucket files", "--help", "ingest --help"] {
        let mut command = home.command(&args.split(' ').collect::<Vec<_>>());
        command.stdout(nobody_reads());
        let output = command.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args}");
    }
}

/// With standard error gone, the count still says that lines were left out.
#[test]
fn standard_error_may_be_gone() {
    let home = Home::new();
    std::fs::write(home.path("a.jsonl"), "nonsense\n").unwrap();
    let file = home.path("a.jsonl");
    let mut command = home.command(&["ingest", "--account", "1", file.to_str().unwrap()]);
    command.stderr(nobody_reads());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 bad line was left out"), "{output:?}");
}

fn nobody_reads() -> std::io::PipeWriter {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer
}
