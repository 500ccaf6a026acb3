//! The JSON API as curl and gcloud use it: buckets, IAM, lists, ranges, sessions, anonymous callers.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use gcs_emulator::{BucketOptions, Fault, FaultRule, Role};
use reqwest::StatusCode;
use serde_json::{Value, json};

async fn json(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

fn reason(body: &Value) -> &str {
    body["error"]["errors"][0]["reason"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn buckets_live_and_die() {
    let world = World::new().await;
    let http = world.http().await;
    let all = world.url(&format!("/storage/v1/b?project={PROJECT}"));
    let body = json!({"name": "fresh", "location": "us-east1", "retentionPolicy": {"retentionPeriod": "60"}});
    let (status, made) = json(http.post(&all).json(&body)).await;
    assert_eq!((status, &made["name"], &made["location"]), (200, &json!("fresh"), &json!("US-EAST1")));
    assert_eq!(json(http.post(&all).json(&body)).await.0, 409);
    assert_eq!(json(http.post(&all).json(&json!({"name": "../x"}))).await.0, 400);
    assert_eq!(json(http.post(world.url("/storage/v1/b?project=other")).json(&body)).await.0, 403);
    let (_, listed) = json(http.get(&all)).await;
    let names: Vec<&str> =
        listed["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["fresh", BUCKET]);

    let fresh = world.url("/storage/v1/b/fresh");
    let lock = format!("{fresh}/lockRetentionPolicy?ifMetagenerationMatch=");
    assert_eq!(json(http.post(format!("{lock}99"))).await.0, 412);
    let (status, locked) = json(http.post(format!("{lock}1"))).await;
    assert_eq!((status, &locked["retentionPolicy"]["isLocked"]), (200, &json!(true)));
    let shorter = json!({"retentionPolicy": {"retentionPeriod": "59"}});
    assert_eq!(json(http.patch(&fresh).json(&shorter)).await.0, 403);
    assert_eq!(json(http.patch(&fresh).json(&json!({"retentionPolicy": null}))).await.0, 403);
    let longer = json!({"retentionPolicy": {"retentionPeriod": "61"}});
    let (status, longer) = json(http.patch(&fresh).json(&longer)).await;
    assert_eq!((status, &longer["retentionPolicy"]["isLocked"]), (200, &json!(true)));

    std::fs::write(world.folder.path().join("fresh/file"), "x").unwrap();
    assert_eq!(json(http.delete(&fresh)).await.0, 409);
    std::fs::remove_file(world.folder.path().join("fresh/file")).unwrap();
    assert_eq!(json(http.delete(&fresh)).await.0, 204);
    assert_eq!(json(http.get(&fresh)).await.0, 404);
    let (status, refused) = json(http.get(world.url(&format!("/storage/v1/b/{BUCKET}")))).await;
    assert_eq!((status, reason(&refused)), (403, "forbidden"), "objectUser holds no storage.buckets.get");
}

/// Buckets are plain folders, which people delete: such a bucket is missing, not broken, and can be made anew.
#[tokio::test]
async fn a_bucket_whose_folder_was_deleted_is_missing() {
    let world = World::with(BucketOptions::default(), Role::Admin).await;
    let http = world.http().await;
    world.create("kept", noise(10)).await.unwrap();
    std::fs::remove_dir_all(world.folder.path().join(BUCKET)).unwrap();
    let bucket = world.url(&format!("/storage/v1/b/{BUCKET}"));
    for path in
        ["", "/o", "/o/kept", "/o/kept?alt=media", "/iam/testPermissions?permissions=storage.objects.get"]
    {
        let response = http.get(format!("{bucket}{path}")).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(response.text().await.unwrap().contains("The specified bucket does not exist."), "{path}");
    }
    let created = world.create("new", noise(400_000)).await;
    assert_eq!(refusal(&created.unwrap_err()).0, 404);
    let emulator = world.emulator();
    assert!(!emulator.bucket_exists(BUCKET).unwrap() && !emulator.has_grants(BUCKET).unwrap());
    assert!(emulator.bucket_names().unwrap().is_empty());
    let options = || BucketOptions { project: PROJECT.into(), ..BucketOptions::default() };
    emulator.create_bucket_with(BUCKET, options(), &[(EMAIL, Role::Admin)]).unwrap();
    let (_, listed) = json(http.get(format!("{bucket}/o"))).await;
    assert_eq!(listed["items"], Value::Null, "what was in it is gone");
    world.create("kept", noise(20)).await.unwrap();
    assert_eq!(world.read("kept").await, noise(20));
}

#[tokio::test]
async fn iam_over_http() {
    let world = World::with(BucketOptions::default(), Role::Admin).await;
    let http = world.http().await;
    let iam = world.url(&format!("/storage/v1/b/{BUCKET}/iam"));
    let tested = |http: reqwest::Client| {
        let url = format!(
            "{iam}/testPermissions?permissions=storage.objects.create&permissions=storage.buckets.get&permissions=x"
        );
        async move { json(http.get(url)).await.1["permissions"].clone() }
    };
    assert_eq!(tested(http.clone()).await, json!(["storage.objects.create", "storage.buckets.get"]));
    let member = format!("serviceAccount:{EMAIL}");
    let (_, policy) = json(http.get(&iam)).await;
    assert_eq!(policy["bindings"], json!([{"role": "roles/storage.admin", "members": [member]}]));
    let unknown = json!({"bindings": [{"role": "roles/owner", "members": [member]}]});
    assert_eq!(json(http.put(&iam).json(&unknown)).await.0, 400);
    let less = json!({"bindings": [{"role": "roles/storage.objectCreator", "members": [member]}]});
    assert_eq!(json(http.put(&iam).json(&less)).await.0, 200);
    assert_eq!(tested(http.clone()).await, json!(["storage.objects.create"]));
    assert_eq!(json(http.put(&iam).json(&less)).await.0, 403);
}

#[tokio::test]
async fn anonymous_callers_need_all_users() {
    let world = World::new().await;
    world.create("o", noise(3)).await.unwrap();
    let (http, url) = (reqwest::Client::new(), world.url(&format!("/storage/v1/b/{BUCKET}/o/o?alt=media")));
    let (status, refused) = json(http.get(&url)).await;
    assert_eq!((status, reason(&refused)), (401, "required"));
    assert!(refused["error"]["message"].as_str().unwrap().starts_with("Anonymous caller does not have"));
    assert_eq!(json(http.get(&url).bearer_auth("a.b.c")).await.0, 401);
    world.emulator().grant(BUCKET, "allUsers", Role::ObjectViewer).unwrap();
    assert_eq!(http.get(&url).send().await.unwrap().bytes().await.unwrap(), noise(3));
}

#[tokio::test]
async fn requester_pays() {
    let options = BucketOptions { requester_pays: true, ..BucketOptions::default() };
    let world = World::with(options, Role::ObjectUser).await;
    let (http, url) = (world.http().await, world.url(&format!("/storage/v1/b/{BUCKET}/o")));
    let (status, refused) = json(http.get(&url)).await;
    assert_eq!((status, reason(&refused)), (400, "required"));
    assert_eq!(json(http.get(format!("{url}?userProject=p"))).await.0, 200);
}

#[tokio::test]
async fn ranges_and_headers() {
    let world = World::new().await;
    let object = world.create("o.csv.gz", noise(1000)).await.unwrap();
    let http = world.http().await;
    for path in [
        format!("/storage/v1/b/{BUCKET}/o/o.csv.gz?alt=media"),
        format!("/download/storage/v1/b/{BUCKET}/o/o.csv.gz"),
    ] {
        let get = || http.get(world.url(&path));
        let part = get().header("range", "bytes=10-19").send().await.unwrap();
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(part.headers()["content-range"], "bytes 10-19/1000");
        assert_eq!(part.headers()["x-goog-generation"], object.generation.to_string().as_str());
        assert_eq!(part.headers()["x-goog-stored-content-length"], "1000");
        assert_eq!(part.bytes().await.unwrap(), noise(1000).slice(10..20));
        let outside = get().header("range", "bytes=1000-").send().await.unwrap();
        assert_eq!(outside.status(), StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(outside.headers()["content-range"], "bytes */1000");
    }
    let url = world.url(&format!("/storage/v1/b/{BUCKET}/o/o.csv.gz"));
    let generation = object.generation;
    assert_eq!(json(http.get(format!("{url}?ifGenerationNotMatch={generation}"))).await.0, 304);
    assert_eq!(json(http.get(format!("{url}?ifGenerationMatch=1"))).await.0, 412);
    assert_eq!(json(http.get(format!("{url}?generation=1"))).await.0, 404);
    assert_eq!(json(http.get(format!("{url}?generation=x"))).await.0, 400);
    let patch = json!({"metadata": {"run": "7"}, "cacheControl": "no-store"});
    let (status, patched) = json(http.patch(&url).json(&patch)).await;
    assert_eq!(
        (status, &patched["metageneration"], &patched["metadata"]["run"]),
        (200, &json!("2"), &json!("7"))
    );
}

#[tokio::test]
async fn media_uploads_lists_and_deletes() {
    let world = World::new().await;
    let http = world.http().await;
    let upload = world.url(&format!("/upload/storage/v1/b/{BUCKET}/o"));
    for name in ["a/1", "a/2", "b", "c"] {
        let request = http
            .post(&upload)
            .query(&[("uploadType", "media"), ("name", name)])
            .header("content-type", "text/csv");
        let (status, made) = json(request.body("x")).await;
        assert_eq!((status, &made["name"], &made["contentType"]), (200, &json!(name), &json!("text/csv")));
    }
    std::fs::write(world.folder.path().join(BUCKET).join("dropped in"), "by hand").unwrap();
    let list = world.url(&format!("/storage/v1/b/{BUCKET}/o"));
    let (_, page) = json(http.get(&list).query(&[("maxResults", "2")])).await;
    assert_eq!(page["items"][1]["name"], "a/2");
    let token = page["nextPageToken"].as_str().unwrap();
    let (_, rest) = json(http.get(&list).query(&[("pageToken", token)])).await;
    let names: Vec<&Value> = rest["items"].as_array().unwrap().iter().map(|item| &item["name"]).collect();
    assert_eq!(names, ["b", "c", "dropped in"]);
    assert_eq!(rest["items"][2]["size"], "7");
    assert_eq!(world.read("dropped in").await, b"by hand");
    let (_, folders) = json(http.get(&list).query(&[("delimiter", "/"), ("prefix", "a")])).await;
    assert_eq!(folders["prefixes"], json!(["a/"]));
    assert_eq!(json(http.get(&list).query(&[("pageToken", "!")])).await.0, 400);

    assert_eq!(json(http.delete(format!("{list}/a%2F1?ifGenerationMatch=5"))).await.0, 412);
    assert_eq!(json(http.delete(format!("{list}/a%2F1"))).await.0, 204);
    let (status, gone) = json(http.delete(format!("{list}/a%2F1"))).await;
    assert_eq!((status, reason(&gone)), (404, "notFound"));
    // A person edits a file: its size, checksum and generation follow.
    let (_, before) = json(http.get(format!("{list}/b"))).await;
    std::fs::write(world.emulator().object_path(BUCKET, "b"), "edited").unwrap();
    let (_, after) = json(http.get(format!("{list}/b"))).await;
    assert_eq!(after["size"], "6");
    assert_ne!(before["generation"], after["generation"]);
}

#[tokio::test]
async fn sessions_by_hand() {
    let world = World::new().await;
    let http = world.http().await;
    let start = |world: &World| {
        let url = world.url(&format!("/upload/storage/v1/b/{BUCKET}/o?uploadType=resumable&name=s%20p"));
        let http = http.clone();
        async move {
            let reply = http.post(url).json(&json!({"contentType": "text/csv"})).send().await.unwrap();
            assert_eq!(reply.status(), 200);
            reply.headers()["location"].to_str().unwrap().to_owned()
        }
    };
    let location = start(&world).await;
    assert!(location.starts_with(world.running.base_url()), "{location}");
    // The URL alone is the credential.
    let http_without_key = reqwest::Client::new();
    let put = |url: &str, range: &str, body: &'static str| {
        http_without_key.put(url.to_owned()).header("content-range", range).body(body).send()
    };
    let reply = put(&location, "bytes 0-4/*", "hello").await.unwrap();
    assert_eq!((reply.status().as_u16(), &reply.headers()["range"]), (308, &"bytes=0-4".parse().unwrap()));

    let old_base = world.running.base_url().to_owned();
    let world = world.restarted().await;
    let location = location.replace(&old_base, world.running.base_url());
    let reply = put(&location, "bytes */*", "").await.unwrap();
    assert_eq!((reply.status().as_u16(), &reply.headers()["range"]), (308, &"bytes=0-4".parse().unwrap()));
    assert_eq!(put(&location, "bytes 9-9/10", "x").await.unwrap().status(), 400, "a gap");
    assert_eq!(put(&location, "bytes 5-6/10", "long body").await.unwrap().status(), 400, "a body too long");
    let reply = put(&location, "bytes 3-6/7", "lo -").await.unwrap();
    assert_eq!(reply.status(), 200, "what was sent before is skipped");
    assert_eq!(world.read("s p").await, b"hello -");
    for _ in 0..2 {
        let again: Value = put(&location, "bytes */*", "").await.unwrap().json().await.unwrap();
        assert_eq!((&again["size"], &again["contentType"]), (&json!("7"), &json!("text/csv")));
    }

    std::fs::remove_file(world.emulator().object_path(BUCKET, "s p")).unwrap();
    assert_eq!(put(&location, "bytes */*", "").await.unwrap().status(), 404, "its bytes are gone");
    assert_eq!(put(&location, "bytes 7-7/8", "!").await.unwrap().status(), 404);

    let old = start(&world).await;
    world.clock.advance_secs(8 * 24 * 3600);
    let (old_base, world) = (world.running.base_url().to_owned(), world.restarted().await);
    let old = old.replace(&old_base, world.running.base_url());
    assert_eq!(put(&old, "bytes */*", "").await.unwrap().status(), 404, "a week is over");

    let other = start(&world).await;
    assert_eq!(http.delete(&other).send().await.unwrap().status(), 499);
    assert_eq!(put(&other, "bytes */*", "").await.unwrap().status(), 404);
    for (body, range) in
        [("a body whose end is the object's", "bytes 0-*/*"), ("of known size", "bytes 0-12/13")]
    {
        let streamed = start(&world).await;
        assert_eq!(put(&streamed, range, body).await.unwrap().status(), 200);
        assert_eq!(world.read("s p").await, body.as_bytes());
    }
    let whole = start(&world).await;
    assert_eq!(http.put(&whole).body("no range at all").send().await.unwrap().status(), 200);
    assert_eq!(world.read("s p").await, b"no range at all");
}

/// How many files the emulator keeps of uploads.
fn upload_files(world: &World) -> usize {
    let count = |part: &str| std::fs::read_dir(world.folder.path().join(".gcs").join(part)).unwrap().count();
    count("sessions") + count("incoming")
}

/// A file of the only upload that is under way.
fn session_file(world: &World, extension: &str) -> std::path::PathBuf {
    let files = std::fs::read_dir(world.folder.path().join(".gcs/sessions")).unwrap();
    let mut paths = files.map(|file| file.unwrap().path());
    paths.find(|path| path.extension() == Some(extension.as_ref())).unwrap()
}

async fn start(world: &World, http: &reqwest::Client, bucket: &str, name: &str) -> String {
    let url = world.url(&format!(
        "/upload/storage/v1/b/{bucket}/o?uploadType=resumable&name={name}&ifGenerationMatch=0"
    ));
    let reply = http.post(url).json(&json!({})).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    reply.headers()["location"].to_str().unwrap().to_owned()
}

/// Neither a stranger's bucket nor one's own takes another bucket's upload.
#[tokio::test]
async fn an_upload_belongs_to_its_bucket() {
    let world = World::new().await;
    world.emulator().create_bucket("other-bucket", BucketOptions::default()).unwrap();
    world.emulator().grant("other-bucket", EMAIL, Role::ObjectUser).unwrap();
    let http = world.http().await;
    let location = start(&world, &http, BUCKET, "o").await;
    let moved = location.replace(BUCKET, "other-bucket");
    for http in [&http, &reqwest::Client::new()] {
        let put = |url: &str| http.put(url.to_owned()).header("content-range", "bytes 0-1/2").body("ab");
        assert_eq!(json(put(&moved)).await.0, 404);
        assert_eq!(json(http.delete(&moved)).await.0, 404);
    }
    let (status, _) = json(http.put(&location).header("content-range", "bytes 0-1/2").body("ab")).await;
    assert_eq!(status, 200);
    // Also when it is through.
    assert_eq!(json(http.put(&moved).header("content-range", "bytes */*")).await.0, 404);
    assert_eq!(json(http.put(&location).header("content-range", "bytes */*")).await.0, 200);
    assert!(!world.emulator().object_path("other-bucket", "o").exists());
}

#[tokio::test]
async fn uploads_that_ended_leave_nothing() {
    let world = World::new().await;
    let http = world.http().await;
    let late = start(&world, &http, BUCKET, "o").await;
    let wrong = start(&world, &http, BUCKET, "p").await;
    for _ in 0..3 {
        let location = start(&world, &http, BUCKET, "o-").await;
        let (status, _) = json(http.put(&location).body("x")).await;
        assert_eq!(status, 200);
        std::fs::remove_file(world.emulator().object_path(BUCKET, "o-")).unwrap();
    }
    world.create("o", noise(300_000)).await.unwrap();
    assert_eq!(json(http.put(&late).body("taken")).await.0, 412);
    assert_eq!(json(http.put(&wrong).header("x-goog-hash", "crc32c=AAAAAA==").body("x")).await.0, 400);
    assert_eq!(upload_files(&world), 0);
    for location in [&late, &wrong] {
        assert_eq!(json(http.put(location).header("content-range", "bytes */*")).await.0, 404);
    }
}

/// A process that was killed left these; the next one that opens the folder, long after, deletes them.
#[tokio::test]
async fn what_dead_processes_left_is_swept() {
    let world = World::new().await;
    let http = world.http().await;
    let location = start(&world, &http, BUCKET, "o").await;
    let (status, _) = json(http.put(&location).header("content-range", "bytes 0-2/*").body("abc")).await;
    assert_eq!(status, 308);
    let internal = world.folder.path().join(".gcs");
    for orphan in ["sessions/00ff.part", "incoming/00ff"] {
        std::fs::write(internal.join(orphan), "x").unwrap();
    }
    let world = world.restarted().await;
    assert_eq!(upload_files(&world), 3, "the upload under way, and a request that may be under way");
    world.clock.advance_secs(25 * 3600);
    let world = world.restarted().await;
    assert_eq!(upload_files(&world), 2);
    world.clock.advance_secs(7 * 24 * 3600);
    assert_eq!(upload_files(&world.restarted().await), 0);
}

/// Its client hears of the object, and what is left of the upload goes in time.
#[tokio::test]
async fn an_upload_whose_process_died_before_it_was_forgotten_is_through() {
    let world = World::new().await;
    let http = world.http().await;
    let location = start(&world, &http, BUCKET, "o").await;
    let record = session_file(&world, "json");
    let kept = std::fs::read(&record).unwrap();
    assert_eq!(json(http.put(&location).body("x")).await.0, 200);
    std::fs::write(record, kept).unwrap();
    for _ in 0..2 {
        let (status, made) = json(http.put(&location).header("content-range", "bytes */*")).await;
        assert_eq!((status, &made["size"]), (200, &json!("1")));
        assert_eq!(json(http.put(&location).body("x")).await.0, 200);
    }
    // It could as well be one that another process is just beginning.
    let world = world.restarted().await;
    assert_eq!(upload_files(&world), 1);
    world.clock.advance_secs(25 * 3600);
    assert_eq!(upload_files(&world.restarted().await), 0);
}

/// Whoever comes second, to this process or to another one, waits and hears of the object that the first one made.
#[tokio::test]
async fn an_upload_takes_one_request_at_a_time() {
    let world = World::new().await;
    let http = world.http().await;
    let clock: gcs_emulator::Clock = std::sync::Arc::new(common::system);
    let second = gcs_emulator::Emulator::start(world.folder.path(), clock).await.unwrap();
    for running in [&world.running, &second] {
        running.emulator().faults().add(FaultRule::always(Fault::Slow { bytes_per_sec: 20 }));
    }
    let here = start(&world, &http, BUCKET, "o").await;
    let there = here.replace(world.running.base_url(), second.base_url());
    let put = |url: &str| json(http.put(url).body("ten bytes."));
    let (one, two, three) = tokio::join!(put(&here), put(&there), put(&here));
    for (status, made) in [&one, &two, &three] {
        assert_eq!((*status, &made["generation"]), (200, &one.1["generation"]), "{made}");
    }
    assert_eq!(std::fs::read(world.emulator().object_path(BUCKET, "o")).unwrap(), b"ten bytes.");
    second.shutdown().await;
}

/// What a crash of the machine makes of bytes that were not on the disk yet never becomes an object.
#[tokio::test]
async fn bytes_that_changed_on_the_disk_are_no_object() {
    let world = World::new().await;
    let http = world.http().await;
    for (left, expected) in [(&[0; 3][..], 500), (&[0; 2], 404)] {
        let location = start(&world, &http, BUCKET, "o").await;
        let (status, _) = json(http.put(&location).header("content-range", "bytes 0-2/*").body("abc")).await;
        assert_eq!(status, 308);
        std::fs::write(session_file(&world, "part"), left).unwrap();
        let (status, _) = json(http.put(&location).header("content-range", "bytes 3-3/4").body("d")).await;
        assert_eq!(status, expected);
        assert!(!world.emulator().object_path(BUCKET, "o").exists());
        if expected == 500 {
            assert_eq!(json(http.delete(&location)).await.0, 499);
        }
    }
    assert_eq!(upload_files(&world), 0);
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let world = World::new().await;
    world.create("o", noise(10)).await.unwrap();
    let http = world.http().await;
    for (path, length) in [("o/o?alt=media", Some("10")), ("o/o", None), ("o", None)] {
        let reply = http.head(world.url(&format!("/storage/v1/b/{BUCKET}/{path}"))).send().await.unwrap();
        assert_eq!(reply.status(), 200, "{path}");
        if let Some(length) = length {
            assert_eq!(reply.headers()["content-length"], length);
        }
        assert!(reply.bytes().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_revoked_key_stays_revoked() {
    let world = World::new().await;
    let id = world.key["private_key_id"].as_str().unwrap();
    world.emulator().revoke_key(id).unwrap();
    world.emulator().register_key(&world.key).unwrap();
    let list = world.url(&format!("/storage/v1/b/{BUCKET}/o"));
    assert_eq!(json(world.http().await.get(list)).await.0, 401);
}

#[tokio::test]
async fn a_multipart_upload_as_gcloud_writes_it() {
    let world = World::new().await;
    let (http, url) =
        (world.http().await, world.url(&format!("/upload/storage/v1/b/{BUCKET}/o?uploadType=multipart")));
    let post = |trailer: &str| {
        let body = format!(
            "--==1==\nContent-Type: application/json\n\n{{\"name\": \"by/gcloud\"}}\n\
             --==1==\nContent-Type: text/plain\n\nhello\n{trailer}--==1==--"
        );
        json(http.post(&url).header("content-type", "multipart/related; boundary='==1=='").body(body))
    };
    let (status, wrong) = post("--==1==\n\n{\"crc32c\": \"AAAAAA==\"}\n").await;
    assert_eq!((status, reason(&wrong)), (400, "invalid"));
    let (status, made) = post("--==1==\n\n{\"crc32c\": \"mnG7TA==\"}\n").await;
    assert_eq!(
        (status, &made["contentType"], &made["size"]),
        (200, &json!("text/plain"), &json!("5")),
        "{made}"
    );
    assert_eq!(world.read("by/gcloud").await, b"hello");
    assert_eq!(post("--==1==\n\nnot json\n").await.0, 400);
    let left = std::fs::read_dir(world.folder.path().join(".gcs/incoming")).unwrap().count();
    assert_eq!(left, 0, "refused uploads leave nothing");
}
