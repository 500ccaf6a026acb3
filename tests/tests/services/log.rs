//! Lines of the log, as Cloud Logging reads them.

use std::{
    io,
    sync::{Arc, Mutex},
};

use axum::{Router, routing::get};
use http::Method;
use serde_json::{Value, json};
use spillway::{
    ports::Clock,
    service::{
        Limits, Running, around,
        log::{LogSettings, subscriber},
    },
};
use spillway_tests::{clock::ManualClock, web::Person};
use tracing_subscriber::{fmt::MakeWriter, util::SubscriberInitExt};

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Written {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Written {
    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new("2026-03-10T12:00:00.25Z".parse().unwrap()))
}

fn log(filter: &str) -> (Written, tracing::subscriber::DefaultGuard) {
    let written = Written::default();
    let settings = LogSettings { filter: filter.parse().unwrap(), project_id: "our-project".to_owned() };
    let guard = subscriber(&settings, &clock(), written.clone()).set_default();
    (written, guard)
}

#[test]
fn an_event_is_a_line_with_its_fields() {
    let (written, _guard) = log("debug,other=warn");
    let error = io::Error::other("no \"disk\"\nleft");
    tracing::info!(account = 7u64, run = %"1-2", is_new = true, share = 0.5, delta = -3, "a run is due");
    tracing::warn!(%error, severity = "mine", time = "mine", "with\nlines");
    tracing::error!(target: "other", "three");
    tracing::info!(target: "other", "is not written");
    tracing::debug!(long = "ä".repeat(20_000), "four");
    tracing::trace!("is not written");
    let mut lines = written.lines();
    let long = lines[3]["long"].take();
    assert_eq!(long.as_str().unwrap().len(), 16_384 + "…".len());
    let at = "2026-03-10T12:00:00.25Z";
    let target = module_path!();
    assert_eq!(
        lines,
        [
            json!({
                "severity": "INFO", "time": at, "target": target, "message": "a run is due",
                "account": 7, "run": "1-2", "is_new": true, "share": 0.5, "delta": -3,
            }),
            json!({
                "severity": "WARNING", "time": at, "target": target, "message": "with\nlines",
                "error": "no \"disk\"\nleft", "severity_": "mine", "time_": "mine",
            }),
            json!({ "severity": "ERROR", "time": at, "target": "other", "message": "three" }),
            json!({ "severity": "DEBUG", "time": at, "target": target, "message": "four", "long": null }),
        ]
    );
}

#[test]
fn spans_lend_their_fields() {
    let (written, _guard) = log("info");
    let outer = tracing::info_span!("outer", account = 1, run = tracing::field::Empty);
    outer.record("run", "1-2");
    outer.in_scope(|| {
        tracing::info_span!("inner", account = 2).in_scope(|| tracing::info!("inside"));
        tracing::info!(account = 3, "outside");
    });
    let told: Vec<_> =
        written.lines().iter().map(|line| (line["account"].clone(), line["run"].clone())).collect();
    assert_eq!(told, [(json!(2), json!("1-2")), (json!(3), json!("1-2"))]);
}

#[tokio::test]
async fn a_line_names_its_requests_trace() {
    let (written, _guard) = log("warn");
    async fn handler() -> &'static str {
        tracing::warn!("something");
        "well"
    }
    let limits =
        Limits { body_bytes: 1, request_timeout: std::time::Duration::from_secs(60), concurrency: 1 };
    let router = around(Router::new().route("/at", get(handler)), limits, &Running::new(clock()));
    let person = Person::new(router);
    let ask = async |headers: &[(&str, &str)]| person.ask(Method::GET, "/at?secret=1", headers, "").await;
    ask(&[("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]).await;
    ask(&[("x-cloud-trace-context", "0af7651916cd43dd8448eb211c80319c/1;o=0")]).await;
    ask(&[("traceparent", "00-\"}-x-01")]).await;
    let line = |more: Value| {
        let mut line = json!({
            "severity": "WARNING", "time": "2026-03-10T12:00:00.25Z", "target": module_path!(),
            "message": "something", "method": "GET", "path": "/at",
        });
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        line
    };
    let trace = |span: &str, sampled: bool| {
        line(json!({
            "logging.googleapis.com/trace": "projects/our-project/traces/0af7651916cd43dd8448eb211c80319c",
            "logging.googleapis.com/spanId": span,
            "logging.googleapis.com/trace_sampled": sampled,
        }))
    };
    let wanted = [trace("b7ad6b7169203331", true), trace("0000000000000001", false), line(json!({}))];
    assert_eq!(written.lines(), wanted);
}
