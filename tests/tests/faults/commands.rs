//! The other commands: what they write is whole or not there, and a second try gives it.

use std::fs;
use std::path::Path;

use end_to_end::{Finished, Place, assert_same_tensors, png, pretrain};

use super::{Case, ENOSPC, NEW, assert_said, cases, errors, shim};

/// A command, what it writes, and a file of that.
struct Commanded {
    words: Vec<&'static str>,
    writes: &'static str,
    file: &'static str,
}

impl Commanded {
    fn new(words: &[&'static str], writes: &'static str, file: &'static str) -> Self {
        Self { words: words.to_vec(), writes, file }
    }

    fn clean(&self, place: &Place) {
        let out = place.path(self.writes);
        let _ = if out.is_dir() { fs::remove_dir_all(out) } else { fs::remove_file(out) };
    }

    /// Runs it with a call that fails, on any file of `place` or its cache.
    fn run(&self, place: &Place, shim: &Path, log: &Path, [at, error]: [usize; 2]) -> Finished {
        let [here, cache] = [&place.path(""), place.cache()]
            .map(|path| fs::canonicalize(path).unwrap().display().to_string());
        let mut command = place.command(&self.words);
        command.env("LD_PRELOAD", shim).env("FAULT_UNDER", format!("{here}:{cache}"));
        command.env("FAULT_AT", at.to_string()).env("FAULT_ERRNO", error.to_string());
        command.env("FAULT_LOG", log);
        Finished::new(format!("{:?} {at} {error}", self.words), command.output().unwrap())
    }

    /// `count` cases. After each, `check` is told how the command ended.
    fn meets_faults(&self, place: &Place, shim: &Path, count: usize, check: impl Fn(&Finished)) {
        let logs = Place::new();
        let log = logs.path("calls");
        let begin = || {
            self.clean(place);
            place.clear_cache();
        };
        begin();
        self.run(place, shim, &log, [0, 0]).done();
        let calls = fs::read_to_string(&log).unwrap();
        let calls: Vec<_> = (1..).zip(calls.lines()).collect();
        let all: Vec<[usize; 2]> = calls
            .iter()
            .flat_map(|&(at, call)| errors(call).iter().map(move |error| [at, *error as usize]))
            .collect();
        for index in Case::spread(count, all.len()) {
            let [at, error] = all[index - 1];
            begin();
            let met = self.run(place, shim, &log, [at, error]);
            let met = Finished { command: format!("{} {}", calls[at - 1].1, met.command), ..met };
            assert_said(&met);
            check(&met);
        }
        begin();
    }
}

#[test]
fn other_commands_meet_a_call_that_fails_once() {
    let Some(shim) = shim() else { return };
    let place = Place::trained("simclr");
    for number in 0..12 {
        place.put(&format!("pictures/{number}.png"), png([90, 120, 200], number));
    }
    let set = ["--image-size", "32", "--unlabeled", "9", "--train", "9", "--test", "9"];
    let synth = [&["data", "synth", "--out", "set"][..], &set].concat();
    let pack = ["data", "pack", "pictures", "--image-size", "16", "--out", "packed"];
    for command in [
        Commanded::new(&["embed", "run", "--out", "features.npy"], "features.npy", "features.npy"),
        Commanded::new(&["export", "run", "--format", "safetensors", "--out", "e"], "e", "e"),
        Commanded::new(
            &["report", "run", "--quick", "--out", "page.html"],
            "page.html",
            "page.html",
        ),
        Commanded::new(&synth, "set", "set/train_X.bin"),
        Commanded::new(&pack, "packed", "packed/unlabeled_X.bin"),
    ] {
        command.clean(&place);
        place.run(&command.words).done();
        let whole = place.read(command.file);
        command.meets_faults(&place, shim, cases(), |met| {
            match fs::read(place.path(command.file)) {
                Ok(found) => assert!(found == whole, "{met:#?}"),
                Err(_) => assert_ne!(met.code, Some(0), "{met:#?}"),
            }
            // With what was left behind.
            command.clean(&place);
            place.run(&command.words).done();
            assert!(place.read(command.file) == whole, "{met:#?}");
        });
    }
}

/// The same command goes on with the run, and ends as one that met nothing.
#[test]
fn a_comparison_meets_a_call_that_fails_once() {
    let Some(shim) = shim() else { return };
    let place = Place::furnished();
    let words = [
        "compare",
        "--methods",
        "moco",
        "--data",
        "data",
        "--epochs",
        "1",
        "--batch-size",
        "16",
        "--set",
        "encoder.conv.width=8",
        "--out",
        "out",
    ];
    let command = Commanded::new(&words, "out", "out/leaderboard.json");
    let whole = words.map(|word| if word == "out" { "whole" } else { word });
    place.run(&whole).done();
    let score = |out: &str| {
        let board = place.read_json(&format!("{out}/leaderboard.json"));
        (board["rows"][0]["linear"].clone(), board["rows"][0]["knn"].clone())
    };
    command.meets_faults(&place, shim, cases().div_ceil(2), |met| {
        let again = place.run(&words);
        assert_eq!(again.code, Some(0), "{met:#?} {again:#?}");
        let runs = ["out", "whole"].map(|out| format!("{out}/runs/moco-seed0"));
        assert_eq!(place.timeless_metrics(&runs[0]), place.timeless_metrics(&runs[1]), "{met:#?}");
        assert_same_tensors(&place.newest(&runs[0]), &place.newest(&runs[1]));
        assert_eq!(score("out"), score("whole"), "{met:#?}");
    });
}

/// libtorch ends the process where it can't write: it writes to memory only.
#[test]
fn torchscript_that_finds_no_room_is_a_line() {
    let Some(shim) = shim() else { return };
    let (place, logs) = (Place::trained("simclr"), Place::new());
    let log = logs.path("calls");
    let words = ["export", "run", "--format", "torchscript", "--out", "encoder.pt"];
    let export = Commanded::new(&words, "encoder.pt", "encoder.pt");
    export.run(&place, shim, &log, [0, 0]).done();
    let calls = fs::read_to_string(&log).unwrap();
    let writes = (1..).zip(calls.lines()).filter(|(_, call)| ["write", "create"].contains(call));
    let writes: Vec<usize> = writes.map(|(at, _)| at).collect();
    assert!(!writes.is_empty(), "{calls}");
    export.clean(&place);
    for at in writes {
        let met = export.run(&place, shim, &log, [at, ENOSPC as usize]);
        assert_said(&met);
        assert!(met.code == Some(1) && met.stderr.contains("No space left on device"), "{met:#?}");
    }
}

/// As in a container with a limit of processes.
#[test]
fn threads_that_the_system_does_not_give() {
    let Some(shim) = shim() else { return };
    let place = Place::furnished();
    for number in 0..4 {
        place.put(&format!("pictures/{number}.png"), png([90, 120, 200], number));
    }
    let few = |words: &[&str], threads: usize| {
        let mut command = place.command(words);
        command.env("LD_PRELOAD", shim).env("FAULT_THREADS", threads.to_string());
        let met = Finished::new(format!("{words:?} {threads}"), command.output().unwrap());
        assert_said(&met);
        met.code
    };
    let run = [&pretrain("simclr.json", "run")[..], &NEW].concat();
    let embed = ["embed", "run", "--data", "pictures", "--out", "features.npy"];
    for words in [&["data", "info", "pictures"][..], &run, &embed] {
        assert_ne!(few(words, 0), Some(0), "{words:?}");
        // As many as it needs: not more than this on any machine.
        let enough = (1..2000).find(|&threads| {
            let code = few(words, threads);
            if words[0] == "pretrain" && place.path("run/config.json").exists() && code != Some(0) {
                place.run(&["pretrain", "simclr", "--run", "run", "--resume"]).done();
                fs::remove_dir_all(place.path("run")).unwrap();
            }
            code == Some(0)
        });
        assert!(enough.is_some(), "{words:?}");
    }
}
