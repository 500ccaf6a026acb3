//! Tests of what is found unwell.

#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::civil::date;

use super::*;
use crate::domain::{
    AnchorHour, BucketId, Cycle, DataSelection, DatabaseId, EventFolder, EveryHours, ExportHistory,
    ExportSpec, ExportStatus, Format, IdentityPriority, LakePath, Packaging, StopReason,
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn export() -> Export {
    let every = EveryHours::try_from(6).unwrap();
    let cycle = Cycle { every, start: date(2026, 3, 1), anchor_hour: AnchorHour::default() };
    Export {
        account: AccountId(1),
        request: RequestId(7),
        spec: ExportSpec {
            bucket: BucketId("main".to_owned()),
            data: DataSelection::AllEvents,
            identities: IdentityPriority::default(),
            frequency: Frequency::Recurring(cycle),
            format: Format::Csv,
            packaging: Packaging::Gzip,
            as_string: false,
            header_line: true,
            manifest: true,
        },
        status: ExportStatus::Pending,
        created_at: at("2026-02-20T10:00:00Z"),
        planned_cut: Some(at("2026-03-10T06:00:00Z")),
        delivered_cut: None,
        next_due_at: None,
        created_by: None,
        history: ExportHistory { succeeded_at: Some(at("2026-03-10T06:05:00Z")), ..ExportHistory::default() },
        successor: None,
        predecessor: None,
        begins_at: None,
        resumed_runs: Vec::new(),
    }
}

fn kinds(export: &Export, is_blocked: bool, now: &str) -> Vec<&'static str> {
    let findings = check_export(export, is_blocked, &ZoneName::default(), at(now));
    findings.iter().map(Finding::kind).collect()
}

#[test]
fn twice_the_frequency_without_a_success_is_found() {
    let export = export();
    assert_eq!(kinds(&export, false, "2026-03-10T18:02:00Z"), [""; 0]);
    assert_eq!(kinds(&export, false, "2026-03-10T18:02:01Z"), ["no_run"]);
    assert_eq!(kinds(&export, false, "2026-03-10T18:08:00Z"), ["no_run", "no_success"]);
    assert_eq!(
        kinds(&export, true, "2026-03-10T18:08:00Z"),
        ["no_run"],
        "of a blocked bucket its customer is told"
    );
    let stopped = Export {
        status: ExportStatus::Stopped { reason: StopReason::User, at: export.created_at },
        ..export
    };
    assert_eq!(kinds(&stopped, false, "2026-04-10T00:00:00Z"), [""; 0]);
}

#[test]
fn nothing_is_awaited_before_the_first_run() {
    let new = Export { planned_cut: None, history: ExportHistory::default(), ..export() };
    assert_eq!(kinds(&new, false, "2026-03-01T12:01:00Z"), [""; 0]);
    assert_eq!(kinds(&new, false, "2026-03-01T12:03:00Z"), ["no_run", "no_success"]);
    // Its first windows may lie before it was created.
    let late = Export { created_at: at("2026-03-20T10:00:00Z"), ..new };
    assert_eq!(kinds(&late, false, "2026-03-20T21:00:00Z"), [""; 0]);
}

#[test]
fn what_became_empty_is_told_for_a_day_while_it_lasts() {
    let mut export = export();
    export.history.emptied_at = Some(at("2026-03-10T06:05:00Z"));
    assert_eq!(kinds(&export, false, "2026-03-10T07:00:00Z"), ["unexpectedly_empty"]);
    assert_eq!(kinds(&export, false, "2026-03-10T06:00:00Z"), [""; 0], "a clock went back");
    export.history.data_since = Some(at("2026-03-10T12:05:00Z"));
    assert_eq!(kinds(&export, false, "2026-03-10T13:00:00Z"), [""; 0]);
}

#[test]
fn files_lie_in_the_hours_that_are_listed() {
    let file = |folder: &str| LakeFile {
        path: format!("lake/account=1/events/captured={folder}/db=0/event=A/date=2026-03-10/a.parquet"),
        bytes: 1,
        committed: at("2026-03-10T12:30:00Z"),
        place: LakePath { database: DatabaseId(0), event: Some((EventFolder::of("A"), date(2026, 3, 10))) },
    };
    for (folder, is_right) in [
        ("2026-03-10-09", false),
        ("2026-03-10-10", true),
        ("2026-03-10-12", true),
        ("2026-03-10-13", true),
        ("2026-03-10-14", false),
        ("2026-03-09-12", false),
        ("2025-03-10-12", false),
        ("2026-03-11-12", false),
    ] {
        assert_eq!(check_file(AccountId(1), &file(folder)).is_none(), is_right, "{folder}");
    }
    let told = check_file(AccountId(1), &file("2026-03-10-02")).unwrap();
    assert!(told.to_string().contains("captured=2026-03-10-02") && told.account() == AccountId(1));
}
