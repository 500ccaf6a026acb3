//! What may be created, decided over the store; and exports of profiles, of which one flows at a time.

use jiff::{Timestamp, civil::date};
use spillway::{
    domain::{DataSelection, DateRange, ExportSpec, Frequency, RunStatus, StopReason, Window},
    steps::{self, CreateError},
};
use spillway_tests::harness::{ACCOUNT, FileSpec, ProfileRow, assert_profiles};

use crate::flow::{Flow, at, live, recurring};

fn profiles(flow: &Flow, frequency: Frequency) -> ExportSpec {
    ExportSpec { data: DataSelection::AllProfiles, ..flow.spec(frequency) }
}

fn profile(flow: &Flow, id: &str, note: &str) -> ProfileRow {
    ProfileRow {
        id: id.to_owned(),
        database: 0,
        updated_at: flow.app.now(),
        note: note.to_owned(),
        more: serde_json::Value::Null,
        deleted: false,
    }
}

fn write(flow: &Flow, rows: &[ProfileRow]) {
    flow.app.lake.write_profiles(&FileSpec { committed: flow.app.now(), ..flow.app.file(4) }, rows);
}

#[tokio::test]
async fn profiles_begin_at_the_beginning_of_time_and_go_on_with_what_changed() {
    let flow = Flow::new("UTC", "2025-01-01T12:00:00Z").await;
    let old = [profile(&flow, "anna", "old"), profile(&flow, "bert", "old")];
    write(&flow, &old);
    flow.app.clock.set(at("2026-03-10T09:00:00Z"));
    let spec = profiles(&flow, recurring(4, date(2026, 3, 10)));
    let export = steps::create_export(&flow.app.parts(), ACCOUNT, spec).await.unwrap().export;
    let first = flow.tick_at("2026-03-10T12:00:00Z").await.created[0];
    flow.app.drain().await.unwrap();
    let delivered = flow.app.delivered(first).await;
    let cut = at("2026-03-10T11:58:00Z");
    assert_eq!(delivered.run.window, Window::Committed { after: Timestamp::UNIX_EPOCH, upto: cut });
    assert_profiles(&delivered, &[&old[0], &old[1]]);
    let new = profile(&flow, "bert", "new");
    write(&flow, std::slice::from_ref(&new));
    let second = flow.tick_at("2026-03-10T16:00:00Z").await.created[0];
    flow.app.drain().await.unwrap();
    let delivered = flow.app.delivered(second).await;
    assert_profiles(&delivered, &[&new]);
    assert_eq!(flow.runs(&export).await.len(), 2);
}

#[tokio::test]
async fn one_export_of_profiles_flows_at_a_time() {
    let flow = Flow::new("UTC", "2026-03-10T09:00:00Z").await;
    let parts = flow.app.parts();
    let create = async |frequency| steps::create_export(&parts, ACCOUNT, profiles(&flow, frequency)).await;
    let first = create(live(date(2026, 3, 10))).await.unwrap();
    assert_eq!((first.run, first.clipped), (None, None));
    for frequency in [Frequency::OneTime { days: None }, recurring(4, date(2026, 3, 10))] {
        let refused = create(frequency).await.unwrap_err();
        assert!(matches!(refused, CreateError::Refused(_)), "{refused:?}");
        let stop = format!("Stop export {} first", first.export.request);
        assert!(refused.to_string().contains(&stop), "{refused}");
    }
    steps::stop_export(&parts, ACCOUNT, first.export.request, &StopReason::User).await.unwrap();
    let once = create(Frequency::OneTime { days: None }).await.unwrap();
    flow.app.drain().await.unwrap();
    assert_eq!(flow.app.run(once.run.unwrap().key).await.status, RunStatus::Empty);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_exports_of_profiles_at_once_one_is_created() {
    let flow = Flow::new("UTC", "2026-03-10T09:00:00Z").await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (parts, spec) = (flow.app.parts(), profiles(&flow, recurring(4, date(2026, 3, 10))));
            tokio::spawn(async move { steps::create_export(&parts, ACCOUNT, spec).await })
        })
        .collect();
    let (mut created, mut refused) = (Vec::new(), Vec::new());
    for task in tasks {
        match task.await.unwrap() {
            Ok(made) => created.push(made.export.request),
            Err(CreateError::Refused(refusals)) => refused.push(refusals.to_string()),
            Err(error) => panic!("{error}"),
        }
    }
    let [request] = created[..] else { panic!("{created:?}") };
    assert_eq!(refused.len(), 19);
    assert!(refused.iter().all(|refusal| refusal.contains(&format!("Stop export {request} first"))));
}

#[tokio::test]
async fn one_time_days_are_clipped_and_other_wishes_refused() {
    let mut flow = Flow::new("Europe/Berlin", "2026-03-10T09:00:00Z").await;
    flow.commit(date(2026, 3, 9));
    let parts = flow.app.parts();
    let days = |first, last| Frequency::OneTime { days: Some(DateRange::new(first, last).unwrap()) };
    let spec = flow.spec(days(date(2025, 1, 1), date(2026, 3, 10)));
    let created = steps::create_export(&parts, ACCOUNT, spec.clone()).await.unwrap();
    assert_eq!(created.export.spec.frequency, days(date(2026, 1, 10), date(2026, 3, 10)));
    assert!(created.clipped.unwrap().to_string().starts_with("Days before 2026-01-10 are left out"));
    flow.app.drain().await.unwrap();
    assert_eq!(flow.app.run(created.run.unwrap().key).await.status, RunStatus::Done);
    let future = flow.spec(days(date(2026, 3, 10), date(2026, 3, 11)));
    let refused = steps::create_export(&parts, ACCOUNT, future).await.unwrap_err();
    assert!(refused.to_string().starts_with("2026-03-11 has not begun yet in Europe/Berlin"), "{refused}");
    let nobody = spillway::domain::AccountId(9);
    let unknown = steps::create_export(&parts, nobody, spec).await.unwrap_err();
    assert!(matches!(unknown, CreateError::NoAccount(account) if account == nobody), "{unknown}");
}
