//! The functions with their environments, as Terraform sets them in the cloud.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use serde_json::json;
use spillway_tests::fakes::{FakeKms, Issuer, Metadata, Right};

use crate::{clock::WorldClock, process::Process};

/// Who pushes messages.
pub(crate) const PUSHER: &str = "push@spillway.iam.gserviceaccount.com";
/// Who makes the calls of Cloud Scheduler.
pub(crate) const TIMER: &str = "timer@spillway.iam.gserviceaccount.com";
/// Whose tokens people log in with.
pub(crate) const LOGIN: &str = "https://login.example.com";

/// Where everything else is.
pub(crate) struct Places<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) project: &'a str,
    pub(crate) firestore: String,
    pub(crate) pubsub: String,
    pub(crate) lake: &'a Path,
    pub(crate) google: &'a str,
    pub(crate) kms: &'a FakeKms,
    pub(crate) invoker: &'a Issuer,
    pub(crate) login: &'a Issuer,
}

/// An instance, its program, and what its service account may do with the key.
const INSTANCES: [(&str, &str, &[Right]); 7] = [
    ("dashboard", "dashboard", &[Right::Encrypt]),
    ("validator", "credential-validator", &[Right::Decrypt]),
    ("scheduler-1", "export-scheduler", &[]),
    ("scheduler-2", "export-scheduler", &[]),
    ("encoder-1", "chunk-encoder", &[Right::Decrypt]),
    ("encoder-2", "chunk-encoder", &[Right::Decrypt]),
    ("checker", "failure-checker", &[Right::Decrypt]),
];

/// All of them, by instance. None runs yet.
pub(crate) async fn all(places: &Places<'_>, clock: &WorldClock) -> BTreeMap<&'static str, Process> {
    let mut all = BTreeMap::new();
    for (name, binary, rights) in INSTANCES {
        let mut process = Process::new(places.folder, clock, name, binary);
        let email = account_of(binary);
        let machine =
            Metadata::start(places.project, &email, places.invoker.clone(), Arc::new(clock.clone())).await;
        for right in rights {
            places.kms.grant(&email, *right);
        }
        let common = [
            ("SPILLWAY_PROJECT_ID", places.project.to_owned()),
            ("SPILLWAY_LAKE_URL", places.lake.to_str().unwrap().to_owned()),
            ("SPILLWAY_KMS_KEY", places.kms.key_name.clone()),
            ("SPILLWAY_KMS_ENDPOINT", places.kms.endpoint()),
            ("SPILLWAY_GCS_ENDPOINT", places.google.to_owned()),
            ("FIRESTORE_EMULATOR_HOST", places.firestore.clone()),
            ("PUBSUB_EMULATOR_HOST", places.pubsub.clone()),
            ("GCE_METADATA_HOST", machine.host()),
        ];
        for (name, value) in common {
            process.env(name, value);
        }
        all.insert(name, process);
    }
    for (name, process) in &mut all {
        let callers = match *name {
            "dashboard" => continue,
            "validator" => account_of("dashboard"),
            "checker" => TIMER.to_owned(),
            "scheduler-1" | "scheduler-2" => format!("{PUSHER},{TIMER}"),
            _ => PUSHER.to_owned(),
        };
        process.env("SPILLWAY_INVOKER_AUDIENCE", process.origin());
        process.env("SPILLWAY_INVOKER_EMAILS", callers);
        process.env("SPILLWAY_INVOKER_ISSUER", &places.invoker.name);
        process.env("SPILLWAY_INVOKER_JWKS_URL", places.invoker.jwks_url.as_str());
    }
    let validator = all["validator"].origin();
    let dashboard = all.get_mut("dashboard").unwrap();
    dashboard.env("SPILLWAY_PUBLIC_URL", dashboard.origin());
    dashboard.env("SPILLWAY_VALIDATOR_URL", validator);
    let identity = json!({
        "kind": "oidc", "issuer": LOGIN, "audience": "spillway", "jwks_url": places.login.jwks_url,
    });
    dashboard.env("SPILLWAY_IDENTITY", identity.to_string());
    let limits = json!({ "reads_per_minute": 100_000, "writes_per_minute": 100_000 });
    dashboard.env("SPILLWAY_LIMITS", limits.to_string());
    all
}

fn account_of(binary: &str) -> String {
    format!("{binary}@spillway.iam.gserviceaccount.com")
}
