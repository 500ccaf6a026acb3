//! Deliveries, as they are sent.
#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::json;

use super::*;
use crate::domain::{
    BucketFailure, BucketId, BucketState, DateRange, ExportSpec, FailureClass, Format, IdentityPriority,
    KeyFacts, Opening, Packaging, RunKey, RunTimestamp, RunTotals, SealedKey, ZoneName,
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn account() -> Account {
    Account::new(AccountId(100_000_000), ZoneName::new("Asia/Kolkata").unwrap())
}

fn spec() -> ExportSpec {
    ExportSpec {
        bucket: BucketId("main".to_owned()),
        data: DataSelection::AllEvents,
        identities: IdentityPriority::default(),
        frequency: Frequency::OneTime {
            days: DateRange::new("2023-07-01".parse().unwrap(), "2023-07-02".parse().unwrap()).ok(),
        },
        format: Format::Csv,
        packaging: Packaging::Gzip,
        as_string: false,
        header_line: true,
        manifest: true,
    }
}

fn run() -> Run {
    let key =
        RunKey { account: account().id, request: RequestId(1_690_283_492), run: RunTimestamp(1_690_283_492) };
    let days = DateRange::new("2023-07-01".parse().unwrap(), "2023-07-02".parse().unwrap()).unwrap();
    let window = Window::EventDate { days, cut: at("2023-07-25T11:11:32Z") };
    Run::owed(key, window, &spec(), &ZoneName::default(), at("2023-07-25T11:11:32Z"))
}

fn export() -> Export {
    Export {
        account: account().id,
        request: RequestId(1_690_283_492),
        spec: spec(),
        status: crate::domain::ExportStatus::Running,
        created_at: at("2023-07-25T11:11:32Z"),
        planned_cut: None,
        delivered_cut: None,
        next_due_at: None,
        created_by: None,
        history: crate::domain::ExportHistory::default(),
        successor: None,
        predecessor: None,
        begins_at: None,
        resumed_runs: Vec::new(),
    }
}

fn sent(payload: &Payload) -> serde_json::Value {
    serde_json::from_slice(&payload.to_bytes()).unwrap()
}

fn of_run(run: &Run) -> serde_json::Value {
    let (account, export) = (account(), export());
    sent(&Payload::of_run(RunNews {
        account: &account,
        export: &export,
        run,
        at: at("2023-07-25T11:20:52Z"),
    }))
}

#[test]
fn a_run_is_told_in_the_products_fields_and_in_ours() {
    let mut run = run();
    (run.status, run.has_manifest) = (RunStatus::Done, true);
    run.bucket_name = Some("acme-exports".to_owned());
    run.totals = RunTotals { files: 2, rows: 912, bytes: 34_567, deleted_profiles: 0, failed_chunks: 0 };
    let plan = crate::domain::PlanToken("t".to_owned());
    run.plan = Some(crate::domain::RunPlan { token: plan, chunks: 2, lake_files: 1, estimated_bytes: 1 });
    assert_eq!(
        of_run(&run),
        json!({
            "Export Request Id": 1_690_283_492,
            "Partner": "Google Cloud Storage",
            "Type": "Events",
            "Status": "Completed",
            "Frequency": "One Time",
            "Date and Time": "25/07/2023 4:50:52 PM",
            "text": "Export 1690283492: a run is complete, with 912 rows in 2 files in main.",
            "version": 1,
            "event": "run.finished",
            "account": 100_000_000,
            "occurred_at": "2023-07-25T11:20:52Z",
            "run": {
                "request_id": 1_690_283_492,
                "run": 1_690_283_492,
                "status": "DONE",
                "window": { "kind": "eventDate", "from": "2023-07-01T00:00:00Z", "to": "2023-07-03T00:00:00Z" },
                "bucket": "main",
                "bucket_name": "acme-exports",
                "rows": 912,
                "files": 2,
                "bytes": 34_567,
                "failed_files": 0,
                "manifest": "1690283492-1690283492.manifest",
            },
        })
    );
}

#[test]
fn every_status_of_a_run_is_told_as_what_it_is() {
    for (status, event, product) in [
        (RunStatus::Running, "run.started", "Initiated"),
        (RunStatus::Done, "run.finished", "Completed"),
        (RunStatus::Empty, "run.finished", "Completed"),
        (RunStatus::Incomplete, "run.incomplete", "Failed"),
        (RunStatus::Stopped, "run.stopped", "Stopped"),
    ] {
        let told = of_run(&Run { status, ..run() });
        assert_eq!((&told["event"], &told["Status"]), (&json!(event), &json!(product)), "{status:?}");
        assert_eq!(told["run"]["status"], status.as_str());
        let text = told["text"].as_str().unwrap();
        assert!(text.starts_with("Export 1690283492: ") && text.ends_with('.'), "{text}");
    }
}

fn bucket(nickname: &str) -> PartnerBucket {
    PartnerBucket {
        account: account().id,
        id: BucketId(nickname.to_owned()),
        bucket_name: "acme-exports".to_owned(),
        key: SealedKey("sealed".to_owned()),
        key_facts: KeyFacts {
            client_email: "spillway@acme.iam.gserviceaccount.com".to_owned(),
            key_id: "0123".to_owned(),
            added_at: at("2026-11-01T12:00:00Z"),
        },
        state: BucketState::Ready,
        opening: Opening::default(),
    }
}

fn of_incident(kind: NoticeKind, nickname: &str, exports: &[RequestId]) -> serde_json::Value {
    let (account, bucket) = (account(), bucket(nickname));
    let failure = BucketFailure {
        class: FailureClass::PermissionMissing { permission: Some("storage.objects.create".to_owned()) },
        http_status: Some(403),
        message: "no access".to_owned(),
    };
    let since = at("2026-11-25T10:00:00Z");
    sent(&Payload::of_incident(IncidentNews {
        account: &account,
        bucket: &bucket,
        incident: &Incident::begin(&bucket, since, &failure, since, 0),
        kind,
        owed_windows: 4,
        exports,
        exports_total: exports.len() as u64,
        at: since,
        public_url: Some("https://exports.example.com/"),
    }))
}

#[test]
fn an_incident_is_told_with_the_words_of_the_page() {
    let told = of_incident(NoticeKind::Detected, "main", &[RequestId(17)]);
    assert_eq!((&told["Export Request Id"], &told["Status"]), (&json!(17), &json!("Blocked")));
    let incident = &told["incident"];
    let words = FailureClass::PermissionMissing { permission: Some("storage.objects.create".to_owned()) };
    let words = crate::domain::FailureWords::new(&words, Known::from(&bucket("main")));
    assert_eq!(incident["title"], words.title);
    assert_eq!(
        (&incident["cause"], &incident["resolution"]),
        (&json!(words.cause), &json!(words.resolution))
    );
    assert_eq!(
        (&incident["class"], &incident["code"], &incident["said"]),
        (&json!("permission-missing"), &json!("403 permission-missing"), &json!("no access"))
    );
    assert_eq!(
        incident["help_url"],
        "https://exports.example.com/help/failures/permission-missing?bucket=main"
    );
    assert_eq!((&incident["owed_windows"], &incident["exports_total"]), (&json!(4), &json!(1)));
    assert_eq!(incident["stops_at"], "2026-11-28T10:00:00Z");
    let text = told["text"].as_str().unwrap();
    assert!(text.starts_with("Bucket main takes no files: 1 export waits, 4 windows are owed."), "{text}");
    assert!(text.ends_with("they stop on 28 Nov 2026, 15:30 IST."), "{text}");
    assert_eq!((&incident["since"], &incident["id"].is_string()), (&json!("2026-11-25T10:00:00Z"), &true));
    let stopped = of_incident(NoticeKind::Stopped, "main", &[RequestId(17), RequestId(18)]);
    assert_eq!(stopped.get("Export Request Id"), None);
    assert_eq!(
        (&stopped["event"], &stopped["incident"].get("stops_at")),
        (&json!("incident.stopped"), &None)
    );
}

#[test]
fn thousands_of_exports_are_counted_not_listed() {
    let many: Vec<_> = (0..5_000).map(RequestId).collect();
    let told = of_incident(NoticeKind::StillFailing, "main", &many);
    assert_eq!(told["incident"]["exports"].as_array().unwrap().len(), 100);
    assert_eq!(told["incident"]["exports_total"], 5_000);
    assert!(told.to_string().len() < 4_000);
}

#[test]
fn no_name_becomes_a_link_in_slack() {
    let told = of_incident(NoticeKind::Recovered, "<!channel> & <https://evil|us>\u{202e}", &[]);
    let text = told["text"].as_str().unwrap();
    assert!(
        text.starts_with("Bucket &lt;!channel&gt; &amp; &lt;https://evil|us&gt;? takes files again: "),
        "{text}"
    );
}

#[test]
fn a_test_says_that_it_is_one() {
    let told = sent(&Payload::test(&account(), at("2026-11-25T10:00:00Z")));
    assert_eq!((&told["event"], &told["Status"]), (&json!("test"), &json!("Test")));
    assert_eq!(told["Date and Time"], "25/11/2026 3:30:00 PM");
    assert_eq!(told.get("run"), None);
}
