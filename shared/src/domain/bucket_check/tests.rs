//! The sentences, and the lines as they travel.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

const CHECKED: Checked<'_> =
    Checked { bucket_name: "acme-lake", client_email: "spillway@acme.iam.gserviceaccount.com" };

fn failed(class: FailureClass) -> (String, String) {
    let failure = BucketFailure { class, http_status: Some(400), message: "said so".to_owned() };
    let report = CHECKED.failed(CheckStep::Google, &failure);
    assert!(report.is_failed());
    match report.outcome {
        StepOutcome::Failed { wrong, remedy } => (wrong, remedy),
        other => panic!("{other:?}"),
    }
}

#[test]
fn failures_become_sentences_with_what_to_do() {
    let again = "Generate the key again in Google Cloud's console (IAM & Admin > Service Accounts > Keys > Add key > \
                 Create new key > JSON) and paste it whole.";
    let grant = "Grant it the role Storage Object Creator (and Storage Object Viewer, so that files can be verified) \
                 on the bucket, under Permissions > Grant access in Google Cloud's console. A new grant can take some \
                 minutes to count.";
    let passing = (
        "Google does not answer just now.",
        "Try again in a minute; nothing that you gave is known to be wrong.",
    );
    for (class, (wrong, remedy)) in [
        (
            FailureClass::CredentialsRejected,
            (
                "Google does not accept the key of spillway@acme.iam.gserviceaccount.com: the key was deleted or has \
                 expired, or its service account was deleted or disabled.",
                again,
            ),
        ),
        (FailureClass::KeyUnusable, ("The key is damaged: its `private_key` cannot be read.", again)),
        (
            FailureClass::BucketMissing,
            (
                "Google knows no bucket of the name `acme-lake`.",
                "The bucket name must match exactly, letter by letter: compare it with Cloud Storage > Buckets in Google \
                 Cloud's console. If the bucket was deleted, create it again under this name, or use another bucket.",
            ),
        ),
        (
            FailureClass::PermissionMissing { permission: None },
            (
                "The service account spillway@acme.iam.gserviceaccount.com may not create files in the bucket \
                 `acme-lake`: it lacks the permission storage.objects.create.",
                grant,
            ),
        ),
        (
            FailureClass::BillingDisabled,
            (
                "Google refuses for billing: billing is off for the project of the bucket `acme-lake`, or the project \
                 itself is.",
                "Turn billing on for the project, under Billing in Google Cloud's console.",
            ),
        ),
        (
            FailureClass::RequesterPays,
            (
                "Google refuses for billing: the bucket `acme-lake` has Requester Pays, which a service account of yours \
                 cannot settle.",
                "Turn Requester Pays off for the bucket, under its Configuration in Google Cloud's console.",
            ),
        ),
        (
            FailureClass::OrganisationPolicy,
            (
                "A policy of your Google Cloud organisation keeps us out of the bucket `acme-lake`.",
                "Ask its administrator to exempt the bucket or the service account, and to let our network in where \
                 access is limited by network.",
            ),
        ),
        (
            FailureClass::StorageFull,
            (
                "The disk on which the bucket `acme-lake` lies is full.",
                "Free some space on it; the files that are complete stay, and the export goes on behind them.",
            ),
        ),
        (
            FailureClass::StorageReadOnly,
            (
                "The folder of the bucket `acme-lake` cannot be written: its disk is mounted read-only, or its permissions \
                 forbid it.",
                "Make it writable; the export then goes on.",
            ),
        ),
        (FailureClass::Throttled, passing),
        (FailureClass::Unavailable, passing),
        (
            FailureClass::Ours,
            ("Google refused our request: said so", "Try again; if it stays so, tell our support."),
        ),
    ] {
        assert_eq!(failed(class.clone()), (wrong.to_owned(), remedy.to_owned()), "{class:?}");
    }
}

#[test]
fn settings_are_noted_with_what_they_mean() {
    let note = |settings| match notes(settings).outcome {
        StepOutcome::Noted { note } => note,
        other => panic!("{other:?}"),
    };
    assert_eq!(notes(Some(BucketSettings::default())), StepReport::passed(CheckStep::Notes));
    assert_eq!(
        note(None),
        "The bucket's settings could not be looked at (retention policy, Requester Pays). Exports do not need that."
    );
    let pays = "The bucket has Requester Pays. Google takes our uploads nevertheless, and bills them to the bucket's \
                own project; whoever reads the files pays for reading them.";
    assert_eq!(note(Some(BucketSettings { retention: None, requester_pays: true })), pays);
    for (period_secs, locked, requester_pays, period) in [
        (86_400 * 30, false, false, "30 days"),
        (86_400, true, true, "1 day"),
        (7_200, true, false, "2 hours"),
        (60, false, false, "1 minute"),
        (61, false, false, "61 seconds"),
        (0, false, false, "0 seconds"),
    ] {
        let retention = Some(RetentionPolicy { period_secs, locked });
        let lock = if locked { "locked " } else { "" };
        let mut wanted = format!(
            "The bucket has a {lock}retention policy: nobody can delete or replace an exported file for {period} \
             after it was written. Exports work, as they only ever create files."
        );
        if requester_pays {
            wanted = format!("{wanted} {pays}");
        }
        assert_eq!(note(Some(BucketSettings { retention, requester_pays })), wanted);
    }
}

#[test]
fn lines_travel_as_json() {
    let noted = StepOutcome::Noted { note: "n".to_owned() };
    let failed = StepOutcome::Failed { wrong: "w".to_owned(), remedy: "r".to_owned() };
    for (report, text) in [
        (StepReport::passed(CheckStep::Key), r#"{"step":"key","outcome":"passed"}"#),
        (
            StepReport { step: CheckStep::Notes, outcome: noted },
            r#"{"step":"notes","outcome":"noted","note":"n"}"#,
        ),
        (
            StepReport { step: CheckStep::Create, outcome: failed },
            r#"{"step":"create","outcome":"failed","wrong":"w","remedy":"r"}"#,
        ),
    ] {
        assert_eq!(serde_json::to_string(&report).unwrap(), text);
        assert_eq!(serde_json::from_str::<StepReport>(text).unwrap(), report);
    }
    let saved = CheckVerdict { saved: true, problem: None };
    assert_eq!(serde_json::to_string(&saved).unwrap(), r#"{"saved":true}"#);
    assert_eq!(serde_json::from_str::<CheckVerdict>(r#"{"saved":true}"#).unwrap(), saved);
    for step in CheckStep::ALL {
        assert_eq!(serde_json::to_value(step).unwrap(), step.as_str());
    }
    assert!(CheckStep::ALL.is_sorted());
}
