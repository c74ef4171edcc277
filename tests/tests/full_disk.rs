//! Where a checkpoint or a log can't be written, training stops with one line, and what was there
//! stays.
//!
//! A limit on the size of files (`ulimit -f`, in blocks of 512 bytes) fails as a full disk does: in
//! the middle of a write. The real thing needs the right to mount; `--ignored` runs it.

#![cfg(unix)]

use std::fs;

use end_to_end::{Place, assert_same_tensors, pretrain};

const RESUME: [&str; 8] =
    ["pretrain", "simclr", "--run", "run", "--resume", "--epochs", "4", "--quiet"];
const BLOCK: usize = 512;

/// A place with a run of two epochs in `run`, and one of four in `whole`.
fn place() -> Place {
    let place = Place::trained("simclr");
    let whole = [&pretrain("simclr.json", "whole")[..], &["--epochs", "4"]].concat();
    place.run(&whole).done();
    place
}

/// The bytes of everything in `run` but what a resumed run begins anew.
fn run_of(place: &Place) -> Vec<(std::path::PathBuf, Option<Vec<u8>>)> {
    let mut contents = place.contents();
    contents.retain(|(path, _)| {
        let name = path.file_name().unwrap().to_string_lossy();
        path.starts_with(place.path("run"))
            && !name.contains("tfevents")
            && name != "config.json"
            && name != "log.txt"
            // A run that goes on is not finished.
            && name != "summary.json"
    });
    contents
}

/// The run can be measured, and resumed to the end of one that never met a full disk.
fn goes_on(place: &Place) {
    place.run(&["evaluate", "run"]).done();
    place.run(&RESUME).done();
    assert_same_tensors(&place.newest("run"), &place.newest("whole"));
    let mut lines = place.timeless_metrics("run");
    lines.retain(|line| line["kind"] != "note");
    assert_eq!(lines, place.timeless_metrics("whole"));
}

#[test]
fn a_checkpoint_that_finds_no_room() {
    let place = place();
    let before = run_of(&place);
    let size = place.read("run/checkpoints/step-000000016.safetensors").len();
    for blocks in [size / BLOCK - 1, size / BLOCK / 2] {
        let limit = format!("ulimit -f {blocks}");
        let says = ["run/checkpoints/step-000000024.safetensors: can't write it: "];
        place.run_after(&limit, &RESUME).failed(1, &says);
        let mut after = run_of(&place);
        // The steps of the third epoch were logged before.
        let cut = |found: &mut Vec<(std::path::PathBuf, Option<Vec<u8>>)>| {
            found.retain(|(path, _)| !path.ends_with("metrics.jsonl"));
        };
        let mut before = before.clone();
        cut(&mut before);
        cut(&mut after);
        assert_eq!(after, before);
        assert_eq!(place.logged_steps("run"), (1..=24).collect::<Vec<_>>());
    }
    goes_on(&place);
}

/// Makes a file of lines so long that its next line finds `room` bytes under the limit that is
/// handed back.
fn pad(place: &Place, name: &str, line: &str, room: usize) -> usize {
    let mut bytes = place.read(name);
    let blocks = 800;
    let missing = blocks * BLOCK - room - bytes.len() - line.len() - 1;
    bytes.extend(line.replace('_', &"x".repeat(missing + 1)).bytes());
    bytes.push(b'\n');
    assert_eq!(bytes.len(), blocks * BLOCK - room);
    place.put(name, bytes);
    blocks
}

#[test]
fn metrics_that_find_no_room() {
    let place = place();
    let line = r#"{"kind":"note","step":0,"text":"_"}"#;
    let blocks = pad(&place, "run/metrics.jsonl", line, 40);
    let before = run_of(&place);
    let limit = format!("ulimit -f {blocks}");
    let says = ["run/metrics.jsonl: can't write it: "];
    place.run_after(&limit, &RESUME).failed(1, &says);
    // Without the part of a line that there was room for.
    assert_eq!(run_of(&place), before);
    goes_on(&place);
}

#[test]
fn a_log_that_finds_no_room() {
    let place = place();
    let blocks = pad(&place, "run/log.txt", "_", 10);
    let before = place.read("run/log.txt");
    let limit = format!("ulimit -f {blocks}");
    let said = place.run_after(&limit, &RESUME[..7]).ended(1).stderr;
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("error: run/log.txt: can't write it: "), "{said}");
    assert_eq!(said.matches("can't write").count(), 1, "{said}");
    assert_eq!(place.read("run/log.txt"), before);
    // It stopped as if it had been asked to.
    let steps = place.logged_steps("run").len();
    assert!((17..32).contains(&steps), "{steps}");
    fs::remove_file(place.path("run/log.txt")).unwrap();
    goes_on(&place);
}

/// A run that begins on a disk without room leaves nothing.
#[test]
fn no_room_for_a_run_at_all() {
    let place = Place::furnished();
    let run = pretrain("simclr.json", "run");
    place.run_after("ulimit -f 1", &run).failed(1, &["run/config.json: can't write it: "]);
    assert!(!place.path("run").exists());
}

/// On a file system of its own: `script` runs beside the mounted folder `disk`, in a namespace that
/// ends with it.
fn on_a_disk(place: &Place, mount: &str, script: &str, arguments: &[&str]) -> end_to_end::Finished {
    let before =
        format!("mkdir -p disk && mount -t tmpfs {mount} && cp -r run disk/run && {script}");
    let inner = place.command_after(&before, arguments);
    let mut outer = std::process::Command::new("unshare");
    outer.arg("--mount").arg(inner.get_program()).args(inner.get_args());
    outer.current_dir(place.path("")).env("OMP_NUM_THREADS", "1");
    let output = outer.output().expect("unshare starts");
    end_to_end::Finished::new(format!("{outer:?}"), output)
}

#[test]
#[ignore = "needs the right to mount (root)"]
fn a_real_full_disk_and_a_read_only_one() {
    let place = place();
    let resume =
        ["pretrain", "simclr", "--run", "disk/run", "--resume", "--epochs", "4", "--quiet"];
    // Six pages are left: enough for the logs, not for a checkpoint.
    let fill = "dd if=/dev/zero of=disk/fill bs=4k 2>/dev/null; truncate -s -24k disk/fill";
    let full = on_a_disk(&place, "-o size=2m tmpfs disk", &format!("{{ {fill}; }}"), &resume);
    full.failed(1, &["disk/run/checkpoints/", "can't write it: No space left on device"]);
    let full_at_once = on_a_disk(
        &place,
        "-o size=2m tmpfs disk",
        "{ dd if=/dev/zero of=disk/fill bs=4k 2>/dev/null; true; }",
        &resume,
    );
    full_at_once.failed(1, &["disk/run/", "No space left on device"]);
    let read_only = "mount -o remount,ro disk";
    let refused = on_a_disk(&place, "-o size=2m tmpfs disk", read_only, &resume);
    refused.failed(1, &["disk/run/", "Read-only file system"]);
    let evaluate = ["evaluate", "disk/run"];
    on_a_disk(&place, "-o size=2m tmpfs disk", read_only, &evaluate).done();
}
