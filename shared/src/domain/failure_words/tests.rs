//! The words: complete for every class, filled in, and safe whatever the names are.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

const KNOWN: Known<'_> =
    Known { bucket_name: Some("acme-lake"), client_email: Some("spillway@acme.iam.gserviceaccount.com") };

fn words(class: FailureClass) -> FailureWords {
    FailureWords::new(&class, KNOWN)
}

fn commands(words: &FailureWords) -> Vec<&str> {
    words.steps.iter().filter_map(|step| step.command.as_deref()).collect()
}

/// The table: class, title, who acts, and what its steps must name.
#[test]
fn each_class_has_its_title_and_its_remedy() {
    let lacks =
        |permission: &str| FailureClass::PermissionMissing { permission: Some(permission.to_owned()) };
    let grant = |role: &str| {
        format!(
            "gcloud storage buckets add-iam-policy-binding gs://acme-lake \
             --member=serviceAccount:spillway@acme.iam.gserviceaccount.com --role=roles/storage.{role}"
        )
    };
    let new_key = "gcloud iam service-accounts keys create spillway-key.json \
                   --iam-account=spillway@acme.iam.gserviceaccount.com"
        .to_owned();
    let bucket = |verb: &str, flags: &str| format!("gcloud storage buckets {verb} gs://acme-lake {flags}");
    let table: [(FailureClass, &str, Option<String>, &str); 21] = [
        (
            FailureClass::CredentialsRejected,
            "The credentials are incorrect or expired",
            Some(new_key.clone()),
            "Keys > Add key > Create new key > JSON > Create",
        ),
        (FailureClass::KeyUnusable, "The service account key cannot be used", Some(new_key), "Partners > Replace key"),
        (
            lacks("storage.objects.create"),
            "The permission storage.objects.create is missing",
            Some(grant("objectCreator")),
            "Cloud Storage > Storage Object Creator",
        ),
        (
            FailureClass::PermissionMissing { permission: None },
            "The service account lacks a permission",
            Some(grant("objectCreator")),
            "Permissions > Grant access",
        ),
        (
            lacks("storage.objects.get"),
            "The permission storage.objects.get is missing",
            Some(grant("objectViewer")),
            "Cloud Storage > Storage Object Viewer",
        ),
        (
            lacks("storage.objects.delete"),
            "The permission storage.objects.delete is missing",
            Some(grant("objectUser")),
            "Cloud Storage > Storage Object User",
        ),
        (
            lacks("storage.buckets.get"),
            "The permission storage.buckets.get is missing",
            Some(grant("admin")),
            "Cloud Storage > Storage Admin",
        ),
        (
            FailureClass::BucketMissing,
            "The bucket does not exist",
            Some(
                "gcloud storage buckets create gs://acme-lake --project=PROJECT --location=LOCATION \
                 --uniform-bucket-level-access"
                    .to_owned(),
            ),
            "Cloud Storage > Buckets",
        ),
        (
            FailureClass::RetentionPolicy,
            "A retention policy refuses a file (retentionPolicyNotMet)",
            Some(bucket("update", "--clear-retention-period")),
            "Retention policy (for compliance)",
        ),
        (
            FailureClass::Hold,
            "A hold protects an object",
            Some(
                "gcloud storage objects update gs://acme-lake/OBJECT --no-temporary-hold --no-event-based-hold"
                    .to_owned(),
            ),
            "Manage holds",
        ),
        (
            FailureClass::BillingDisabled,
            "Billing is off for the bucket's project",
            Some("gcloud billing projects link PROJECT --billing-account=BILLING_ACCOUNT".to_owned()),
            "Billing > My projects",
        ),
        (
            FailureClass::ApiDisabled,
            "The Cloud Storage API is switched off",
            Some("gcloud services enable storage.googleapis.com --project=PROJECT".to_owned()),
            "APIs & Services > Library",
        ),
        (
            FailureClass::RequesterPays,
            "The bucket wants the requester to pay",
            Some(bucket("update", "--no-requester-pays")),
            "Configuration > Requester Pays",
        ),
        (
            FailureClass::OrganisationPolicy,
            "A policy of your organisation keeps us out",
            Some(bucket("describe", "--format='default(ip_filter_config)'")),
            "Security > VPC Service Controls",
        ),
        (
            FailureClass::EncryptionKey,
            "The bucket's encryption key cannot be used",
            Some("gcloud storage service-agent --project=PROJECT --authorize-cmek=KEY".to_owned()),
            "Security > Key Management",
        ),
        (
            FailureClass::NameTaken,
            "An object of the same name is there already",
            Some("gcloud storage mv gs://acme-lake/OBJECT gs://acme-lake/moved/OBJECT".to_owned()),
            "Cloud Storage > Buckets",
        ),
        (FailureClass::StorageFull, "The disk under the local bucket is full", Some("df -h".to_owned()), ""),
        (
            FailureClass::StorageReadOnly,
            "The folder of the local bucket cannot be written",
            Some("findmnt --target FOLDER".to_owned()),
            "",
        ),
        (FailureClass::Throttled, "Google asks us to slow down", None, ""),
        (FailureClass::Unavailable, "Google Cloud Storage does not answer", None, ""),
        (FailureClass::Ours, "The fault is ours", None, ""),
    ];
    let slugs: std::collections::BTreeSet<_> = table.iter().map(|(class, ..)| class.slug()).collect();
    assert_eq!(slugs.len(), FailureClass::ALL.len(), "each class is in the table");
    for (class, title, command, menu) in table {
        let words = words(class.clone());
        assert_eq!(words.title, title);
        match command {
            Some(command) => assert!(commands(&words).contains(&command.as_str()), "{class:?}: {words:?}"),
            None => assert!(words.steps.is_empty(), "{class:?} needs nobody's hand"),
        }
        let menus =
            words.steps.iter().flat_map(|step| &step.pieces).filter(|piece| piece.kind == PieceKind::Menu);
        let menus: Vec<_> = menus.map(|piece| piece.text.as_str()).collect();
        assert!(menu.is_empty() || menus.iter().any(|text| text.contains(menu)), "{class:?}: {menus:?}");
    }
}

#[test]
fn every_class_says_what_happened_and_what_to_do() {
    for class in FailureClass::ALL {
        for words in [words(class.clone()), FailureWords::new(&class, Known::default())] {
            assert!(words.cause.ends_with('.') && words.resolution.ends_with('.'), "{words:?}");
            assert!(!words.title.ends_with('.') && !words.title.is_empty(), "{words:?}");
            assert!(!words.notes.is_empty(), "{class:?}: what people ask is answered");
            let has_to_act = class.side() == Side::Customer || class == FailureClass::NameTaken;
            assert_eq!(!words.steps.is_empty(), has_to_act, "{class:?}");
            for step in &words.steps {
                let plain = step.plain();
                assert!(plain.ends_with('.'), "{plain}");
                assert!(!plain.contains(['*', '{', '}']), "a template is left over: {plain}");
            }
        }
    }
}

#[test]
fn a_retention_policy_is_told_as_it_is() {
    let words = words(FailureClass::RetentionPolicy);
    let all: String = words.notes.iter().map(|note| note.answer).collect();
    assert!(all.contains("Not by our own files.") && all.contains("only way out"), "{all}");
    let steps: Vec<_> = words.steps.iter().map(HelpStep::plain).collect();
    assert_eq!(
        steps[1],
        "Go to the tab Protection, section Retention policy (for compliance). If Delete can be clicked, the policy is not \
         locked: delete it."
    );
    assert!(steps[2].contains("the policy is locked. Connect another bucket"), "{}", steps[2]);
}

#[test]
fn what_is_not_known_stands_in_capitals() {
    let words = FailureWords::new(&FailureClass::PermissionMissing { permission: None }, Known::default());
    assert_eq!(
        words.cause,
        "The service account may not create files in the bucket: it lacks the permission storage.objects.create."
    );
    assert_eq!(
        commands(&words)[0],
        "gcloud storage buckets add-iam-policy-binding gs://BUCKET --member=serviceAccount:EMAIL \
         --role=roles/storage.objectCreator"
    );
}

#[test]
fn hostile_names_stay_names() {
    let hostile = Known {
        bucket_name: Some("a'; rm -rf ~ #*{account}"),
        client_email: Some("$(id)\u{202e}\r\n--flag@x{bucket}*"),
    };
    for class in FailureClass::ALL {
        let words = FailureWords::new(&class, hostile);
        for text in words.steps.iter().map(HelpStep::plain).chain([words.cause.clone(), words.title.clone()])
        {
            assert!(!text.chars().any(char::is_control) && !text.contains('\u{202e}'), "{text:?}");
        }
        for command in commands(&words) {
            // Outside of quotes nothing is left that a shell would look at twice.
            let bare: String = command.replace(r"'\''", "").split('\'').step_by(2).collect();
            assert!(!bare.contains(['$', ';', '#', '~', '`', '(', '*', '|', '&', '\n']), "{command}");
        }
        let names =
            words.steps.iter().flat_map(|step| &step.pieces).filter(|piece| piece.kind == PieceKind::Name);
        for name in names {
            assert!(
                name.text == "a'; rm -rf ~ #*{account}" || name.text.starts_with("$(id)???--flag@x{bucket}*")
            );
        }
    }
}

#[test]
fn a_word_of_a_shell_is_quoted_where_it_has_to_be() {
    for (text, word) in [
        ("gs://acme-lake_1.x", "gs://acme-lake_1.x"),
        ("", "''"),
        ("it's", r"'it'\''s'"),
        ("a b", "'a b'"),
        ("ü", "'ü'"),
        ("a\nb", "'a\nb'"),
    ] {
        assert_eq!(commands::word(text), word);
    }
}

#[test]
fn the_page_of_a_class_is_found_by_its_bucket() {
    let failure = BucketFailure { class: FailureClass::Hold, http_status: None, message: String::new() };
    assert_eq!(failure.help_path("a/b &c"), "/help/failures/hold?bucket=a%2Fb%20%26c");
    assert_eq!(help_path(&FailureClass::Ours, None), "/help/failures/ours");
}
