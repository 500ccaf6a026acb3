//! Each rule, and the sentence with which it refuses.
#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::{Timestamp, civil::Date, civil::date};

use super::*;
use crate::domain::{
    Account, AccountId, AnchorHour, BucketFailure, BucketId, BucketState, Cycle, DataSelection, DateRange,
    EveryHours, Export, ExportHistory, ExportSpec, ExportStatus, FailureClass, Format, Frequency,
    IdentityKind, IdentityPriority, KeyFacts, Opening, Packaging, PartnerBucket, Preset, RequestId,
    SealedKey, StopReason, ZoneName,
};

/// 10 June 2026, half past midnight in Berlin; still the 9th in UTC.
const NOW: &str = "2026-06-09T22:30:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn today() -> Date {
    date(2026, 6, 10)
}

fn account() -> Account {
    let mut account = Account::new(AccountId(1), ZoneName::new("Europe/Berlin").unwrap());
    account.identities = vec![IdentityKind::Identity, IdentityKind::Email];
    account
}

fn buckets() -> Vec<PartnerBucket> {
    let bucket = |id: &str| PartnerBucket {
        account: AccountId(1),
        id: BucketId(id.to_owned()),
        bucket_name: id.to_owned(),
        key: SealedKey(String::new()),
        key_facts: KeyFacts { client_email: String::new(), key_id: String::new(), added_at: at(NOW) },
        state: BucketState::Ready,
        opening: Opening::default(),
    };
    vec![bucket("main"), bucket("spare")]
}

fn days(first: Date, last: Date) -> Frequency {
    Frequency::OneTime { days: Some(DateRange::new(first, last).unwrap()) }
}

fn recurring(hours: u8, start: Date, anchor_hour: u8) -> Frequency {
    let (every, anchor_hour) =
        (EveryHours::try_from(hours).unwrap(), AnchorHour::try_from(anchor_hour).unwrap());
    Frequency::Recurring(Cycle { every, start, anchor_hour })
}

fn spec(data: DataSelection, frequency: Frequency) -> ExportSpec {
    ExportSpec {
        bucket: BucketId("main".to_owned()),
        data,
        identities: IdentityPriority::default(),
        frequency,
        format: Format::Json,
        packaging: Packaging::Gzip,
        as_string: false,
        header_line: true,
        manifest: true,
    }
}

fn select(names: &[&str]) -> DataSelection {
    DataSelection::SelectEvents { names: names.iter().map(|name| (*name).to_owned()).collect() }
}

fn new(spec: &ExportSpec) -> Result<Accepted, Refused> {
    check_new(spec, &account(), &buckets(), None, at(NOW))
}

/// The only refusal of a new export, as it is read.
fn refusal(spec: &ExportSpec) -> String {
    let refused = new(spec).unwrap_err();
    assert_eq!(refused.0.len(), 1, "{refused}");
    refused.to_string()
}

fn events() -> ExportSpec {
    spec(DataSelection::AllEvents, recurring(4, today(), 0))
}

fn profiles(frequency: Frequency) -> ExportSpec {
    spec(DataSelection::AllProfiles, frequency)
}

#[test]
fn every_kind_of_export_may_be_created() {
    let once = days(today(), today());
    for data in [DataSelection::AllEvents, select(&["Charged"])] {
        for frequency in [once, recurring(24, today(), 23), Frequency::Live { start: today() }] {
            let wanted = spec(data.clone(), frequency);
            assert_eq!(new(&wanted).unwrap(), Accepted { spec: wanted, clipped: None });
        }
    }
    for frequency in
        [Frequency::OneTime { days: None }, recurring(6, today(), 0), Frequency::Live { start: today() }]
    {
        new(&profiles(frequency)).unwrap();
    }
}

#[test]
fn the_bucket_is_one_of_the_accounts() {
    let other = ExportSpec { bucket: BucketId("other".to_owned()), ..events() };
    let sentence = "There is no bucket `other`. Choose out of `main`, `spare`, or connect it first.";
    assert_eq!(refusal(&other), sentence);
    let none = check_new(&other, &account(), &[], None, at(NOW)).unwrap_err().to_string();
    assert_eq!(none, "There is no bucket `other`. Connect a bucket first.");
}

#[test]
fn select_events_needs_names() {
    let of = |names: &[&str]| spec(select(names), recurring(4, today(), 0));
    let none = "No event is selected. Select at least one event, or export all events.";
    assert_eq!(refusal(&of(&[])), none);
    let nameless = "One of the selected events has no name. Remove it from the selection.";
    assert_eq!(refusal(&of(&["Charged", " \t"])), nameless);
    let (fits, long) = ("a".repeat(1_024), "é".repeat(513));
    new(&of(&[&fits])).unwrap();
    let sentence = "The name of one of the selected events has 1026 bytes. Names have at most 1024; remove it from the \
                    selection.";
    assert_eq!(refusal(&of(&["Charged", &long])), sentence);
    let many: Vec<String> = (0..501).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let sentence = "501 events are selected. Select at most 500, or export all events.";
    assert_eq!(refusal(&of(&many)), sentence);
    new(&of(&many[..500])).unwrap();
    assert_eq!(new(&of(&["b", "a", "b"])).unwrap().spec.data, select(&["b", "a"]));
}

#[test]
fn priorities_are_out_of_the_accounts_identities_and_not_for_select_events() {
    use IdentityKind::{Email, Identity, Phone};
    let priority = |kinds: &[IdentityKind]| IdentityPriority::new(kinds.to_vec()).unwrap();
    let of = |data, kinds: &[IdentityKind]| ExportSpec {
        identities: priority(kinds),
        ..spec(data, recurring(4, today(), 0))
    };
    for data in [DataSelection::AllEvents, DataSelection::AllProfiles] {
        new(&of(data.clone(), &[Email, Identity])).unwrap();
        let sentence = "This account does not use Phone. Choose out of Identity, Email.";
        assert_eq!(refusal(&of(data, &[Email, Phone])), sentence);
    }
    let sentence = "Identity priorities apply to exports of all events or all user properties only. Leave them out, or \
                    export all events.";
    assert_eq!(refusal(&of(select(&["Charged"]), &[Email])), sentence);
    // The default stands there whatever the account uses.
    let phones = Account { identities: vec![Phone], ..account() };
    let wanted = of(select(&["Charged"]), &[Identity]);
    check_new(&wanted, &phones, &buckets(), None, at(NOW)).unwrap();
}

#[test]
fn an_edit_keeps_identities_that_the_account_does_not_use_any_more() {
    use IdentityKind::{Email, Identity, Phone};
    let of = |data, kinds: &[IdentityKind]| ExportSpec {
        identities: IdentityPriority::new(kinds.to_vec()).unwrap(),
        ..spec(data, recurring(4, today(), 0))
    };
    let phones = Account { identities: vec![Phone], ..account() };
    let check = |known: &ExportSpec, wanted: &ExportSpec| {
        let checked =
            check_edit(&export(known.clone(), ExportStatus::Pending), wanted, &phones, &buckets(), at(NOW));
        checked.map(|accepted| accepted.spec).map_err(|refused| refused.to_string())
    };
    let known = of(DataSelection::AllEvents, &[Email, Identity]);
    let other_format = ExportSpec { format: Format::Csv, ..known.clone() };
    assert_eq!(check(&known, &other_format), Ok(other_format));
    let sentence = "This account does not use Identity. Choose out of Phone.";
    assert_eq!(check(&known, &of(DataSelection::AllEvents, &[Identity])), Err(sentence.to_owned()));
    // Selected events have the default without using it, so that all events do not keep it.
    let selected = of(select(&["Charged"]), &[Identity]);
    assert_eq!(check(&selected, &of(DataSelection::AllEvents, &[Identity])), Err(sentence.to_owned()));
}

#[test]
fn one_time_events_need_days_and_profiles_have_none() {
    let once = Frequency::OneTime { days: None };
    let sentence = "The days are missing. Choose the first and the last day whose events are exported.";
    assert_eq!(refusal(&spec(DataSelection::AllEvents, once)), sentence);
    let sentence = "User properties are exported as they are now. Leave the days out.";
    assert_eq!(refusal(&profiles(days(today(), today()))), sentence);
}

#[test]
fn days_that_have_not_begun_are_refused_in_the_accounts_zone() {
    let of = |first, last| spec(DataSelection::AllEvents, days(first, last));
    new(&of(today(), today())).unwrap();
    let sentence = "2026-06-11 has not begun yet in Europe/Berlin, where it is 2026-06-10. Choose days up to 2026-06-10.";
    assert_eq!(refusal(&of(date(2026, 6, 1), date(2026, 6, 30))), sentence);
    let later = refusal(&of(date(2026, 7, 1), date(2026, 7, 2)));
    assert!(later.starts_with("2026-07-01 has not begun yet"), "{later}");
    let utc = Account { time_zone: ZoneName::default(), ..account() };
    let refused = check_new(&of(today(), today()), &utc, &buckets(), None, at(NOW)).unwrap_err();
    assert!(refused.to_string().starts_with("2026-06-10 has not begun yet in UTC"), "{refused}");
}

#[test]
fn days_are_clipped_to_the_accounts_limit_and_it_says_so() {
    let of = |range: DateRange| spec(DataSelection::AllEvents, Frequency::OneTime { days: Some(range) });
    for preset in Preset::ALL {
        assert_eq!(new(&of(preset.days(today()))).unwrap().clipped, None, "{preset:?} of the 10th");
    }
    // On 30 June the previous month begins 60 days ago.
    let end = at("2026-06-30T12:00:00Z");
    let month = of(Preset::PreviousMonth.days(date(2026, 6, 30)));
    let accepted = check_new(&month, &account(), &buckets(), None, end).unwrap();
    let left = DateRange::new(date(2026, 5, 2), date(2026, 5, 31)).unwrap();
    assert_eq!(accepted.spec, of(left));
    assert_eq!(
        accepted.clipped.unwrap().to_string(),
        "Days before 2026-05-02 are left out: an export reaches at most 60 days back."
    );
    let old = of(DateRange::new(date(2026, 1, 1), date(2026, 1, 31)).unwrap());
    let sentence =
        "An export reaches at most 60 days back, and 2026-01-31 is earlier. Choose days from 2026-04-12 on.";
    assert_eq!(refusal(&old), sentence);
    let unlimited = Account { one_time_limit_days: None, ..account() };
    assert_eq!(check_new(&old, &unlimited, &buckets(), None, at(NOW)).unwrap().spec, old);
}

#[test]
fn the_start_of_a_cycle_is_valid() {
    let of = |start, hour| spec(DataSelection::AllEvents, recurring(4, start, hour));
    new(&of(date(2026, 4, 12), 0)).unwrap();
    let sentence = "The start date 2026-04-11 is too long ago. Choose 2026-04-12 or a later day.";
    assert_eq!(refusal(&of(date(2026, 4, 11), 0)), sentence);
    let live = spec(DataSelection::AllEvents, Frequency::Live { start: date(2026, 4, 11) });
    assert_eq!(refusal(&live), sentence);
    let unlimited = Account { one_time_limit_days: None, ..account() };
    check_new(&of(date(2020, 1, 1), 0), &unlimited, &buckets(), None, at(NOW)).unwrap();
    new(&of(date(2027, 6, 11), 0)).unwrap();
    let sentence =
        "The start date 2027-06-12 is more than 366 days ahead. Choose 2027-06-11 or an earlier day.";
    assert_eq!(refusal(&of(date(2027, 6, 12), 0)), sentence);
}

#[test]
fn one_export_of_profiles_flows_at_a_time() {
    let flow = Some(RequestId(7));
    let sentence = "Export 7 of user properties is active, and an account has one at a time. Stop export 7 first, or edit it.";
    for frequency in
        [Frequency::OneTime { days: None }, recurring(4, today(), 0), Frequency::Live { start: today() }]
    {
        let refused = check_new(&profiles(frequency), &account(), &buckets(), flow, at(NOW)).unwrap_err();
        assert_eq!(refused.to_string(), sentence);
    }
    check_new(&events(), &account(), &buckets(), flow, at(NOW)).unwrap();
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let bucket = BucketId("other".to_owned());
    let wanted = ExportSpec { bucket, ..spec(select(&[]), recurring(4, date(2020, 1, 1), 23)) };
    let refused = new(&wanted).unwrap_err();
    let known = vec![BucketId("main".to_owned()), BucketId("spare".to_owned())];
    let expected = [
        Refusal::NoBucket { bucket: wanted.bucket, known },
        Refusal::NoEvents,
        Refusal::StartTooLongAgo { start: date(2020, 1, 1), earliest: date(2026, 4, 12) },
    ];
    assert_eq!(refused.0, expected);
}

fn export(spec: ExportSpec, status: ExportStatus) -> Export {
    Export {
        account: AccountId(1),
        request: RequestId(7),
        spec,
        status,
        created_at: at(NOW),
        planned_cut: None,
        delivered_cut: None,
        next_due_at: None,
        created_by: None,
        history: ExportHistory::default(),
        successor: None,
        predecessor: None,
        begins_at: None,
        resumed_runs: Vec::new(),
    }
}

fn stopped() -> ExportStatus {
    ExportStatus::Stopped { reason: StopReason::User, at: at("2026-06-09T10:00:00Z") }
}

fn edit(export: &Export, spec: &ExportSpec) -> Result<AcceptedEdit, Refused> {
    check_edit(export, spec, &account(), &buckets(), at(NOW))
}

fn edit_refusal(before: ExportSpec, after: &ExportSpec) -> String {
    edit(&export(before, ExportStatus::Pending), after).unwrap_err().to_string()
}

#[test]
fn pending_and_running_exports_may_be_edited() {
    let changed = ExportSpec {
        bucket: BucketId("spare".to_owned()),
        data: select(&["Charged"]),
        format: Format::Parquet,
        packaging: Packaging::Plain,
        as_string: true,
        header_line: false,
        manifest: false,
        ..events()
    };
    let live =
        |spec: &ExportSpec| ExportSpec { frequency: Frequency::Live { start: today() }, ..spec.clone() };
    for status in [ExportStatus::Pending, ExportStatus::Running] {
        for (before, after) in [(events(), changed.clone()), (live(&events()), live(&changed))] {
            let accepted = edit(&export(before, status.clone()), &after).unwrap();
            assert_eq!(accepted, AcceptedEdit { spec: after, next_due_at: None });
        }
    }
}

#[test]
fn ended_and_one_time_exports_cannot_be_edited() {
    let refusal = |export: Export| edit(&export, &events()).unwrap_err().to_string();
    let done = "Export 7 is done and cannot be edited. Create a new export.";
    assert_eq!(
        refusal(export(spec(DataSelection::AllEvents, days(today(), today())), ExportStatus::Done)),
        done
    );
    let sentence =
        "Export 7 was stopped on 2026-06-09 12:00 (Europe/Berlin) and cannot be edited. Create a new export.";
    assert_eq!(refusal(export(events(), stopped())), sentence);
    let sentence = "Export 7 runs once, and its run has begun: it cannot be edited. (While its bucket is blocked, it can \
                    be moved to another one, and nothing else.) Stop it if it is still under way, and create a new \
                    export.";
    for status in [ExportStatus::Pending, ExportStatus::Running] {
        assert_eq!(refusal(export(profiles(Frequency::OneTime { days: None }), status)), sentence);
    }
}

#[test]
fn a_one_time_export_is_moved_out_of_a_bucket_that_is_blocked() {
    let failure = BucketFailure {
        class: FailureClass::RetentionPolicy,
        http_status: Some(403),
        message: String::new(),
    };
    let mut blocked = buckets();
    blocked[0].state = BucketState::Blocked { since: at(NOW), failure };
    let once = spec(DataSelection::AllEvents, days(today(), today()));
    let to = |id: &str| ExportSpec { bucket: BucketId(id.to_owned()), ..once.clone() };
    let check = |account: &Account, buckets: &[PartnerBucket], spec: &ExportSpec| {
        check_edit(&export(once.clone(), ExportStatus::Running), spec, account, buckets, at(NOW))
    };
    let accepted = check(&account(), &blocked, &to("spare")).unwrap();
    assert_eq!(accepted, AcceptedEdit { spec: to("spare"), next_due_at: None });
    let refusal = |spec: &ExportSpec| check(&account(), &blocked, spec).unwrap_err().0;
    assert_eq!(
        refusal(&ExportSpec { format: Format::Xml, ..to("spare") }),
        [Refusal::EditOneTime(RequestId(7))]
    );
    assert!(matches!(refusal(&to("none"))[..], [Refusal::NoBucket { .. }]));
    let off = Account { exports_enabled: false, ..account() };
    assert_eq!(check(&off, &blocked, &to("spare")).unwrap_err().0, [Refusal::ExportsOff]);
    let works = check(&account(), &buckets(), &to("spare")).unwrap_err().0;
    assert_eq!(works, [Refusal::EditOneTime(RequestId(7))], "its files go where they have begun to");
}

#[test]
fn an_edit_keeps_the_kind_of_data_and_of_frequency_and_the_start() {
    let sentence = "Export 7 cannot change between events and user properties. Leave the data as it is, or create a \
                    new export.";
    let flow = profiles(recurring(4, today(), 0));
    assert_eq!(edit_refusal(events(), &flow), sentence);
    assert_eq!(edit_refusal(flow, &events()), sentence);
    let live = ExportSpec { frequency: Frequency::Live { start: today() }, ..events() };
    let once = ExportSpec { frequency: days(today(), today()), ..events() };
    let sentence = "Export 7 is recurring and cannot become live. Leave the frequency recurring, or stop the export and \
                    create a new one.";
    assert_eq!(edit_refusal(events(), &live), sentence);
    assert!(edit_refusal(live.clone(), &events()).contains("is live and cannot become recurring"));
    assert!(edit_refusal(live, &once).contains("is live and cannot become one-time"));
    assert!(edit_refusal(events(), &once).contains("is recurring and cannot become one-time"));
    let moved = ExportSpec { frequency: recurring(4, date(2026, 6, 11), 0), ..events() };
    let sentence =
        "The start date of export 7 stays 2026-06-10. Leave it, or stop the export and create a new one.";
    assert_eq!(edit_refusal(events(), &moved), sentence);
    // What holds for a new one holds for an edited one.
    let nothing = ExportSpec { data: select(&[]), ..events() };
    assert!(edit_refusal(events(), &nothing).starts_with("No event is selected."));
}

#[test]
fn a_changed_frequency_restarts_the_cycle_at_midnight() {
    let with = |hours, start, hour| ExportSpec { frequency: recurring(hours, start, hour), ..events() };
    let before = export(with(6, date(2026, 6, 1), 3), ExportStatus::Pending);
    for hour in [0, 3] {
        let accepted = edit(&before, &with(4, date(2026, 6, 1), hour)).unwrap();
        assert_eq!(accepted.spec, with(4, date(2026, 6, 1), 0));
        assert_eq!(accepted.next_due_at, Some(at("2026-06-10T22:00:00Z")), "midnight in Berlin");
    }
    let sentence = "A changed frequency begins anew at 12:00 a.m. Leave the hour as it is, and choose another one in a \
                    second edit.";
    assert_eq!(edit_refusal(before.spec.clone(), &with(4, date(2026, 6, 1), 5)), sentence);
    // Another hour alone: the due times move, at once.
    let accepted = edit(&before, &with(6, date(2026, 6, 1), 1)).unwrap();
    assert_eq!(accepted.spec, with(6, date(2026, 6, 1), 1));
    assert_eq!(accepted.next_due_at, Some(at("2026-06-09T23:00:00Z")));
    // A cycle that has not begun begins at midnight anyway.
    let future = date(2026, 6, 20);
    let accepted = edit(&export(with(6, future, 0), ExportStatus::Pending), &with(12, future, 0)).unwrap();
    assert_eq!(accepted.next_due_at, Some(at("2026-06-20T10:00:00Z")));
}

#[test]
fn pending_and_running_exports_may_be_stopped() {
    for spec in [events(), profiles(Frequency::OneTime { days: None })] {
        check_stop(&export(spec.clone(), ExportStatus::Pending), &account().time_zone).unwrap();
        check_stop(&export(spec, ExportStatus::Running), &account().time_zone).unwrap();
    }
    let refusal =
        |status| check_stop(&export(events(), status), &account().time_zone).unwrap_err().to_string();
    let sentence = "Export 7 is done. Nothing is left to stop; its files stay in the bucket.";
    assert_eq!(refusal(ExportStatus::Done), sentence);
    let sentence = "Export 7 was stopped on 2026-06-09 12:00 (Europe/Berlin) already. Nothing is left to do.";
    assert_eq!(refusal(stopped()), sentence);
}
