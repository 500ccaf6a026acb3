//! The lines that the page of an export offers for DuckDB and pandas read that export's very files: they are taken off the
//! page, and run over what the engine wrote, in every format and packaging, also where an event is called like nothing else.

use std::{fs, path::Path};

use dashboard::identity::Role;
use jiff::civil::date;
use rand::{SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use spillway::domain::{DataSelection, Format, Frequency, Packaging};
use spillway_tests::{
    harness::{ACCOUNT, BUCKET, EventRow, ProfileRow, TestApp},
    readers::run_snippets,
    web::{Answer, Person},
};

use crate::html::unescaped;

const DAY: jiff::civil::Date = date(2026, 3, 9);
const OTHER_DAY: jiff::civil::Date = date(2026, 3, 8);
/// With everything that shells, SQL, Python and globs take for something.
const HOSTILE: &str = "It's \"50%\", $(x) `y` {a,b}; \u{7} --\\n 🎉";

/// The parts of a tool's snippet on the page of an export.
fn snippet(page: &Answer, tool: &str) -> Vec<Value> {
    let html = page.text();
    let at = html.find(&format!("<summary>{tool}</summary>")).unwrap_or_else(|| panic!("no {tool}: {html}"));
    let part = html[at..].split("</details>").next().unwrap();
    let blocks = part.split("<pre tabindex=\"0\" aria-label=\"").skip(1);
    let parts = blocks.map(|block| {
        let (label, rest) = block.split_once("\"><code>").unwrap();
        let code = rest.split("</code>").next().unwrap();
        json!({ "label": unescaped(label), "code": unescaped(code) })
    });
    parts.collect()
}

/// What was written, where the first snippet would have downloaded it to.
async fn download(app: &TestApp, folder: &Path, request: &str) {
    let to = folder.join(format!("export-{request}-{request}"));
    fs::create_dir_all(&to).unwrap();
    for (name, bytes) in app.buckets.objects(BUCKET).into_iter().filter(|(name, _)| name.contains(request)) {
        fs::write(to.join(name), bytes).unwrap();
    }
}

struct Case {
    snippets: Vec<Value>,
    expected: Vec<Vec<String>>,
}

async fn add(
    app: &TestApp,
    person: &Person,
    folder: &Path,
    case: &mut Case,
    spec: spillway::domain::ExportSpec,
    ids: (&[&str], Vec<String>),
) {
    app.advance_secs(5);
    let (export, _) = app.export(spec).await;
    app.drain().await.unwrap();
    let request = export.request.to_string();
    download(app, folder, &request).await;
    let page = person.get(&format!("/exports/{request}")).await;
    for tool in ["DuckDB", "pandas"] {
        let parts = snippet(&page, tool);
        assert!(!parts.is_empty(), "{tool}");
        case.snippets.push(json!({ "title": tool, "ids": ids.0, "parts": parts }));
        let mut expected = ids.1.clone();
        expected.sort();
        case.expected.push(expected);
    }
}

#[tokio::test]
async fn they_read_these_very_files() {
    let mut app = TestApp::new().await;
    app.options.file_limit_bytes = 400_000;
    let mut rng = StdRng::seed_from_u64(11);
    let rows: Vec<_> =
        (0..60).map(|at| EventRow::random(&mut rng, format!("row-{at}"), HOSTILE, DAY, 0)).collect();
    for part in rows.chunks(30) {
        app.lake.write_events(&app.file(10), part);
    }
    let profiles: Vec<_> = (0..40)
        .map(|at| ProfileRow {
            id: format!("user-{at}"),
            database: 0,
            updated_at: app.now(),
            note: "line\nend, \"quoted\"".to_owned(),
            more: json!({ "Plan": "pro", "plan": at }),
            deleted: false,
        })
        .collect();
    app.lake.write_profiles(&app.file(10), &profiles);
    let person = app.person(ACCOUNT, Role::Viewer);
    let folder = tempfile::tempdir().unwrap();
    let mut case = Case { snippets: Vec::new(), expected: Vec::new() };
    let uids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    let users: Vec<_> = profiles.iter().map(|profile| profile.id.clone()).collect();
    for format in Format::ALL {
        for packaging in [Packaging::Gzip, Packaging::Plain] {
            let mut spec = app.spec(format, DAY, DAY);
            spec.packaging = packaging;
            let own = (&["eventProps", "uid"][..], uids.clone());
            add(&app, &person, folder.path(), &mut case, spec.clone(), own.clone()).await;
            if format == Format::Json {
                spec.header_line = false;
                add(&app, &person, folder.path(), &mut case, spec.clone(), own).await;
            }
            (spec.data, spec.frequency) = (DataSelection::AllProfiles, Frequency::OneTime { days: None });
            add(&app, &person, folder.path(), &mut case, spec, (&["objectId"], users.clone())).await;
        }
    }
    // Two events beside each other, of which each has columns that the other has not: all files are read.
    let mut both = uids;
    let others: Vec<_> = (0..20)
        .map(|at| EventRow::random(&mut rng, format!("other-{at}"), "Charged", OTHER_DAY, 0))
        .collect();
    let again: Vec<_> = rows.iter().map(|row| EventRow { date: OTHER_DAY, ..row.clone() }).collect();
    app.lake.write_events(&app.file(10), &others);
    app.lake.write_events(&app.file(10), &again);
    both.extend(others.iter().map(|row| row.id.clone()));
    for format in Format::ALL {
        for packaging in [Packaging::Gzip, Packaging::Plain] {
            let mut spec = app.spec(format, OTHER_DAY, OTHER_DAY);
            spec.packaging = packaging;
            let own = (&["eventProps", "uid"][..], both.clone());
            add(&app, &person, folder.path(), &mut case, spec, own).await;
        }
    }
    assert_eq!(case.snippets.len(), 36 + 16);
    fs::write(folder.path().join("snippets.json"), json!(case.snippets).to_string()).unwrap();
    let said = run_snippets(folder.path()).unwrap_or_else(|error| panic!("{error:#}"));
    let read: Vec<Vec<String>> = serde_json::from_str(&said).unwrap();
    for ((read, expected), snippet) in read.iter().zip(&case.expected).zip(&case.snippets) {
        assert_eq!(read, expected, "{snippet}");
    }
    assert_eq!(read.len(), case.expected.len());
}
