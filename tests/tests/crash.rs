//! Files that are cut while they are mapped, memory that runs out, signals of faults: one line,
//! exit code 1, and a run that can go on.

#![cfg(target_os = "linux")]

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use end_to_end::{Finished, Place, pretrain};

/// A run that goes on until something happens to it, with a checkpoint each epoch.
fn started(place: &Place) -> Child {
    let long = ["--quiet", "--epochs", "1000000"];
    let mut child = place
        .command(&[&pretrain("simclr.json", "run")[..], &long].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let checkpoints = place.path("run/checkpoints");
    let begun = (0..60_000).any(|_| {
        sleep(Duration::from_millis(1));
        let mut entries = fs::read_dir(&checkpoints).into_iter().flatten().flatten();
        entries.any(|entry| entry.file_name().to_string_lossy().starts_with("step-"))
            || child.try_wait().unwrap().is_some()
    });
    assert!(begun);
    child
}

fn finished(child: Child) -> Finished {
    Finished::new("pretrain".to_owned(), child.wait_with_output().unwrap())
}

/// Goes on with the run for one epoch more.
fn goes_on(place: &Place) {
    let steps = place.logged_steps("run").len();
    let epochs = (steps / 8 + 2).to_string();
    let resume = ["pretrain", "simclr", "--run", "run", "--resume", "--epochs"];
    place.run(&[&resume[..], &[&epochs]].concat()).done();
    let steps: Vec<u64> = (1..=8 * epochs.parse::<u64>().unwrap()).collect();
    assert_eq!(place.logged_steps("run"), steps);
}

/// A change is noticed when the next image is asked for, or, where the file was cut, while one is
/// read.
fn ended_with_the_set(child: Child, changed: &str) {
    let stderr = finished(child).failed(1, &[]).stderr;
    let lost = "expected the mapped file to stay as it was opened, found a page that can't be read";
    assert!(
        [changed, lost].iter().any(|what| stderr.contains(&format!("unlabeled_X.bin: {what}")))
    );
}

#[test]
fn a_set_that_changes_while_it_is_trained_on() {
    let place = Place::furnished();
    let name = "data/unlabeled_X.bin";
    let whole = place.read(name);
    let file = || fs::File::options().write(true).open(place.path(name)).unwrap();

    let child = started(&place);
    file().set_len(whole.len() as u64 / 2).unwrap();
    ended_with_the_set(child, "expected the file to stay as it was opened, found 147456 bytes");
    place.put(name, &whole);
    goes_on(&place);
    fs::remove_dir_all(place.path("run")).unwrap();

    let child = started(&place);
    file().set_len(0).unwrap();
    ended_with_the_set(child, "expected the file to stay as it was opened, found 0 bytes");
    place.put(name, &whole);
    fs::remove_dir_all(place.path("run")).unwrap();

    let child = started(&place);
    // Writing cuts the file first.
    place.put(name, whole.iter().map(|byte| !byte).collect::<Vec<u8>>());
    ended_with_the_set(child, "expected the file to stay as it was opened");
    place.put(name, &whole);
    fs::remove_dir_all(place.path("run")).unwrap();

    // Whoever has mapped a file keeps it.
    let child = started(&place);
    fs::remove_file(place.path(name)).unwrap();
    let steps = place.logged_steps("run").len();
    let more = (0..60_000).any(|_| {
        sleep(Duration::from_millis(1));
        let text = fs::read_to_string(place.path("run/metrics.jsonl")).unwrap();
        text.lines().count() > steps + 50
    });
    assert!(more);
    signal(&child, "INT");
    finished(child).ended(130);
}

fn signal(child: &Child, name: &str) {
    let kill = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
}

/// The system sends it to who reads a mapped page that isn't there any more, or that the disk can't
/// read.
#[test]
fn a_page_that_can_not_be_read() {
    let place = Place::furnished();
    let child = started(&place);
    signal(&child, "BUS");
    finished(child).failed(1, &["a mapped file: expected the mapped file to stay as it was"]);
    goes_on(&place);
}

/// Kibibytes of addresses that an ordinary run uses at most.
fn address_space(place: &Place) -> u64 {
    let child = started(place);
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    signal(&child, "INT");
    finished(child).ended(130);
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
    let line = line.unwrap().trim().trim_end_matches(" kB");
    line.parse().unwrap()
}

#[test]
fn memory_that_runs_out() {
    let place = Place::furnished();
    let ordinary = address_space(&place);
    let before = place.contents();
    // Enough images for a batch of which the views alone fill 200 MB as numbers.
    let images = 8_000;
    place.put("many/unlabeled_X.bin", vec![7; images * 3 * 32 * 32]);
    let shape = r#"{"width": 32, "height": 32, "channels": 3, "classes": 10}"#;
    place.put("many/shape.json", shape);
    let run = [
        "pretrain",
        "simclr",
        "--config",
        "simclr.json",
        "--data",
        "many",
        "--batch-size",
        "8000",
        "--epochs",
        "1",
        "--quiet",
        "--run",
    ];
    let limited = |more_mib: u64, run: &[&str]| {
        place.run_after(&format!("ulimit -v {}", ordinary + (more_mib << 10)), run)
    };
    let mut said = Vec::new();
    for (number, more_mib) in (0..).zip([0, 100, 200, 300, 500]) {
        let folder = format!("large{number}");
        let finished = limited(more_mib, &[&run[..], &[&folder]].concat());
        said.push(finished.failed(1, &["out of memory: ", "a smaller train.batch_size"]).stderr);
    }
    // By libtorch in a step, and by the program itself.
    assert!(said.iter().any(|said| said.contains("libtorch says")), "{said:?}");
    // The other run is as it was, and goes on where there is just enough.
    let mut after = place.contents();
    after.retain(|(path, _)| before.iter().any(|(before, _)| before == path));
    assert_eq!(after, before);
    let steps = place.logged_steps("run").len() as u64;
    let epochs = (steps / 8 + 2).to_string();
    let resume = ["pretrain", "simclr", "--run", "run", "--resume", "--epochs", &epochs];
    limited(50, &resume).done();
}
