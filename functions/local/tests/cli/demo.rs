//! `spillway demo`.

use super::support::{Home, crc32c, tree};

/// The table says of every object what lies on the disk, and there is a manifest a run.
#[test]
fn the_demo_tells_what_lies_on_the_disk() {
    let home = Home::new();
    let done = home.run(&["demo"]).ok();
    let objects = home.objects("spillway-demo");
    let (mut files, mut manifests) = (0, 0);
    for (name, bytes) in &objects {
        if name.ends_with(".manifest") {
            manifests += 1;
            continue;
        }
        files += 1;
        // Names may hold no white space, so a row is the line that begins with the name.
        let row = done.out.lines().find(|line| line.trim_start().starts_with(&format!("{name} ")));
        let row = row.unwrap_or_else(|| panic!("no row for {name}"));
        let cells: Vec<_> = row.trim_start()[name.len()..].split_whitespace().collect();
        assert_eq!(
            (cells[0], cells[2].replace(',', "")),
            (&*crc32c(bytes), bytes.len().to_string()),
            "{row}"
        );
        assert!(cells[1].replace(',', "").parse::<u64>().unwrap() > 0, "{row}");
    }
    assert_eq!(manifests, 8);
    let rows = done.out.lines().filter(|line| line.contains("==") || line.split_whitespace().count() == 4);
    assert!(rows.count() >= files);
    assert!(done.out.contains("all as their manifests say"), "{}", done.out);

    assert!(done.out.contains("\nprofiles as parquet "), "{}", done.out);
    // What it says to try next works as it stands.
    let next = done.out.lines().find(|line| line.ends_with(" verify --bucket spillway-demo")).unwrap();
    let ran = std::process::Command::new("sh").args(["-c", next]).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");

    // Again, for a script: nothing is doubled in the lake, the earlier files stay.
    let lake = tree(&home.path("home/lake"));
    let again = home.run(&["--json", "demo"]).ok().json();
    assert_eq!(tree(&home.path("home/lake")), lake);
    let now = home.objects("spillway-demo");
    assert!(objects.iter().all(|(name, bytes)| now.get(name) == Some(bytes)));
    let runs = again.as_array().unwrap();
    assert_eq!(runs.len(), 8);
    let mut listed = 0;
    for run in runs {
        assert_eq!(run["status"], "DONE");
        let files = run["files"].as_array().unwrap();
        let rows: u64 = files.iter().map(|file| file["rows"].as_u64().unwrap()).sum();
        assert_eq!(run["rows"], rows);
        for file in files {
            listed += 1;
            let bytes = &now[file["name"].as_str().unwrap()];
            assert_eq!((&file["crc32c"], &file["bytes"]), (&crc32c(bytes).into(), &bytes.len().into()));
        }
    }
    assert_eq!((listed, now.len()), (files, objects.len() * 2));
}
