//! Several processes train as one does, and end together whatever happens to one of them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use end_to_end::ranks::{all_end, free_port, rank, rank_of, ranks_of, signal};
use end_to_end::{Finished, Place, assert_same_tensors, binary, pretrain, tensors};

/// Times that a rank is killed in a run. `TWINVIEW_RANK_KILLS` asks for more.
fn kills() -> u64 {
    std::env::var("TWINVIEW_RANK_KILLS").map_or(1, |kills| kills.parse().expect("a number"))
}

/// A furnished place whose runs log every step, and save every fifth.
fn place() -> Place {
    let place = Place::furnished();
    place.put_config("simclr", |config| {
        config["train"]["log_every"] = 1.into();
        config["checkpoint"]["every_steps"] = 5.into();
    });
    place
}

fn train(place: &Place, run: &str, more: &[&str]) -> Finished {
    place.run(&[&pretrain("simclr.json", run)[..], more].concat())
}

/// A run that ends long after the test.
const LONG: [&str; 2] = ["--epochs", "100000"];

/// Starts such a run on two ranks, and waits until it has saved something.
fn start(place: &Place, more: &[&str]) -> Child {
    let run = [&pretrain("simclr.json", "run")[..], &LONG, &["--ranks", "2"], more].concat();
    let mut command = place.command(&run);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let saved = (0..12_000).any(|_| {
        sleep(Duration::from_millis(10));
        let checkpoints = fs::read_dir(place.path("run/checkpoints"));
        checkpoints.is_ok_and(|mut found| {
            found.any(|entry| {
                entry.unwrap().path().extension().is_some_and(|end| end == "safetensors")
            })
        }) || child.try_wait().unwrap().is_some()
    });
    assert!(saved);
    child
}

fn end(child: Child) -> Finished {
    Finished::new("pretrain".to_owned(), child.wait_with_output().unwrap())
}

fn losses(place: &Place, run: &str) -> Vec<f64> {
    place.losses(run).into_iter().map(f64::from_bits).collect()
}

#[track_caller]
fn near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (step, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (found - expected).abs() / (1.0 + expected.abs());
        assert!(off <= tolerance, "step {step}: {found}, not {expected}");
    }
}

#[test]
fn two_ranks_train_as_one_process_does_and_the_same_each_time() {
    let place = place();
    train(&place, "one", &[]).done();
    for run in ["two", "again"] {
        let said = train(&place, run, &["--ranks", "2"]).done().stderr;
        assert!(said.contains("2 ranks, each with 1 libtorch thread"), "{said}");
        assert_eq!(said.matches("finished; results").count(), 1, "{said}");
    }
    assert_eq!(place.timeless_metrics("again"), place.timeless_metrics("two"));
    assert_same_tensors(&place.newest("again"), &place.newest("two"));
    let record = place.read_json("two/config.json");
    assert_eq!(record["segments"][0]["environment"]["ranks"], 2);
    // Up to the rounding of sums, which the optimizer makes larger from step to step.
    let (two, one) = (losses(&place, "two"), losses(&place, "one"));
    near(&two[..1], &one[..1], 1e-5);
    near(&two, &one, 1e-2);
    let encoders =
        ["two", "one"].map(|run| tensors(&place.path(&format!("{run}/encoder.safetensors"))));
    for (two, one) in encoders[0].iter().zip(&encoders[1]) {
        assert_eq!((&two.0, &two.2), (&one.0, &one.2));
        let numbers = |bytes: &[u8]| -> Vec<f64> {
            let chunks = bytes.chunks_exact(4);
            chunks.map(|four| f32::from_le_bytes(four.try_into().unwrap()).into()).collect()
        };
        near(&numbers(&two.3), &numbers(&one.3), 1e-2);
    }
}

#[test]
fn one_signal_stops_all_ranks_and_any_number_goes_on() {
    let place = place();
    let child = start(&place, &[]);
    signal("-TERM", child.id());
    let stopped = end(child).ended(130);
    let said = &stopped.stderr;
    assert_eq!(said.matches("stopping after this step").count(), 1, "{said}");
    assert!(said.contains("--run run --resume --ranks 2"), "{said}");
    assert!(!said.contains("error"), "{said}");
    let last = *place.logged_steps("run").last().unwrap();
    let total = (last + 6).to_string();
    let whole = ["--ranks", "2", "--epochs", "100000", "--max-steps", total.as_str()];
    train(&place, "whole", &whole).done();
    let expected = losses(&place, "whole");
    for ranks in ["2", "1", "3"] {
        let run = format!("resumed-{ranks}");
        let copied = place.program("cp").args(["-r", "run", &run]).status();
        assert!(copied.unwrap().success());
        let resume = ["pretrain", "simclr", "--run", &run, "--resume", "--max-steps", &total];
        let said = place.run(&[&resume[..], &["--ranks", ranks]].concat()).done().stderr;
        let other = format!("ranks was 2, is {ranks}");
        assert_eq!(said.contains(&other), ranks != "2", "{said}");
        near(&losses(&place, &run), &expected, if ranks == "2" { 0.0 } else { 1e-2 });
        if ranks == "2" {
            assert_same_tensors(&place.newest(&run), &place.newest("whole"));
        }
    }
}

#[test]
fn a_killed_rank_ends_the_others_and_the_same_command_goes_on() {
    let place = place();
    let mut random = 12_345_u64;
    for _ in 0..kills() {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let child = start(&place, &["--resume-if-there"]);
        sleep(Duration::from_millis((random >> 33) % 300));
        let rank = (random >> 40) as usize % 2;
        signal("-KILL", ranks_of(child.id())[rank]);
        let begun = Instant::now();
        let ended = end(child).ended(4);
        assert!(begun.elapsed() < Duration::from_secs(10), "{ended:#?}");
        let errors: Vec<_> = ended.stderr.lines().filter(|line| line.contains("error")).collect();
        let expected = format!("error: rank {rank} was ended by SIGKILL (9); the last checkpoint");
        assert!(errors.len() == 1 && errors[0].starts_with(&expected), "{ended:#?}");
    }
    let last = *place.logged_steps("run").last().unwrap();
    let total = (last + 6).to_string();
    let more = ["--ranks", "2", "--resume-if-there", "--epochs", "100000", "--max-steps", &total];
    train(&place, "run", &more).done();
    train(&place, "whole", &more).done();
    assert_same_tensors(&place.newest("run"), &place.newest("whole"));
    assert_eq!(place.timeless_metrics("run"), place.timeless_metrics("whole"));
}

#[test]
fn a_rank_that_hangs_is_named_and_ended() {
    let place = place();
    let child = start(&place, &["--rank-timeout", "4"]);
    signal("-STOP", ranks_of(child.id())[1]);
    let begun = Instant::now();
    let said = end(child).ended(4).stderr;
    assert!(begun.elapsed() < Duration::from_secs(30), "{said}");
    assert!(
        said.ends_with(
            "error: rank 1 did not answer and was ended; the last checkpoint is whole\n"
        ),
        "{said}"
    );
}

#[test]
fn ranks_end_with_their_launcher() {
    let place = place();
    let child = start(&place, &[]);
    let ranks = ranks_of(child.id());
    assert_eq!(ranks.len(), 2);
    signal("-KILL", child.id());
    end(child);
    assert!(all_end(&ranks));
}

#[test]
fn ranks_that_are_not_alike_are_refused_by_name() {
    let place = place();
    place.synth("other", &["--test", "31"]);
    let of =
        |data| ["pretrain", "simclr", "--config", "simclr.json", "--data", data, "--run", "run"];
    for (more, data, says) in [
        (vec!["--seed", "5"], "data", "rank 1: config.seed: expected "),
        (vec![], "other", "rank 1: data.fingerprint: expected "),
        (
            vec!["--resume-if-there"],
            "data",
            "rank 1: arguments: expected simclr as on rank 0, found simclr --resume-if-there",
        ),
        (vec![], "nowhere", "rank 1: nowhere"),
    ] {
        let port = free_port();
        let first = rank(&place, "0", port, &[&of("data")[..], &["--quiet"]].concat());
        let second = rank(&place, "1", port, &[&of(data)[..], &more].concat());
        end(first).failed(2, &[says]);
        let second = end(second).ended(2);
        assert_eq!(second.stderr, "", "{second:#?}");
        assert!(!place.path("run").exists(), "{says}");
    }
}

/// The program as it would be built from another revision, which is a text in it.
fn other_build(place: &Place) -> PathBuf {
    let record = place.run(&[&pretrain("simclr.json", "dry")[..], &["--dry-run"]].concat()).done();
    let revision = record.json()["revision"].as_str().unwrap().to_owned();
    let mut program = fs::read(binary()).unwrap();
    let found = program.windows(revision.len()).enumerate();
    let found = found.filter(|(_, text)| *text == revision.as_bytes());
    let found: Vec<usize> = found.map(|(at, _)| at).collect();
    assert!(!found.is_empty(), "{revision}");
    let other = "x".repeat(revision.len());
    found.iter().for_each(|at| program[*at..at + other.len()].copy_from_slice(other.as_bytes()));
    place.put("other-build", program);
    let path = place.path("other-build");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn a_rank_with_another_program_is_refused_by_name() {
    let place = place();
    let other = other_build(&place);
    let (port, run) = (free_port(), [&pretrain("simclr.json", "run")[..], &["--quiet"]].concat());
    let first = rank(&place, "0", port, &run);
    let second = rank_of(place.program(other), "1", port, &run);
    let failed = end(first).failed(2, &["rank 1: program: expected ", " as on rank 0, found "]);
    assert!(failed.stderr.ends_with("xxx)\n"), "{failed:#?}");
    assert_eq!(end(second).ended(2).stderr, "");
    assert!(!place.path("run").exists());
}

#[test]
fn ranks_that_do_not_meet_say_who_is_missing() {
    let place = place();
    let run = [&pretrain("simclr.json", "run")[..], &["--quiet", "--rank-timeout", "2"]].concat();
    let says = ["rank 0 of 2: ", "; rank 1 ended or doesn't answer"];
    end(rank(&place, "0", free_port(), &run)).failed(4, &says);
    let says = [
        "error: rank 1: 127.0.0.1:",
        "expected rank 0 or its launcher to answer, found nobody in 2 s",
    ];
    end(rank(&place, "1", free_port(), &run)).failed(4, &says);
    let says = ["RANK: expected a number below WORLD_SIZE 2, found 2"];
    end(rank(&place, "2", free_port(), &run)).failed(2, &says);
    let more = [&run[..], &["--ranks", "3"]].concat();
    end(rank(&place, "0", free_port(), &more))
        .failed(2, &["--ranks: expected none in one of 2 processes"]);
    assert!(!place.path("run").exists());
}

#[test]
fn what_is_wrong_is_said_once() {
    let place = place();
    let run = |more: &[&'static str]| [&pretrain("simclr.json", "run")[..], more].concat();
    place.refuses(&run(&["--ranks", "0"]), &["--ranks: expected at least 1, found 0"]);
    place.refuses(&run(&["--rank-timeout", "0"]), &["--rank-timeout: expected at least 1 second"]);
    let says = ["error: ranks: expected 1 to 2, the images of the smallest batch, found 3"];
    place.refuses(&run(&["--quiet", "--ranks", "3", "--batch-size", "2"]), &says);
    place.refuses(
        &run(&["--quiet", "--ranks", "2", "--device", "cuda:1"]),
        &["device: expected auto, cpu or cuda for several ranks, found cuda:1"],
    );
    train(&place, "run", &["--max-steps", "6"]).done();
    place.refuses(&run(&["--quiet", "--ranks", "2"]), &["run: expected a new run folder"]);
    // A checkpoint that finds no room.
    let size = fs::metadata(place.newest("run")).unwrap().len();
    let resume = [
        "pretrain",
        "simclr",
        "--run",
        "run",
        "--resume",
        "--max-steps",
        "16",
        "--quiet",
        "--ranks",
        "2",
    ];
    let failed = place.run_after(&format!("ulimit -f {}", size / 512 - 1), &resume);
    failed.failed(1, &["run/checkpoints/step-000000008.safetensors: can't write it: "]);
    // Collapse and divergence are those of all.
    let diverge =
        [&pretrain("simclr.json", "nan")[..], &["--quiet", "--ranks", "2", "--lr", "1e30"]]
            .concat();
    place.run(&diverge).failed(3, &["training diverged"]);
}
