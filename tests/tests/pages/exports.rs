//! The list, the form and the page of exports.

use dashboard::identity::Role;
use http::StatusCode;
use jiff::civil::{Date, date};
use spillway::{
    domain::{
        Account, AccountId, BucketFailure, BucketId, DataSelection, ExportStatus, FailureClass, Format,
        Frequency, RequestId, RunStatus, StatusKind, StopReason, ZoneName,
    },
    steps,
};
use spillway_tests::{
    harness::{ACCOUNT, BUCKET, EventRow, TestApp},
    web::{Answer, Person},
};

use crate::html::{all_between, field, place, text};

const DAY: Date = date(2026, 3, 9);

/// The fields of a one-time export of a day, as the form sends them.
fn once<'a>(token: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let fields = [
        ("once", token),
        ("bucket", BUCKET),
        ("data", "all-events"),
        ("identity1", "identity"),
        ("frequency", "one-time"),
        ("days", "day"),
        ("first", "2026-03-09"),
        ("format", "csv"),
    ];
    [&fields[..], more].concat()
}

async fn new_token(person: &Person) -> String {
    field(&person.get("/exports/new").await, "once")
}

fn rows(event: &str, count: usize) -> Vec<EventRow> {
    let row = |at| EventRow {
        id: format!("{event}-{at}"),
        event: event.to_owned(),
        date: DAY,
        database: 0,
        note: "a note".to_owned(),
        more: serde_json::json!({}),
    };
    (0..count).map(row).collect()
}

/// The request ids of the list's rows, in order.
fn listed(answer: &Answer) -> Vec<String> {
    all_between(answer, "data-request=\"", "\"")
}

#[tokio::test]
async fn an_empty_list_leads_to_the_first_step() {
    let app = TestApp::new().await;
    let account = Account::new(AccountId(7), ZoneName::default());
    app.store.put_account(&account).await.unwrap();
    let page = app.person(account.id, Role::Editor).get("/exports").await;
    assert!(text(&page).contains("Connect a bucket first"), "{}", text(&page));
    let page = app.person(ACCOUNT, Role::Editor).get("/exports").await;
    assert!(text(&page).contains("No exports yet"), "{}", text(&page));
    assert!(page.text().contains("href=\"/exports/new\""));
    let page = app.person(ACCOUNT, Role::Viewer).get("/exports").await;
    assert!(!page.text().contains("href=\"/exports/new\""), "a viewer creates nothing");
}

#[tokio::test]
async fn an_export_from_its_form_to_its_files() {
    let app = TestApp::new().await;
    app.lake.write_events(&app.file(10), &rows("Charged", 40));
    steps::keep_catalogue(&app.parts(), ACCOUNT).await.unwrap();
    let person = app.person(ACCOUNT, Role::Editor);
    let form = person.get("/exports/new").await;
    assert!(text(&form).contains("Charged system 40 · last 9 Mar, 12:00"), "{}", text(&form));
    // Yesterday's events, as the form begins.
    assert!(text(&form).contains("Rows about 40"), "{}", text(&form));

    let token = field(&form, "once");
    let list = place(&person.form("/exports", &once(&token, &[])).await);
    assert!(list.starts_with("/exports?done=created&export="), "{list}");
    let page = person.get(&list).await;
    assert!(text(&page).contains("Google export has initiated"), "{}", text(&page));
    let request = listed(&page).remove(0);
    // A form that is sent twice creates one export.
    assert_eq!(place(&person.form("/exports", &once(&token, &[])).await), list);
    assert_eq!(listed(&person.get("/exports").await), std::slice::from_ref(&request));

    app.drain().await.unwrap();
    let page = person.get(&format!("/exports/{request}")).await;
    let said = text(&page);
    let name = format!("{request}-{request}-Charged-20260309-0-0.csv.gz");
    for part in
        ["DONE", "9 Mar 2026", "mara@example.com", "CSV", &name, &format!("{request}-{request}.manifest")]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(page.text().contains(&format!("data-copy=\"gs://{BUCKET}/{name}\"")));
    assert!(!page.text().contains("href=\"/exports/new/stop\"") && !said.contains("Edit"), "{said}");
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let app = TestApp::new().await;
    let person = app.person(ACCOUNT, Role::Editor);
    let token = new_token(&person).await;
    let fields = [
        ("once", token.as_str()),
        ("bucket", "other"),
        ("data", "select-events"),
        ("frequency", "one-time"),
        ("days", "range"),
        ("first", "2026-03-11"),
        ("last", "2026-03-12"),
        ("format", "csv"),
    ];
    let refused = person.form("/exports", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let said = text(&refused);
    assert!(said.contains("3 things have to be mended"), "{said}");
    for sentence in [
        "There is no bucket `other`. Choose out of `partner-bucket`, or connect it first.",
        "No event is selected. Select at least one event, or export all events.",
        "2026-03-11 has not begun yet in UTC, where it is 2026-03-10. Choose days up to 2026-03-10.",
    ] {
        assert!(said.matches(sentence).count() >= 2, "{sentence} in the summary and at its field: {said}");
    }
    // What was typed stays, and is tied to what is wrong with it.
    assert_eq!(field(&refused, "first"), "2026-03-11");
    for id in ["first", "last"] {
        let attributes = all_between(&refused, &format!("<input id=\"{id}\""), ">").remove(0);
        assert!(attributes.contains("aria-invalid=\"true\" aria-describedby=\"days-wrong-1"), "{attributes}");
    }
    // Whither the summary leads, the focus can go.
    assert!(refused.text().contains("<a href=\"#event\">"));
    assert!(refused.text().contains("<fieldset id=\"event\" tabindex=\"-1\""));
    assert_eq!(app.store.list_exports(ACCOUNT, &Default::default(), None, 9).await.unwrap().exports.len(), 0);
}

#[tokio::test]
async fn an_estimate_without_a_script_and_with_one() {
    let app = TestApp::new().await;
    app.lake.write_events(&app.file(10), &rows("Charged", 40));
    steps::keep_catalogue(&app.parts(), ACCOUNT).await.unwrap();
    let person = app.person(ACCOUNT, Role::Editor);
    let token = new_token(&person).await;
    let range = [("days", "range"), ("first", "2026-03-08"), ("last", "2026-03-09"), ("editing", "")];
    let fields: Vec<_> = once(&token, &range)
        .into_iter()
        .filter(|field| !matches!(*field, ("days", "day") | ("first", "2026-03-09")))
        .collect();
    let page = person.form("/exports/estimate", &fields).await;
    let said = text(&page);
    assert!(said.contains("Rows about 40") && said.contains("Nothing was captured on 8 Mar 2026."), "{said}");
    assert!(said.contains("Export to Google Cloud"), "the form is there too: {said}");
    assert!(said.contains("-Charged-20260309-0-0.csv.gz"), "{said}");
}

/// The first thing that somebody tries must not come to nothing without a word.
#[tokio::test]
async fn days_without_data_lead_to_those_with_some() {
    let app = TestApp::new().await;
    let long_ago = |date: Date| move |row: EventRow| EventRow { date, ..row };
    let (first, last) = (date(2026, 2, 1), date(2026, 2, 20));
    let all = [first, last].map(|day| rows("Charged", 3).into_iter().map(long_ago(day)).collect::<Vec<_>>());
    all.iter().for_each(|rows| drop(app.lake.write_events(&app.file(10), rows)));
    steps::keep_catalogue(&app.parts(), ACCOUNT).await.unwrap();
    let person = app.person(ACCOUNT, Role::Editor);
    // The form begins with days that have data, and so an estimate that is none of nothing.
    let form = person.get("/exports/new").await;
    assert_eq!((field(&form, "first"), field(&form, "last")), ("2026-02-01".into(), "2026-02-20".into()));
    assert!(text(&form).contains("Rows about 6"), "{}", text(&form));
    let said =
        text(&person.form("/exports/estimate", &once(&field(&form, "once"), &[("editing", "")])).await);
    assert!(said.contains("the export would be EMPTY. There is data of 1 – 20 Feb 2026"), "{said}");
    let wish = serde_json::json!({
        "bucket": BUCKET, "data": {"kind": "all-events"}, "format": "csv",
        "frequency": {"kind": "one-time", "days": {"first": "2026-03-09", "last": "2026-03-09"}},
    });
    let told = person.post("/api/v1/estimate", &wish).await.expect(StatusCode::OK);
    assert_eq!(
        told["notice"],
        "There is nothing on the chosen days; there is data from 2026-02-01 to 2026-02-20."
    );
}

#[tokio::test]
async fn clipped_days_are_told() {
    let app = TestApp::new().await;
    let person = app.person(ACCOUNT, Role::Editor);
    let token = new_token(&person).await;
    let wide = [("first", "2025-12-01"), ("last", "2026-03-09"), ("days", "range")];
    let fields: Vec<_> = once(&token, &wide)
        .into_iter()
        .filter(|(name, value)| !matches!((*name, *value), ("days", "day") | ("first", "2026-03-09")))
        .collect();
    let list = place(&person.form("/exports", &fields).await);
    let said = text(&person.get(&list).await);
    assert!(
        said.contains("Days before 2026-01-10 are left out: an export reaches at most 60 days back."),
        "{said}"
    );
    app.drain().await.unwrap();
}

#[tokio::test]
async fn recurring_exports_are_edited_and_others_are_not() {
    let app = TestApp::new().await;
    let person = app.person(ACCOUNT, Role::Editor).with("accept", "text/html");
    let token = new_token(&person).await;
    let recurring = [
        ("once", token.as_str()),
        ("bucket", BUCKET),
        ("data", "all-events"),
        ("identity1", "identity"),
        ("frequency", "recurring"),
        ("every", "6"),
        ("hour", "0"),
        ("start", "2026-03-10"),
        ("format", "json"),
    ];
    place(&person.form("/exports", &recurring).await);
    let list = person.get("/exports").await;
    let request = listed(&list).remove(0);
    assert!(text(&list).contains("between 18:00 and 19:00"), "{}", text(&list));

    let edit = format!("/exports/{request}/edit");
    let form = person.get(&edit).await;
    let seen = field(&form, "seen");
    let with = |seen: &'static str, format| -> Vec<(&str, &str)> {
        let kept = recurring.into_iter().filter(|(name, _)| !matches!(*name, "format" | "once"));
        kept.chain([("seen", seen), ("format", format)]).collect()
    };
    let seen: &'static str = seen.leak();
    let page = person.get(&place(&person.form(&edit, &with(seen, "parquet")).await)).await;
    assert!(text(&page).contains("Google Cloud data export updated"), "{}", text(&page));
    let id: RequestId = request.parse().unwrap();
    let export = app.store.export(ACCOUNT, id).await.unwrap().unwrap();
    assert_eq!(export.spec.format, Format::Parquet);
    // Whoever edits what they saw before is told, and sees it as it is.
    let stale = person.form(&edit, &with(seen, "xml")).await;
    assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(&stale).contains("Somebody changed this export"), "{}", text(&stale));
    assert!(stale.text().contains("value=\"parquet\" checked"));

    let (once, _) = app.export(app.spec(Format::Csv, DAY, DAY)).await;
    let refused = person.get(&format!("/exports/{}/edit", once.request)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(text(&refused).contains("runs once, and its run has begun"), "{}", text(&refused));
    app.drain().await.unwrap();
}

#[tokio::test]
async fn stopping_asks_first() {
    let app = TestApp::new().await;
    app.lake.write_events(&app.file(10), &rows("Charged", 40));
    let (export, run) = app.export(app.spec(Format::Csv, DAY, DAY)).await;
    let person = app.person(ACCOUNT, Role::Editor).with("accept", "text/html");
    let stop = format!("/exports/{}/stop", export.request);
    let question = person.get(&stop).await;
    assert!(text(&question).contains(&format!("Stop export {}?", export.request)), "{}", text(&question));
    let page = person.get(&place(&person.form(&stop, &[]).await)).await;
    assert!(text(&page).contains("Google Cloud data export stopped"), "{}", text(&page));
    assert!(text(&page).contains("STOPPED"), "{}", text(&page));
    let stopped = app.store.export(ACCOUNT, export.request).await.unwrap().unwrap();
    assert!(matches!(stopped.status, ExportStatus::Stopped { reason: StopReason::User, .. }));
    let again = person.form(&stop, &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    app.drain().await.unwrap();
    assert_eq!(app.run(run.key).await.status, RunStatus::Stopped);
}

#[tokio::test]
async fn viewers_change_nothing() {
    let app = TestApp::new().await;
    let (export, _) = app.export(app.spec(Format::Csv, DAY, DAY)).await;
    let person = app.person(ACCOUNT, Role::Viewer).with("accept", "text/html");
    let page = person.get(&format!("/exports/{}", export.request)).await;
    assert!(!page.text().contains("/stop\""), "{}", page.text());
    let token = String::new();
    for (path, fields) in
        [(format!("/exports/{}/stop", export.request), vec![]), ("/exports".to_owned(), once(&token, &[]))]
    {
        assert_eq!(person.form(&path, &fields).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let now = app.store.export(ACCOUNT, export.request).await.unwrap().unwrap();
    assert!(now.is_active());
    app.abandon();
}

#[tokio::test]
async fn the_list_is_filtered_and_paged() {
    let app = TestApp::new().await;
    let mut created = Vec::new();
    for at in 0..45 {
        let format = if at % 3 == 0 { Format::Xml } else { Format::Csv };
        app.advance_secs(1);
        created.push(app.export(app.spec(format, DAY, DAY)).await.0.request.to_string());
    }
    created.reverse();
    let person = app.person(ACCOUNT, Role::Editor);
    let first = person.get("/exports").await;
    assert_eq!(listed(&first), created[..20]);
    let older = all_between(&first, "href=\"/exports?", "\"")
        .into_iter()
        .find(|href| href.contains("cursor"))
        .unwrap();
    let second = person.get(&format!("/exports?{older}")).await;
    assert_eq!(listed(&second), created[20..40]);
    // Forth and back over the same pages, also where exports come meanwhile.
    let link = |page: &Answer, text: &str| {
        let links = all_between(page, "<a class=\"button\" href=\"", "</a>");
        let found = links.into_iter().find(|link| link.contains(text));
        found.map(|link| link.split('"').next().unwrap().to_owned())
    };
    assert_eq!((link(&first, "Newer"), link(&first, "Newest")), (None, None));
    let third = person.get(&link(&second, "Older").unwrap()).await;
    assert_eq!(listed(&third), created[40..]);
    assert_eq!(link(&third, "Older"), None);
    app.advance_secs(1);
    let newest = app.export(app.spec(Format::Csv, DAY, DAY)).await.0.request.to_string();
    let back = person.get(&link(&third, "Newer").unwrap()).await;
    assert_eq!(listed(&back), created[20..40]);
    let first_again = person.get(&link(&back, "Newer").unwrap()).await;
    assert_eq!(listed(&first_again)[0], newest);
    assert_eq!(link(&first_again, "Newer"), None);
    created.insert(0, newest);
    let wide = person.get("/exports?size=40").await;
    assert_eq!(listed(&wide), created[..40]);

    let xml = person
        .get("/exports?format=xml&status=PENDING&type=all-events&frequency=one-time&bucket=partner-bucket")
        .await;
    assert_eq!(listed(&xml).len(), 15);
    assert!(text(&xml).contains("5 active"), "{}", text(&xml));
    let none = person.get("/exports?frequency=live").await;
    assert!(text(&none).contains("No export matches the filter"), "{}", text(&none));
    // What is no condition is told, and counts for none.
    let nonsense = person.get("/exports?type=nonsense").await;
    assert_eq!(listed(&nonsense), created[..20]);
    let said = text(&nonsense);
    assert!(said.contains("“nonsense” is no type") && !said.contains("active"), "{said}");
    let then = person.get("/exports?from=2026-03-01&to=2026-03-09").await;
    assert_eq!(listed(&then).len(), 0);
    let now = person.get("/exports?from=2026-03-10&to=2026-03-10").await;
    assert_eq!(listed(&now).len(), 20);
    app.abandon();
}

#[tokio::test]
async fn another_account_sees_nothing() {
    let app = TestApp::new().await;
    let (export, _) = app.export(app.spec(Format::Csv, DAY, DAY)).await;
    app.connect(AccountId(7), "theirs", "their-bucket", "{}").await;
    let stranger = app.person(AccountId(7), Role::Editor).with("accept", "text/html");
    let list = stranger.get("/exports?bucket=partner-bucket").await;
    assert_eq!(listed(&list).len(), 0);
    for path in ["", "/edit", "/stop", "/live"] {
        let answer = stranger.get(&format!("/exports/{}{path}", export.request)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    stranger.get("/exports").await;
    let stop = stranger.form(&format!("/exports/{}/stop", export.request), &[]).await;
    assert_eq!(stop.status, StatusCode::NOT_FOUND);
    assert!(app.store.export(ACCOUNT, export.request).await.unwrap().unwrap().is_active());
    app.abandon();
}

#[tokio::test]
async fn a_blocked_bucket_says_what_to_do() {
    let app = TestApp::new().await;
    let (export, _) = app.export(app.spec(Format::Csv, DAY, DAY)).await;
    let failure = BucketFailure {
        class: FailureClass::CredentialsRejected,
        http_status: Some(401),
        message: "Invalid <Credentials>".to_owned(),
    };
    let id = BucketId(BUCKET.to_owned());
    let bucket = app.store.bucket(ACCOUNT, &id).await.unwrap().unwrap();
    app.store.block_bucket(&bucket, &failure, app.now()).await.unwrap();
    let person = app.person(ACCOUNT, Role::Editor);
    let page = person.get(&format!("/exports/{}", export.request)).await;
    let said = text(&page);
    assert!(said.contains("BLOCKED") && said.contains("Replace the key"), "{said}");
    assert!(said.contains("the credentials are incorrect or expired"), "{said}");
    assert!(said.contains("Generate the key again in Google Cloud's console"), "{said}");
    assert!(page.text().contains("/help/failures/credentials-rejected?bucket=partner%2Dbucket"), "{said}");
    assert!(said.contains("Google says: Invalid <Credentials>"), "{said}");
    assert!(!page.text().contains("<Credentials>"));
    assert!(text(&person.get("/exports").await).contains("BLOCKED"));
    assert!(text(&person.get("/partners").await).contains("1 bucket connected, 1 blocked"));
    app.abandon();
}

/// Not RUNNING: nothing is, until our operators have mended the lake.
#[tokio::test]
async fn an_incomplete_export_says_so_and_what_happens_next() {
    for is_part in [true, false] {
        let app = TestApp::new().await;
        let broken = app.lake.write_events(&app.file(10), &rows("Charged", 20));
        if is_part {
            app.lake.write_events(&app.file(10), &rows("Viewed", 20));
        }
        let (export, run) = app.export(app.spec(Format::Csv, DAY, DAY)).await;
        app.lake.write_raw(&broken, app.file(10).committed, b"PAR1 no more");
        app.drain().await.unwrap();
        assert_eq!(app.run(run.key).await.status, RunStatus::Incomplete);
        let person = app.person(ACCOUNT, Role::Editor);
        let page = person.get(&format!("/exports/{}", export.request)).await;
        let said = text(&page);
        assert!(said.contains("INCOMPLETE") && !said.contains("RUNNING"), "{said}");
        assert!(said.contains("1 file of the last run could not be written"), "{said}");
        assert!(said.contains("once they have mended it") && said.contains("stays INCOMPLETE"), "{said}");
        assert_eq!(said.contains("the files that are there are whole"), is_part, "{said}");
        assert!(text(&person.get("/exports").await).contains("INCOMPLETE"));
        steps::stop_export(&app.parts(), ACCOUNT, export.request, &StopReason::User).await.unwrap();
        let stopped = text(&person.get(&format!("/exports/{}", export.request)).await);
        assert!(stopped.contains("STOPPED"), "{stopped}");
    }
}

#[tokio::test]
async fn an_empty_run_shows_its_manifest() {
    let app = TestApp::new().await;
    let (export, run) = app.export(app.spec(Format::Csv, DAY, DAY)).await;
    app.drain().await.unwrap();
    assert_eq!(app.run(run.key).await.status, RunStatus::Empty);
    let page = app.person(ACCOUNT, Role::Editor).get(&format!("/exports/{}", export.request)).await;
    let said = text(&page);
    assert!(said.contains("Nothing in the window"), "{said}");
    let name = format!("{0}-{0}.manifest", export.request);
    assert!(said.contains(&name), "{said}");
    assert!(page.text().contains(&format!("data-copy=\"gs://{BUCKET}/{name}\"")));
}

#[tokio::test]
async fn names_of_events_are_text_whatever_they_are() {
    let app = TestApp::new().await;
    let name = "<img src=x onerror=alert(1)> \"'&";
    app.lake.write_events(&app.file(10), &rows(name, 4));
    steps::keep_catalogue(&app.parts(), ACCOUNT).await.unwrap();
    let mut spec = app.spec(Format::Json, DAY, DAY);
    spec.data = DataSelection::SelectEvents { names: vec![name.to_owned()] };
    let (export, _) = app.export(spec).await;
    app.drain().await.unwrap();
    let person = app.person(ACCOUNT, Role::Editor);
    for path in ["/exports/new", "/exports", &format!("/exports/{}", export.request)] {
        let page = person.get(path).await;
        assert!(!page.text().contains("<img"), "{path}");
        assert!(text(&page).contains("<img src"), "{path}: {}", text(&page));
    }
}

#[tokio::test]
async fn profiles_flow_once() {
    let app = TestApp::new().await;
    let person = app.person(ACCOUNT, Role::Editor);
    let mut spec = app.spec(Format::Json, DAY, DAY);
    (spec.data, spec.frequency) = (DataSelection::AllProfiles, Frequency::Live { start: date(2026, 3, 10) });
    let flow = steps::create_export(&app.parts(), ACCOUNT, spec).await.unwrap().export;
    assert_eq!(flow.status.kind(), StatusKind::Pending);
    let token = new_token(&person).await;
    let fields = once(&token, &[]).into_iter().filter(|(name, _)| *name != "data");
    let fields: Vec<_> = fields.chain([("data", "all-profiles")]).collect();
    let refused = person.form("/exports", &fields).await;
    let said = text(&refused);
    assert!(said.contains(&format!("Stop export {} first", flow.request)), "{said}");
}
