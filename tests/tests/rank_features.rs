//! Several processes extract features as one does, for `evaluate`, `embed` and `compare`.

use std::fs;
use std::io::Read;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use end_to_end::ranks::{all_end, free_port, rank, ranks_of, signal};
use end_to_end::{Finished, Place};

/// A place with a run, and a set of more images in `labeled` than a forward pass has.
fn place(method: &str) -> Place {
    let place = Place::trained(method);
    let counts = ["--unlabeled", "10", "--train", "600", "--test", "300", "--image-size", "32"];
    place.run(&[&["data", "synth", "--out", "labeled"][..], &counts].concat()).done();
    place
}

fn end(child: Child) -> Finished {
    Finished::new("ranks".to_owned(), child.wait_with_output().unwrap())
}

#[test]
fn two_ranks_extract_the_features_of_one_process() {
    let place = place("simclr");
    for (out, more) in [
        ("features.npy", &[][..]),
        ("clusters.parquet", &["--clusters", "3", "--split", "train"]),
        ("first.csv", &["--checkpoint", "initial", "--split", "test"]),
    ] {
        let embed = |ranks: &str, folder: &str| {
            fs::create_dir_all(place.path(folder)).unwrap();
            let out = format!("{folder}/{out}");
            let embed = ["embed", "run", "--data", "labeled", "--no-cache", "--out", &out];
            let said = place.run(&[&embed[..], &["--ranks", ranks], more].concat()).done().stdout;
            assert_eq!(said.lines().count(), 1, "{said}");
            place.read(&out)
        };
        let one = embed("1", "one");
        // Three ranks have the last block of some splits for one of them alone.
        for ranks in ["2", "3"] {
            assert!(embed(ranks, "several") == one, "{out}: other bytes with {ranks} ranks");
        }
    }
}

#[test]
fn patches_are_shared_out_too() {
    let place = Place::furnished();
    let vit = r#"encoder={"vit": {"size": {"custom": {"embed_dim": 12, "num_heads": 2, "depth": 2}},
        "patch_size": 8, "img_size": 32}}"#;
    let train = end_to_end::pretrain("simclr.json", "run");
    place.run(&[&train[..], &["--set", vit, "--max-steps", "1"]].concat()).done();
    let embed = |ranks, out| {
        let embed = ["embed", "run", "--tokens", "--out", out, "--ranks", ranks];
        place.run(&embed).done();
        place.read(out)
    };
    assert!(embed("2", "two.npy") == embed("1", "one.npy"));
}

#[test]
fn two_ranks_score_as_one_process_does() {
    let place = place("dino");
    let evaluate = ["evaluate", "run", "--data", "labeled", "--checkpoint", "last,initial"];
    let evaluate = [&evaluate[..], &["--labels-per-class", "5", "--json"]].concat();
    let with = |more: &[&str]| place.run(&[&evaluate[..], more].concat()).done();
    let one = with(&["--no-cache"]).json();
    let two = with(&["--ranks", "2"]);
    assert_eq!(two.stderr.matches("extracting features").count(), 2, "{two:#?}");
    assert_eq!(two.json(), one);
    // From the cache of rank 0, which another number of ranks shares.
    assert_eq!(with(&["--ranks", "3"]).json(), one);
    assert_eq!(with(&[]).json(), one);
    // As torchrun starts them.
    let (port, more) = (free_port(), ["--no-cache", "--quiet"]);
    let ranks = ["0", "1"].map(|of| rank(&place, of, port, &[&evaluate[..], &more].concat()));
    let [first, second] = ranks.map(|of| end(of).done());
    assert_eq!(first.json(), one);
    assert_eq!((second.stdout.as_str(), second.stderr.as_str()), ("", ""));
}

/// Starts an evaluation that ends long after the test, and waits until rank 0 trains.
fn start(place: &Place) -> Child {
    let evaluate = ["evaluate", "run", "--data", "labeled", "--protocol", "finetune", "--epochs"];
    let more = ["100000", "--ranks", "2", "--out", "out.json"];
    let mut command = place.command(&[&evaluate[..], &more].concat());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What the child says until it trains.
fn training(child: &mut Child) -> String {
    let (mut said, mut byte) = (Vec::new(), [0]);
    while !String::from_utf8_lossy(&said).contains("measuring by finetune") {
        let read = child.stderr.as_mut().unwrap().read(&mut byte).unwrap();
        assert!(read == 1, "{}", String::from_utf8_lossy(&said));
        said.push(byte[0]);
    }
    String::from_utf8(said).unwrap()
}

#[test]
fn a_killed_rank_ends_the_others() {
    let place = place("simclr");
    for killed in 0..2 {
        let mut child = start(&place);
        training(&mut child);
        let ranks = ranks_of(child.id());
        signal("-KILL", ranks[killed]);
        let begun = Instant::now();
        let ended = end(child).ended(4);
        assert!(begun.elapsed() < Duration::from_secs(12), "{ended:#?}");
        let errors: Vec<_> = ended.stderr.lines().filter(|line| line.contains("error")).collect();
        let expected =
            format!("error: rank {killed} was ended by SIGKILL (9); nothing was written");
        assert_eq!(errors, [expected], "{ended:#?}");
        assert!(ranks.iter().all(|pid| !fs::exists(format!("/proc/{pid}")).unwrap()));
        assert!(!place.path("out.json").exists());
    }
}

#[test]
fn one_signal_stops_all_ranks() {
    let place = place("simclr");
    let mut child = start(&place);
    training(&mut child);
    let ranks = ranks_of(child.id());
    signal("-INT", child.id());
    let said = end(child).ended(130).stderr;
    assert_eq!(said.matches("stopping; nothing will be written").count(), 1, "{said}");
    assert_eq!(said.matches("error: interrupted").count(), 1, "{said}");
    assert!(ranks.iter().all(|pid| !fs::exists(format!("/proc/{pid}")).unwrap()));
    // With the launcher all end, even if it is killed.
    let mut child = start(&place);
    training(&mut child);
    let ranks = ranks_of(child.id());
    signal("-KILL", child.id());
    child.wait().unwrap();
    assert!(all_end(&ranks));
}

#[test]
fn what_is_wrong_is_said_once() {
    let place = Place::trained("simclr");
    let two = ["--ranks", "2", "--quiet"];
    for (command, says) in [
        (&["evaluate", "nowhere"][..], "nowhere: expected a run, found no such folder"),
        (&["evaluate", "run", "--data", "missing"], "missing"),
        (&["embed", "run", "--out", "out.txt"], "out.txt: expected a name"),
        (&["embed", "run", "--out", "out.csv", "--device", "cuda:1"], "device: expected auto, cpu"),
        (&["compare", "--data", "data", "--out", "new", "--seeds", "0"], "--seeds: expected"),
    ] {
        place.refuses(&[command, &two].concat(), &[says]);
    }
    place.refuses(&["evaluate", "run", "--ranks", "0"], &["--ranks: expected at least 1, found 0"]);
    let timeout = ["embed", "run", "--out", "out.csv", "--rank-timeout", "0"];
    place.refuses(&timeout, &["--rank-timeout: expected at least 1 second"]);
    // Two commands that meet.
    let port = free_port();
    let first = rank(&place, "0", port, &["evaluate", "run", "--quiet"]);
    let second = rank(&place, "1", port, &["embed", "run", "--out", "out.csv"]);
    end(first).failed(2, &["rank 1: arguments: expected evaluate as on rank 0, found embed"]);
    assert_eq!(end(second).ended(2).stderr, "");
}

#[test]
fn a_comparison_trains_and_scores_with_ranks() {
    let place = place("simclr");
    let compare = ["compare", "--methods", "simclr,moco", "--data", "labeled", "--epochs", "1"];
    let set = ["--batch-size", "128", "--set", "encoder.conv.width=8", "--out", "out"];
    let command = [&compare[..], &set, &["--ranks", "2"]].concat();
    let said = place.run(&command).done();
    assert!(said.stdout.contains("out/report.html"), "{said:#?}");
    assert_eq!(said.stderr.matches("run 2 of 2").count(), 1, "{said:#?}");
    let page = String::from_utf8(place.read("out/report.html")).unwrap();
    assert!(page.contains("--ranks 2"));
    for method in ["simclr", "moco"] {
        let run = format!("out/runs/{method}-seed0");
        let record = place.read_json(&format!("{run}/config.json"));
        assert_eq!(record["segments"][0]["environment"]["ranks"], 2);
        let scores = place.read_json(&format!("{run}/evaluation.json"));
        let one = place.run(&["evaluate", &run, "--no-cache", "--json"]).done().json();
        assert_eq!(scores["protocols"], one["protocols"]);
    }
    let before = place.read("out/leaderboard.json");
    let again = place.run(&command).done().stderr;
    assert_eq!(again.matches("is finished").count(), 2, "{again}");
    assert_eq!(place.read("out/leaderboard.json"), before);
}
