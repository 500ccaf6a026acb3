//! Google's own Rust client against the emulator: writes, reads, preconditions, retention, permissions.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use bytes::Bytes;
use common::*;
use gcs_emulator::{BucketOptions, Role};

#[tokio::test]
async fn writes_of_any_size_read_back() {
    let world = World::new().await;
    let buffer = 256 << 10;
    for (name, len) in [
        ("empty", 0),
        ("small", 5),
        ("exactly one buffer", buffer),
        ("exactly three buffers", 3 * buffer),
        ("between", 2 * buffer + 77),
    ] {
        let data = noise(len);
        let object = world.create(name, data.clone()).await.unwrap();
        assert_eq!(usize::try_from(object.size).unwrap(), len, "{name}");
        assert_eq!(object.checksums.unwrap().crc32c, Some(crc32c::crc32c(&data)), "{name}");
        assert_eq!(object.content_type, "application/gzip");
        assert_eq!(world.read(name).await, data, "{name}");
        assert_eq!(std::fs::read(world.emulator().object_path(BUCKET, name)).unwrap(), data, "a plain file");
    }
}

#[tokio::test]
async fn single_request_uploads_carry_their_checksums() {
    let world = World::new().await;
    let storage = world.storage().await;
    let unbuffered = storage.write_object(PARENT, "dir/a b.txt", "hello").set_content_type("text/plain");
    let object = unbuffered.send_unbuffered().await.unwrap();
    assert_eq!((object.size, object.content_type.as_str()), (5, "text/plain"));
    let empty = storage.write_object(PARENT, "nothing", "").send_buffered().await.unwrap();
    assert_eq!(empty.size, 0);
    let small = storage
        .write_object(PARENT, "with-meta", "x")
        .set_metadata([("run", "7")])
        .set_cache_control("no-store")
        .send_buffered()
        .await
        .unwrap();
    assert_eq!(small.metadata["run"], "7");
    assert_eq!(world.read("dir/a b.txt").await, b"hello");
    let wrong = storage.write_object(PARENT, "wrong", "hello").with_known_crc32c(7_u32);
    let error = wrong.send_unbuffered().await.unwrap_err();
    assert_eq!(refusal(&error), (400, "invalid".into()));
    let wrong = storage.write_object(PARENT, "wrong", "hello").with_known_md5_hash(vec![7_u8; 16]);
    assert_eq!(refusal(&wrong.send_unbuffered().await.unwrap_err()), (400, "invalid".into()));
    assert!(!world.emulator().object_path(BUCKET, "wrong").exists());
}

#[tokio::test]
async fn generations_grow_and_an_object_is_created_once() {
    let world = World::new().await;
    let first = world.create("o", Bytes::from_static(b"one")).await.unwrap();
    for data in [Bytes::from_static(b"two"), noise(1 << 20)] {
        let error = world.create("o", data).await.unwrap_err();
        assert_eq!(refusal(&error), (412, "conditionNotMet".into()));
    }
    assert_eq!(world.read("o").await, b"one");
    let storage = world.storage().await;
    let replaced = storage.write_object(PARENT, "o", "two").set_if_generation_match(first.generation);
    let second = replaced.send_unbuffered().await.unwrap();
    assert!(second.generation > first.generation);
    assert_eq!(world.read("o").await, b"two");
}

#[tokio::test]
async fn of_two_creators_one_wins() {
    let world = World::new().await;
    for round in 0..5 {
        let name = format!("race-{round}");
        let sizes = [1, 300_000, 2, 600_000];
        let all = sizes.map(|len| world.create(&name, noise(len)));
        let done = futures::future::join_all(all).await;
        let won: Vec<usize> =
            done.iter().zip(sizes).filter_map(|(result, len)| result.is_ok().then_some(len)).collect();
        assert_eq!(won.len(), 1, "{done:?}");
        assert!(done.iter().flat_map(|result| result.as_ref().err()).all(|error| refusal(error).0 == 412));
        assert_eq!(world.read(&name).await, noise(won[0]));
    }
}

#[tokio::test]
async fn keys_roles_and_buckets_that_fail() {
    let world = World::with(BucketOptions::default(), Role::ObjectCreator).await;
    let data = || Bytes::from_static(b"x");
    assert!(world.create("a", data()).await.is_ok());

    let foreign = {
        let other = tempfile::tempdir().unwrap();
        let other =
            gcs_emulator::Emulator::open(other.path(), std::sync::Arc::new(system) as gcs_emulator::Clock)
                .unwrap();
        other.create_service_account_key(PROJECT, EMAIL).unwrap()
    };
    let base = world.running.base_url();
    let error = create(&storage(base, &foreign, 1 << 20).await, "b", data()).await.unwrap_err();
    assert_eq!(refusal(&error), (401, "authError".into()));
    assert_eq!(world.emulator().register_key(&foreign).unwrap(), EMAIL);
    assert!(create(&storage(base, &foreign, 1 << 20).await, "b", data()).await.is_ok());

    let stranger = world.emulator().create_service_account_key("p", "b@p.iam.gserviceaccount.com").unwrap();
    let error = create(&storage(base, &stranger, 1 << 20).await, "c", noise(600_000)).await.unwrap_err();
    assert_eq!(refusal(&error), (403, "forbidden".into()));
    assert!(format!("{error:?}").contains(
        "b@p.iam.gserviceaccount.com does not have storage.objects.create access to the Google Cloud Storage object"
    ));

    let storage = world.storage().await;
    let error = storage.read_object(PARENT, "a").send().await.unwrap_err();
    assert_eq!(refusal(&error).0, 403, "objectCreator cannot read");
    let error = storage.write_object(PARENT, "a", "y").send_unbuffered().await.unwrap_err();
    assert_eq!(refusal(&error), (403, "forbidden".into()), "nor replace");
    let nowhere = storage.write_object("projects/_/buckets/no-such-bucket", "a", "y");
    assert_eq!(refusal(&nowhere.send_unbuffered().await.unwrap_err()), (404, "notFound".into()));

    world.emulator().revoke_role(BUCKET, EMAIL, Role::ObjectCreator).unwrap();
    assert_eq!(refusal(&world.create("d", data()).await.unwrap_err()).0, 403);
    world.emulator().revoke_key(world.key["private_key_id"].as_str().unwrap()).unwrap();
    assert_eq!(refusal(&world.create("d", data()).await.unwrap_err()), (401, "authError".into()));
}

#[tokio::test]
async fn retention_and_holds() {
    for retention_locked in [false, true] {
        let options =
            BucketOptions { retention_secs: Some(3600), retention_locked, ..BucketOptions::default() };
        let world = World::with(options, Role::ObjectAdmin).await;
        let large = noise(700_000);
        world.create("o", large.clone()).await.unwrap();
        let storage = world.storage().await;
        let small = storage.write_object(PARENT, "o", "y").send_unbuffered().await.unwrap_err();
        assert_eq!(refusal(&small), (403, "retentionPolicyNotMet".into()));
        let until = world.clock.now() + jiff::SignedDuration::from_secs(3600);
        assert!(format!("{small:?}").contains(&format!(
            "Object 'partner-bucket/o' is subject to bucket's retention policy or object retention \
             and cannot be deleted or overwritten until {until}"
        )));
        let source = Pieces { data: noise(700_000), piece_bytes: 50_000 };
        let error = storage.write_object(PARENT, "o", source).send_buffered().await.unwrap_err();
        assert_eq!(refusal(&error), (403, "retentionPolicyNotMet".into()), "at the last PUT");
        let error = world.create("o", noise(9)).await.unwrap_err();
        assert_eq!(refusal(&error).0, 412, "a precondition comes before retention");
        assert_eq!(world.read("o").await, large);

        world.clock.advance_secs(3601);
        world.emulator().set_hold(BUCKET, "o", true).unwrap();
        let error = storage.write_object(PARENT, "o", "y").send_unbuffered().await.unwrap_err();
        assert_eq!(refusal(&error), (403, "forbidden".into()));
        assert!(format!("{error:?}").contains("is under active Temporary hold"));
        world.emulator().set_hold(BUCKET, "o", false).unwrap();
        storage.write_object(PARENT, "o", "y").send_unbuffered().await.unwrap();
    }
}

#[tokio::test]
async fn hostile_names_stay_in_the_bucket() {
    let world = World::new().await;
    let long = "n".repeat(1024);
    let names = [
        "../x",
        "..%2Fx",
        ".gcs/x",
        "a\0b",
        "/",
        "//",
        "a/../../b",
        "🛒 قائمة",
        "x%",
        "~",
        "-rf",
        "a\\b",
        &long,
    ];
    for name in names {
        world.create(name, Bytes::from(name.to_owned())).await.unwrap();
    }
    for name in names {
        assert_eq!(world.read(name).await, name.as_bytes(), "{name:?}");
        let path = world.emulator().object_path(BUCKET, name);
        assert_eq!(path.parent().unwrap(), world.folder.path().join(BUCKET));
        assert_eq!(std::fs::read(path).unwrap(), name.as_bytes());
    }
    let mut top: Vec<_> =
        std::fs::read_dir(world.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    top.sort();
    assert_eq!(top, [".gcs", BUCKET]);
    for name in ["a\nb", "..", &"n".repeat(1025)] {
        let error = world.create(name, noise(1)).await.unwrap_err();
        assert_eq!(refusal(&error).0, 400, "{name:?}");
    }
}

#[tokio::test]
async fn a_restart_keeps_buckets_keys_and_objects() {
    let world = World::new().await;
    let before = world.create("o", noise(300_000)).await.unwrap();
    let world = world.restarted().await;
    assert_eq!(world.read("o").await, noise(300_000));
    let error = world.create("o", noise(1)).await.unwrap_err();
    assert_eq!(refusal(&error).0, 412);
    let after = world.create("p", noise(1)).await.unwrap();
    assert!(after.generation > before.generation);
}
