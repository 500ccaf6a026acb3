//! Help, completions, pipes.

use std::process::Command;

use super::support::{Home, events};

#[test]
fn help_of_each_subcommand_says_how() {
    let home = Home::new();
    let names = ["demo", "ingest", "export", "verify", "retry-run", "resume", "stop"];
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
        let script = format!("\"$0\" --home \"$1\" {args} 2>&1 >&3 3>&- | cat; exit 0");
        let script = format!("exec 3> >(exec true); sleep 0.2; {script}");
        let mut command = Command::new("bash");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_spillway")]).arg(home.path("home"));
        let output = command.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{args}");
    }
}
