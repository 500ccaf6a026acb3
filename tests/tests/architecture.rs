//! The arrows between the parts, asserted over the sources.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The workspace's root.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The sources of a part of `shared`, without comments: a doc may name what the code must not use.
fn part(name: &str) -> Vec<(PathBuf, String)> {
    let src = root().join("shared/src");
    let mut files = if src.join(name).is_dir() { sources(&src.join(name)) } else { Vec::new() };
    let single = src.join(format!("{name}.rs"));
    files.extend(single.exists().then_some(single));
    assert!(!files.is_empty(), "shared/src/{name} is gone; mend this test");
    files.into_iter().map(|file| (file.clone(), code(&fs::read_to_string(file).unwrap()))).collect()
}

fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Whether code uses a part of the crate, by path or in a group of imports.
fn uses(code: &str, part: &str) -> bool {
    let path = code.contains(&format!("crate::{part}::")) || code.contains(&format!("crate::{part};"));
    let groups = code.match_indices("use crate::{").any(|(at, _)| {
        let group = &code[at..];
        let group = &group[..group.find(";\n").unwrap_or(group.len())];
        let names_it = |before: char| {
            group.contains(&format!("{before}{part}::")) || group.contains(&format!("{before}{part},"))
        };
        names_it(' ') || names_it('{')
    });
    path || groups
}

#[test]
fn the_parts_of_shared_know_only_what_they_may() {
    let forbidden: [(&str, &[&str]); 8] = [
        ("domain", &["encode", "mails", "ports", "adapters", "steps", "http", "tokens", "service"]),
        ("mails", &["encode", "ports", "adapters", "steps", "http", "tokens", "service"]),
        ("encode", &["ports", "adapters", "steps", "http", "tokens", "service"]),
        ("ports", &["adapters", "steps", "http", "tokens", "service"]),
        ("http", &["encode", "ports", "adapters", "steps", "tokens", "service"]),
        ("tokens", &["encode", "adapters", "steps", "http", "service"]),
        ("adapters", &["steps", "tokens", "service"]),
        ("steps", &["adapters", "http", "tokens", "service"]),
    ];
    for (name, others) in forbidden {
        for (file, code) in part(name) {
            for other in others {
                assert!(!uses(&code, other), "{} is of `{name}` and must not use `{other}`", file.display());
            }
        }
    }
}

#[test]
fn the_search_for_uses_finds_them() {
    assert!(uses("use crate::steps::Parts;", "steps"));
    assert!(uses("use crate::{\n    domain::{A, B},\n    steps::Parts,\n};\n", "steps"));
    assert!(uses("use crate::{steps::Parts, domain::A};\n", "steps"));
    assert!(!uses("use crate::{domain::steps_of};\nlet steps = 1;", "steps"));
}

#[test]
fn the_domain_is_pure() {
    for (file, code) in part("domain").into_iter().chain(part("mails")) {
        for impure in
            ["async ", "tokio", "std::fs", "std::io", "std::net", "std::time", "::now(", "reqwest", "rand::"]
        {
            assert!(!code.contains(impure), "{} has `{impure}`", file.display());
        }
    }
}

#[test]
fn status_codes_are_for_the_runner_and_handlers() {
    for name in ["domain", "encode", "ports", "tokens", "adapters", "steps"] {
        for (file, code) in part(name) {
            assert!(!code.contains("StatusCode"), "{} has a status code", file.display());
        }
    }
}

#[test]
fn the_runner_leaves_the_building_of_adapters_to_its_wiring() {
    for (file, code) in part("service") {
        // The clock comes before everything that could be chosen.
        let code = code.replace("adapters::system_clock::SystemClock", "");
        let is_wiring = file.ends_with("service/cloud.rs") || file.ends_with("service/mail.rs");
        assert!(is_wiring || !uses(&code, "adapters"), "{} uses an adapter", file.display());
    }
}

#[test]
fn every_function_of_the_cloud_asks_for_a_token() {
    for name in ["chunk-encoder", "credential-validator", "export-scheduler", "failure-checker"] {
        let files = sources(&root().join("functions").join(name).join("src"));
        let code = files.iter().map(|file| code(&fs::read_to_string(file).unwrap())).collect::<String>();
        let is_guarded = code.contains("invokers.guard(") || code.contains("push::router(");
        assert!(is_guarded && code.contains("Invokers::new(&"), "{name} lets everybody in");
    }
}

#[test]
fn adapters_never_use_each_other() {
    let folder = root().join("shared/src/adapters");
    let declared = code(&fs::read_to_string(folder.join("mod.rs")).unwrap());
    let names: Vec<_> =
        declared.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert!(names.len() > 4, "{names:?}");
    for name in &names {
        let own =
            |path: &Path| path.starts_with(folder.join(name)) || path == folder.join(format!("{name}.rs"));
        for (file, code) in part("adapters").into_iter().filter(|(file, _)| own(file)) {
            for other in names.iter().filter(|other| *other != name) {
                let used = code.contains(&format!("adapters::{other}"));
                assert!(!used, "{} uses the adapter `{other}`", file.display());
            }
        }
    }
}

#[test]
fn only_the_wiring_builds_adapters() {
    for file in sources(&root().join("functions")) {
        let wiring = [
            "system.rs",
            "engine.rs",
            "local/src/vault.rs",
            "commands/connect.rs",
            "commands/ingest.rs",
            "simulate/wiring.rs",
            // A tool of its own.
            "examples/overlap.rs",
        ];
        let is_wiring = wiring.iter().any(|name| file.ends_with(name));
        let code = code(&fs::read_to_string(&file).unwrap());
        let is_test = file.to_string_lossy().contains("tests");
        assert!(is_wiring || is_test || !code.contains("adapters::"), "{} uses an adapter", file.display());
    }
}

#[test]
fn every_file_says_what_it_is_for_and_is_short() {
    for folder in ["shared", "functions", "tests"] {
        for file in sources(&root().join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.starts_with("//!"), "{} does not say what it is for", file.display());
            let lines = text.lines().count();
            assert!(lines < 500, "{} has {lines} lines", file.display());
            assert!(!file.ends_with("main.rs") || lines < 20, "{} is more than wiring", file.display());
        }
    }
}

#[test]
fn functions_do_not_depend_on_each_other() {
    let folder = root().join("functions");
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    for name in names.iter().filter(|name| *name != "local") {
        let manifest = fs::read_to_string(folder.join(name).join("Cargo.toml")).unwrap();
        for other in names.iter().filter(|other| *other != name) {
            let other = other.to_string_lossy();
            assert!(!manifest.contains(&format!("\n{other}.")), "{name:?} depends on {other}");
        }
    }
}
