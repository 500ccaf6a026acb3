//! What each service wants to be told by its environment.

use std::collections::{BTreeMap, BTreeSet};

use spillway::service::{
    BaseSettings, Service,
    config::{Environment, Settings},
};

const KEY: &str = "projects/p-1/locations/eu/keyRings/r/cryptoKeys/k";
const IDENTITY: &str =
    r#"{"kind":"oidc","issuer":"i","audience":"a","jwks_url":"https://i.example.com/keys"}"#;

/// What reads the whole environment of a service.
type Read = fn(&mut Environment) -> bool;

fn read<S: Service>(env: &mut Environment) -> bool {
    BaseSettings::read(env).is_some() & S::Settings::read(env).is_some()
}

fn services() -> Vec<(&'static str, Read)> {
    vec![
        ("dashboard", read::<dashboard::service::Dashboard>),
        ("credential-validator", read::<credential_validator::CredentialValidator>),
        ("export-scheduler", read::<export_scheduler::ExportScheduler>),
        ("chunk-encoder", read::<chunk_encoder::ChunkEncoder>),
        ("failure-checker", read::<failure_checker::FailureChecker>),
    ]
}

fn env(variables: &BTreeMap<&str, &str>) -> Environment {
    Environment::new(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())))
}

fn problems(read: Read, variables: &BTreeMap<&str, &str>) -> String {
    let mut env = env(variables);
    let is_read = read(&mut env);
    env.checked(is_read.then_some(())).err().map(|problems| problems.to_string()).unwrap_or_default()
}

/// What a service has to be told.
fn least(service: &str) -> BTreeMap<&'static str, &'static str> {
    let mut least = BTreeMap::from([
        ("SPILLWAY_PROJECT_ID", "p-1"),
        ("SPILLWAY_LAKE_URL", "gs://lake/events"),
        ("SPILLWAY_KMS_KEY", KEY),
    ]);
    if service == "dashboard" {
        least.extend([
            ("SPILLWAY_PUBLIC_URL", "https://exports.example.com"),
            ("SPILLWAY_IDENTITY", IDENTITY),
            ("SPILLWAY_VALIDATOR_URL", "https://validator.example.com"),
        ]);
    } else {
        least.extend([
            ("SPILLWAY_INVOKER_AUDIENCE", "https://function.example.com"),
            ("SPILLWAY_INVOKER_EMAILS", "a@p-1.iam.gserviceaccount.com, b@p-1.iam.gserviceaccount.com"),
        ]);
    }
    least
}

/// What a service may be told beside that.
fn others(service: &str) -> BTreeMap<&'static str, &'static str> {
    let mut others = BTreeMap::from([
        ("PORT", "9000"),
        ("SPILLWAY_LOG", "warn,spillway=debug"),
        ("SPILLWAY_FIRESTORE_DATABASE", "spillway"),
        ("SPILLWAY_CHUNKS_TOPIC", "my-chunks"),
        ("SPILLWAY_WAKEUPS_TOPIC", "my-wakeups"),
        ("SPILLWAY_OUTSTANDING_MESSAGES", "4"),
        ("FIRESTORE_EMULATOR_HOST", "127.0.0.1:8085"),
        ("PUBSUB_EMULATOR_HOST", "127.0.0.1:8086"),
        ("SPILLWAY_KMS_ENDPOINT", "http://127.0.0.1:8087"),
        ("SPILLWAY_GCS_ENDPOINT", "http://127.0.0.1:8088"),
        ("GCE_METADATA_HOST", "127.0.0.1:8089"),
    ]);
    match service {
        "dashboard" => others.extend([
            ("SPILLWAY_OUTGOING_IPS", "203.0.113.7,203.0.113.8"),
            ("SPILLWAY_OPERATOR_CONTACT", "exports@platform.example"),
            ("SPILLWAY_FRAME_ANCESTORS", "https://app.example.com"),
            ("SPILLWAY_LIMITS", r#"{"streams":5}"#),
        ]),
        _ => others.extend([
            ("SPILLWAY_INVOKER_ISSUER", "https://issuer.example.com"),
            ("SPILLWAY_INVOKER_JWKS_URL", "https://issuer.example.com/keys"),
        ]),
    }
    if service == "chunk-encoder" {
        others.extend([("SPILLWAY_ENCODER_CONCURRENCY", "1"), ("SPILLWAY_ENCODER_GZIP_LEVEL", "compact")]);
    }
    if service == "failure-checker" {
        others.extend([
            ("SPILLWAY_MAIL_SERVER", "smtp.example.com"),
            ("SPILLWAY_MAIL_PORT", "465"),
            ("SPILLWAY_MAIL_SECURITY", "tls"),
            ("SPILLWAY_MAIL_USER", "exports"),
            ("SPILLWAY_MAIL_PASSWORD", "opensesame"),
            ("SPILLWAY_MAIL_FROM", "exports@platform.example"),
            ("SPILLWAY_MAIL_NAME", "Exports of Platform"),
            ("SPILLWAY_MAIL_BOUNCES", "bounces@platform.example"),
            ("SPILLWAY_PUBLIC_URL", "https://exports.example.com"),
        ]);
    }
    others
}

#[test]
fn a_service_starts_with_the_least_or_with_everything() {
    for (service, read) in services() {
        let mut all = least(service);
        assert_eq!(problems(read, &all), "", "{service}");
        all.extend(others(service));
        assert_eq!(problems(read, &all), "", "{service}");
        let mut env = env(&all);
        read(&mut env);
        let known: BTreeSet<_> = env.names().collect();
        assert_eq!(known, all.keys().copied().collect(), "{service}");
        for (name, value) in all {
            let shown = if name == "SPILLWAY_MAIL_PASSWORD" { "(hidden)" } else { value };
            assert!(env.effective().contains(&format!("{name}={shown}\n")), "{service}: {name}");
            assert!(env.help().contains(&format!("  {name}")), "{service}: {name}");
        }
    }
}

#[test]
fn what_is_missing_is_named_all_at_once() {
    for (service, read) in services() {
        let told = problems(read, &BTreeMap::new());
        for name in least(service).keys() {
            assert!(told.contains(&format!("  {name}: it is not set. ")), "{service}: {name}: {told}");
        }
        assert_eq!(told.lines().count(), least(service).len(), "{service}: {told}");
    }
}

#[test]
fn what_is_wrong_is_named_with_what_to_give() {
    let wrong = [
        ("PORT", "http", "give a whole number from 0 to 65535"),
        ("SPILLWAY_LOG", "info=x=y", "give a level, like info"),
        ("SPILLWAY_LOG", "inof", "`inof` is no level"),
        ("SPILLWAY_LOG", "info,loud", "`loud` is no level"),
        ("SPILLWAY_PROJECT_ID", "My Project", "give the project's id"),
        ("SPILLWAY_LAKE_URL", "s3://lake", "give gs://bucket/prefix, or a folder"),
        ("SPILLWAY_LAKE_URL", "gs://", "give gs://bucket/prefix"),
        ("SPILLWAY_KMS_KEY", "projects/p/cryptoKeys/k", "give projects/…/locations/…"),
        ("SPILLWAY_KMS_KEY", "projects/p/locations/l/keyRings//cryptoKeys/k", "give projects/…"),
        ("SPILLWAY_CHUNKS_TOPIC", "x", "give a topic's id"),
        ("SPILLWAY_WAKEUPS_TOPIC", "projects/p/topics/t", "give a topic's id"),
        ("SPILLWAY_OUTSTANDING_MESSAGES", "0", "give a whole number from 1 to 1000"),
        ("FIRESTORE_EMULATOR_HOST", "http://127.0.0.1:1", "give host:port, without a scheme"),
        ("PUBSUB_EMULATOR_HOST", "localhost", "give host:port, without a scheme"),
        ("SPILLWAY_KMS_ENDPOINT", "kms", "give an address like https://"),
        ("SPILLWAY_GCS_ENDPOINT", "gs://x", "give an address like https://"),
        ("SPILLWAY_INVOKER_EMAILS", "nobody", "give addresses like name@project"),
        ("SPILLWAY_INVOKER_EMAILS", ",", "give at least one"),
        ("SPILLWAY_INVOKER_JWKS_URL", "keys", "give an address like https://"),
        ("SPILLWAY_ENCODER_CONCURRENCY", "17", "give a whole number from 1 to 16"),
        ("SPILLWAY_ENCODER_GZIP_LEVEL", "9", "give `fast` or `compact`"),
        ("SPILLWAY_PUBLIC_URL", "exports.example.com", "give an address like https://"),
        ("SPILLWAY_MAIL_SERVER", "smtp://example.com", "give the server's name alone"),
        ("SPILLWAY_MAIL_SERVER", "smtp.example.com", "mails need a sender"),
        ("SPILLWAY_MAIL_SECURITY", "ssl", "give starttls, tls or plain"),
        ("SPILLWAY_MAIL_FROM", "Exports <exports@example.com>", "give an e-mail address"),
        ("SPILLWAY_IDENTITY", "oidc", "give JSON as --help shows it"),
        ("SPILLWAY_IDENTITY", r#"{"kind":"oidc"}"#, "missing field `issuer`"),
        ("SPILLWAY_IDENTITY", r#"{"kind":"local","account":1}"#, "lets everybody in"),
        ("SPILLWAY_VALIDATOR_URL", "validator", "give an address like https://"),
        ("SPILLWAY_FRAME_ANCESTORS", "https://app.example.com/page", "which is no origin"),
        ("SPILLWAY_LIMITS", r#"{"streams":0}"#, "give at least 1"),
        ("SPILLWAY_LIMITS", r#"{"beams":5}"#, "unknown field `beams`"),
    ];
    for (name, value, told) in wrong {
        let mut seen = 0;
        for (service, read) in services() {
            let mut all = least(service);
            let is_known = all.contains_key(name) || others(service).contains_key(name);
            all.insert(name, value);
            let problems = problems(read, &all);
            if is_known {
                seen += 1;
                assert!(
                    problems.contains(&format!("  {name}: ")) || told.contains("sender"),
                    "{service}: {problems}"
                );
                assert!(problems.contains(told) && problems.lines().count() == 1, "{service}: {problems}");
            } else {
                assert!(problems.contains("no such variable is known"), "{service}: {problems}");
            }
        }
        assert!(seen > 0, "{name} is nobody's");
    }
}

#[test]
fn a_name_that_nobody_knows_is_refused() {
    for (service, read) in services() {
        let mut all = least(service);
        all.extend([("SPILLWAY_LAKE_URI", "x"), ("SPILLWAY_INVOKER_CHECK", "off"), ("K_SERVICE", service)]);
        let told = problems(read, &all);
        assert!(
            told.contains("SPILLWAY_LAKE_URI: no such variable is known; did you mean SPILLWAY_LAKE_URL?")
        );
        assert!(told.contains("SPILLWAY_INVOKER_CHECK: no such variable is known"));
        assert_eq!(told.lines().count(), 2, "{service}: {told}");
    }
}

/// Terraform gives each service what stands in that file, and nothing else.
#[test]
fn terraform_knows_the_same_names() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/environment.json");
    let told: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    for (service, read) in services() {
        let mut env = env(&least(service));
        read(&mut env);
        let known: BTreeSet<_> = env.names().collect();
        let of_service = |variable: &serde_json::Value| {
            variable["services"].as_array().unwrap().iter().any(|name| name == service)
        };
        let told: BTreeSet<_> =
            told.iter().filter(|(_, told)| of_service(told)).map(|(name, _)| name.as_str()).collect();
        assert_eq!(known, told, "{service}");
    }
}
