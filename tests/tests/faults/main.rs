//! A system call that fails once, a process that is killed at any call, another process that starts
//! at any call: after each, the run goes on to the bits of one that met nothing.
//!
//! A library that is preloaded does this (`shim.c`), built by the C compiler. `TWINVIEW_FAULTS`
//! asks for more cases of each kind than the few that take less than a minute.

#![cfg(target_os = "linux")]

mod commands;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use end_to_end::{Finished, Place, assert_same_tensors, binary, pretrain};

const ENOSPC: i32 = 28;
const EIO: i32 = 5;
const EMFILE: i32 = 24;
const EACCES: i32 = 13;
const ENOMEM: i32 = 12;

/// The preloaded library; `None`, with a word, where there is no C compiler.
fn shim() -> Option<&'static Path> {
    static SHIM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = SHIM.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/shim.c");
        let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults.so");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&to).arg(source);
        match cc.output() {
            Ok(output) => {
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                Some(to)
            }
            Err(_) => None,
        }
    });
    if built.is_none() {
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "skipped: there is no C compiler (cc)");
    }
    built.as_deref()
}

/// Cases of each kind.
fn cases() -> usize {
    let asked = std::env::var("TWINVIEW_FAULTS").ok();
    asked.map_or(5, |text| text.parse().expect("TWINVIEW_FAULTS is a number"))
}

/// What is done in the run folder.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// A new run, to its end.
    New,
    /// The second half of a run, from a copy of `half`.
    Resume,
}

/// Checkpoints after each step, of which two are kept: each step saves, and removes one.
struct Case {
    place: Place,
    shim: &'static Path,
}

const NEW: [&str; 4] = ["--max-steps", "6", "--set", "checkpoint.every_steps=1"];

impl Case {
    fn new() -> Option<Self> {
        let shim = shim()?;
        let place = Place::furnished();
        place.run(&[&pretrain("simclr.json", "whole")[..], &NEW].concat()).done();
        // As of a run that was killed in its fourth step, after its lines were written.
        let all = ["--set", "checkpoint.keep_last=10"];
        place.run(&[&pretrain("simclr.json", "half")[..], &NEW, &all].concat()).done();
        let later = [4, 5, 6].map(|step| format!("checkpoints/step-{step:09}.safetensors"));
        for name in later.iter().map(String::as_str).chain(["summary.json", "encoder.safetensors"])
        {
            fs::remove_file(place.path(&format!("half/{name}"))).unwrap();
        }
        Some(Self { place, shim })
    }

    fn prepare(&self, phase: Phase) {
        let run = self.place.path("run");
        if run.exists() {
            fs::remove_dir_all(&run).unwrap();
        }
        if let Phase::Resume = phase {
            let mut copy = Command::new("cp");
            copy.arg("-r").arg(self.place.path("half")).arg(&run);
            assert!(copy.status().unwrap().success());
        }
    }

    fn arguments(&self, phase: Phase) -> Vec<&'static str> {
        match phase {
            Phase::New => [&pretrain("simclr.json", "run")[..], &NEW].concat(),
            Phase::Resume => {
                let keep = "checkpoint.keep_last=2";
                vec!["pretrain", "simclr", "--run", "run", "--resume", "--set", keep]
            }
        }
    }

    /// Runs `phase` with what `variables` ask of the library.
    fn run(&self, phase: Phase, variables: &[(&str, String)]) -> Finished {
        self.prepare(phase);
        let mut command = self.place.command(&self.arguments(phase));
        let under = fs::canonicalize(self.place.path("")).unwrap().join("run");
        command.env("LD_PRELOAD", self.shim).env("FAULT_UNDER", under);
        for (name, value) in variables {
            command.env(name, value);
        }
        Finished::new(format!("{phase:?} {variables:?}"), command.output().unwrap())
    }

    /// The names of all calls of `phase`, in order.
    fn calls(&self, phase: Phase) -> Vec<String> {
        let log = self.place.path("calls");
        let _ = fs::remove_file(&log);
        self.run(phase, &[("FAULT_LOG", log.display().to_string())]).done();
        let text = fs::read_to_string(&log).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// The run can be finished, by resuming or by starting anew, and is then the one that met
    /// nothing.
    #[track_caller]
    fn ends_whole(&self, after: &Finished) {
        let (place, words) = (&self.place, [&pretrain("simclr.json", "run")[..], &NEW].concat());
        let resume = place.path("run/config.json").exists();
        let last = if resume { self.arguments(Phase::Resume) } else { words };
        let last = place.run(&last);
        assert_eq!(last.code, Some(0), "{after:#?}\n{last:#?}");
        assert_eq!(place.timeless_metrics("run"), place.timeless_metrics("whole"), "{after:#?}");
        assert_same_tensors(&place.newest("run"), &place.newest("whole"));
        assert!(place.path("run/summary.json").exists());
    }

    /// `count` of the numbers from 1 to `of`, always the same, spread over all.
    fn spread(count: usize, of: usize) -> impl Iterator<Item = usize> {
        let mut random = 12_345u64;
        let step = of as f64 / count.min(of) as f64;
        (0..count.min(of)).map(move |index| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let within = (random >> 33) as f64 / f64::from(1u32 << 31);
            1 + (((index as f64 + within) * step) as usize).min(of - 1)
        })
    }
}

/// Success, or one line that says what failed: never a panic, a signal or silence.
#[track_caller]
fn assert_said(met: &Finished) {
    let said = met.stderr.lines().filter(|line| line.starts_with("error: ")).count();
    let expected = usize::from(met.code != Some(0));
    assert!(matches!(met.code, Some(0..=2)) && said == expected, "{met:#?}");
    assert!(!met.stderr.contains("internal error"), "{met:#?}");
}

/// The errors that a call may meet.
fn errors(call: &str) -> &'static [i32] {
    match call {
        "open" | "opendir" => &[EMFILE, EACCES, EIO],
        "create" | "mkdir" => &[ENOSPC, EMFILE, EACCES],
        "write" | "fsync" | "fdatasync" | "rename" => &[ENOSPC, EIO],
        "stat" => &[EIO, EACCES],
        "mmap" => &[ENOMEM, EACCES],
        _ => &[EIO],
    }
}

#[test]
fn a_call_that_fails_once() {
    let Some(case) = Case::new() else { return };
    for phase in [Phase::New, Phase::Resume] {
        let calls = case.calls(phase);
        assert!(calls.len() > 60 && calls.iter().any(|call| call == "flock"), "{calls:?}");
        let all: Vec<_> = (1..)
            .zip(&calls)
            .flat_map(|(at, call)| errors(call).iter().map(move |error| (at, *error)))
            .collect();
        for index in Case::spread(cases(), all.len()) {
            let (at, error) = all[index - 1];
            let variables = [("FAULT_AT", at.to_string()), ("FAULT_ERRNO", error.to_string())];
            let met = case.run(phase, &variables);
            // A word of what happened, never a panic, a signal or silence.
            assert_said(&met);
            case.ends_whole(&met);
        }
    }
}

/// What lost a run before: one error of reading at a start or a resume.
#[test]
fn an_error_of_reading_is_not_taken_for_absence() {
    let Some(case) = Case::new() else { return };
    let calls = case.calls(Phase::Resume);
    // Before anything is written; what is listed after the last file that is read is only tidied.
    let written = ["write", "create", "mkdir"];
    let first = calls.iter().position(|call| written.contains(&call.as_str())).unwrap();
    let last = calls[..first].iter().rposition(|call| call == "read").unwrap();
    let reading = ["read", "open", "opendir", "readdir"];
    let before = (1..=last + 1).filter(|&at| reading.contains(&calls[at - 1].as_str()));
    let before: Vec<usize> = before.collect();
    assert!(before.len() > 8, "{calls:?}");
    for index in Case::spread(cases(), before.len()) {
        let at = before[index - 1];
        let variables = [("FAULT_AT", at.to_string()), ("FAULT_ERRNO", EIO.to_string())];
        let met = case.run(Phase::Resume, &variables);
        assert_eq!(met.code, Some(1), "{} {met:#?}", calls[at - 1]);
        for name in ["metrics.jsonl", "config.json", "log.txt"] {
            let [run, half] = ["run", "half"].map(|run| case.place.read(&format!("{run}/{name}")));
            assert!(run == half, "{name} {met:#?}");
        }
        assert_eq!(case.place.checkpoints("run").len(), case.place.checkpoints("half").len());
        case.ends_whole(&met);
    }
    // A new run in a folder that can't be listed is refused.
    let new = case.arguments(Phase::New);
    for call in ["opendir", "readdir"] {
        case.prepare(Phase::Resume);
        let before = case.place.read("run/config.json");
        let mut command = case.place.command(&new);
        let under = fs::canonicalize(case.place.path("run")).unwrap();
        let at = if call == "opendir" { "1" } else { "2" };
        command.env("LD_PRELOAD", case.shim).env("FAULT_UNDER", under);
        let output = command.env("FAULT_AT", at).env("FAULT_ERRNO", EIO.to_string()).output();
        Finished::new(call.to_owned(), output.unwrap()).failed(1, &["can't list it"]);
        assert!(case.place.read("run/config.json") == before);
    }
}

#[test]
fn killed_at_any_call() {
    let Some(case) = Case::new() else { return };
    for phase in [Phase::New, Phase::Resume] {
        let calls = case.calls(phase);
        for at in Case::spread(cases(), calls.len()) {
            let variables = [("FAULT_AT", at.to_string()), ("FAULT_KILL", "1".to_owned())];
            let killed = case.run(phase, &variables);
            assert_eq!(killed.code, None, "{killed:#?}");
            case.ends_whole(&killed);
        }
    }
}

#[test]
fn another_process_starts_at_any_call() {
    let Some(case) = Case::new() else { return };
    for phase in [Phase::New, Phase::Resume] {
        let calls = case.calls(phase);
        for (index, at) in Case::spread(cases(), calls.len()).enumerate() {
            // Every second one resumes.
            let other = if index % 2 == 0 { Phase::New } else { Phase::Resume };
            let words = case.arguments(other).join("' '");
            let other = format!(
                "env -u LD_PRELOAD -u FAULT_UNDER '{}' '{words}' > /dev/null 2> other.txt; echo $? \
                 > other-code.txt",
                binary().display()
            );
            let variables = [("FAULT_AT", at.to_string()), ("FAULT_COMMAND", other)];
            let met = case.run(phase, &variables);
            let code = String::from_utf8(case.place.read("other-code.txt")).unwrap();
            let said = String::from_utf8(case.place.read("other.txt")).unwrap();
            // One of the two does the work, the other one says why not.
            assert!(met.code == Some(0) || code.trim() == "0", "{met:#?} {code} {said}");
            assert!(matches!(met.code, Some(0 | 2)), "{met:#?} {code} {said}");
            assert!(["0", "2"].contains(&code.trim()), "{met:#?} {code} {said}");
            case.ends_whole(&met);
        }
    }
}

/// A file system without locks: a warning, and the lock file keeps the other process out.
#[test]
fn a_folder_that_cannot_be_locked() {
    let Some(case) = Case::new() else { return };
    let calls = case.calls(Phase::New);
    let flock = 1 + calls.iter().position(|call| call == "flock").unwrap();
    let variables = [("FAULT_AT", flock.to_string()), ("FAULT_ERRNO", EIO.to_string())];
    let met = case.run(Phase::New, &variables).done();
    assert!(met.stderr.contains("can't lock it") && met.stderr.contains("lock.json"), "{met:#?}");
    assert!(!case.place.path("run/lock.json").exists());
    // Another one starts while it trains, and can lock the folder.
    let words = case.arguments(Phase::Resume).join("' '");
    let command =
        format!("env -u LD_PRELOAD -u FAULT_UNDER '{}' '{words}' 2> other.txt", binary().display());
    let under = fs::canonicalize(case.place.path("")).unwrap().join("run");
    case.prepare(Phase::Resume);
    let holder = serde_json::json!({
        "host": fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim(),
        "boot": fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap().trim(),
        "process": std::process::id(),
        "started": started(),
    });
    fs::write(under.join("lock.json"), holder.to_string()).unwrap();
    let status =
        Command::new("sh").arg("-c").arg(command).current_dir(case.place.path("")).status();
    assert_eq!(status.unwrap().code(), Some(2));
    let said = String::from_utf8(case.place.read("other.txt")).unwrap();
    assert!(said.contains("lock.json") && said.contains("that process"), "{said}");
}

/// When this process started, as `lock.json` has it.
fn started() -> u64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = text.rsplit_once(')').unwrap();
    fields.split_whitespace().nth(19).unwrap().parse().unwrap()
}
