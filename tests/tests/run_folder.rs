//! What is in a run folder is never taken for absent, replaced unread, or removed by another
//! process.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use end_to_end::{Finished, Place, assert_same_tensors, binary, header, png, pretrain, small};
use serde_json::json;

const RESUME: [&str; 5] = ["pretrain", "simclr", "--run", "run", "--resume"];

/// A place with a finished run of two epochs in `run`, which kept several checkpoints, and the same
/// in `whole`.
fn place() -> Place {
    let place = Place::furnished();
    place.put_config("simclr", |config| {
        config["checkpoint"]["every_steps"] = json!(5);
        config["checkpoint"]["best"] = json!(null);
        config["checkpoint"]["keep_last"] = json!(4);
    });
    place.run(&pretrain("simclr.json", "run")).done();
    let mut copy = Command::new("cp");
    copy.arg("-r").arg(place.path("run")).arg(place.path("whole"));
    assert!(copy.status().unwrap().success());
    place
}

fn make_pipe(path: &Path) {
    let _ = fs::remove_file(path);
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn damaged_metrics_are_not_replaced() {
    let place = place();
    let whole = place.read("run/metrics.jsonl");
    let longer = [&RESUME[..], &["--epochs", "3", "--quiet"]].concat();
    // The first line, one in the middle, and bytes that are no text.
    for (at, flip) in [(0, 0x04), (whole.len() / 2, 0x80), (3, 0x80)] {
        let mut damaged = whole.clone();
        damaged[at] ^= flip;
        place.put("run/metrics.jsonl", &damaged);
        place.refuses(&longer, &["run/metrics.jsonl", "expected"]);
    }
    place.put("run/metrics.jsonl", &whole);
    place.run(&longer).done();
    assert!(place.read("run/metrics.jsonl").starts_with(&whole));
}

#[test]
fn a_run_whose_checkpoints_are_gone_does_not_begin_again() {
    let place = place();
    let (checkpoints, elsewhere) = (place.path("run/checkpoints"), place.path("elsewhere"));
    let says = ["run/checkpoints: expected the checkpoints of this run, found none", "16 steps"];
    fs::rename(&checkpoints, &elsewhere).unwrap();
    place.refuses(&RESUME, &says);
    // As a disk that isn't mounted.
    fs::create_dir(&checkpoints).unwrap();
    place.refuses(&RESUME, &says);
    fs::remove_dir(&checkpoints).unwrap();
    // A folder on another disk, by a link.
    symlink(&elsewhere, &checkpoints).unwrap();
    place.run(&[&RESUME[..], &["--epochs", "3"]].concat()).done();
    assert!(checkpoints.is_symlink());
    assert_eq!(place.logged_steps("run"), (1..=24).collect::<Vec<_>>());
}

#[test]
fn checkpoints_of_others_in_a_linked_folder_stay() {
    let place = place();
    let other = [&pretrain("simclr.json", "other")[..], &["--seed", "1"]].concat();
    place.run(&other).done();
    let shared = place.path("other/checkpoints");
    let name = |step: usize| format!("step-{step:09}.safetensors");
    let of_other = place.checkpoints("other");
    for (step, path) in (1..).zip(&of_other) {
        fs::rename(path, shared.join(name(step))).unwrap();
    }
    for path in place.checkpoints("run") {
        fs::rename(&path, shared.join(path.file_name().unwrap())).unwrap();
    }
    fs::remove_dir(place.path("run/checkpoints")).unwrap();
    symlink(&shared, place.path("run/checkpoints")).unwrap();
    place.run(&[&RESUME[..], &["--epochs", "6"]].concat()).done();
    for step in 1..=of_other.len() {
        assert!(shared.join(name(step)).exists(), "{step}");
    }
    // Its own were removed.
    assert!(!shared.join(name(10)).exists());
}

#[test]
fn a_run_folder_that_is_a_link_works_and_files_that_are_links_are_refused() {
    let place = place();
    symlink(place.path("run"), place.path("linked")).unwrap();
    let resume = ["pretrain", "simclr", "--run", "linked", "--resume", "--epochs", "3"];
    place.run(&resume).done();
    assert_eq!(place.logged_steps("run").len(), 24);
    place.put("victim", "theirs");
    for name in ["log.txt", "metrics.jsonl", "summary.json", "encoder.safetensors"] {
        let file = place.path(&format!("run/{name}"));
        let bytes = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        symlink(place.path("victim"), &file).unwrap();
        place.refuses(&RESUME, &[name, "a plain file in a run folder, found a link"]);
        fs::remove_file(&file).unwrap();
        fs::write(&file, bytes).unwrap();
    }
    assert_eq!(place.read("victim"), b"theirs");
}

#[test]
fn a_pipe_or_a_device_as_a_file_of_a_run_ends_at_once() {
    for name in
        ["config.json", "metrics.jsonl", "summary.json", "checkpoints/step-000000099.safetensors"]
    {
        let place = place();
        make_pipe(&place.path(&format!("run/{name}")));
        let refused = place.run(&RESUME);
        assert!(matches!(refused.code, Some(1 | 2)), "{refused:?}");
        assert!(refused.stderr.starts_with("error: ") && refused.stderr.lines().count() == 1);
        fs::remove_file(place.path(&format!("run/{name}"))).unwrap();
        symlink("/dev/zero", place.path(&format!("run/{name}"))).unwrap();
        let refused = place.run(&RESUME);
        assert!(matches!(refused.code, Some(1 | 2)), "{refused:?}");
    }
}

#[test]
fn falling_back_keeps_the_good_checkpoint() {
    let place = place();
    let damage = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        fs::write(path, bytes).unwrap();
    };
    let newest = place.newest("run");
    damage(&newest);
    damage(&place.path("run/checkpoints/step-000000015.safetensors"));
    let keep_one = ["--set", "checkpoint.keep_last=1", "--set", "checkpoint.every_steps=1"];
    let shorter = [&RESUME[..], &keep_one, &["--max-steps", "15"]].concat();
    let said = place.run(&shorter).done().stderr;
    assert!(said.contains("step-000000016.safetensors.damaged"), "{said}");
    assert!(newest.with_extension("safetensors.damaged").exists() && !newest.exists());
    let left = place.checkpoints("run");
    // This one was written anew.
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].ends_with("step-000000015.safetensors"), "{left:?}");
    place.run(&RESUME).done();
    // A damaged one among those that are kept does not count.
    let place = self::place();
    let all = place.checkpoints("run");
    damage(&all[all.len() - 2]);
    let longer = [&RESUME[..], &["--max-steps", "17", "--epochs", "3"]].concat();
    let longer = [&longer[..], &["--set", "checkpoint.keep_last=3"]].concat();
    place.run(&longer).done();
    assert!(all[all.len() - 2].with_extension("safetensors.damaged").exists());
    let steps: Vec<_> =
        place.checkpoints("run").iter().map(|path| header(path)["step"].clone()).collect();
    assert_eq!(steps, [10, 16, 17].map(|step| json!(step)));
}

#[test]
fn checkpoints_of_another_run_or_set_with_the_same_settings_are_refused_by_name() {
    let place = place();
    place.synth("data2", &["--test", "32", "--seed", "1"]);
    let mut arguments = pretrain("simclr.json", "other");
    place.run(&arguments).done();
    arguments[5] = "data2";
    arguments[7] = "other-data";
    place.run(&arguments).done();
    for (other, says) in
        [("other", "a checkpoint of the run "), ("other-data", "a run on the data ")]
    {
        let newest = place.path("run/checkpoints/step-000000016.safetensors");
        let own = fs::read(&newest).unwrap();
        fs::copy(place.newest(other), &newest).unwrap();
        place.run(&["evaluate", "run"]).failed(2, &["step-000000016.safetensors", says]);
        let said = place.run(&RESUME).done().stderr;
        assert!(said.contains(says) && said.contains("the previous checkpoint"), "{said}");
        assert_same_tensors(&place.newest("run"), &place.newest("whole"));
        fs::write(&newest, own).unwrap();
    }
}

/// Whoever waits for a pipe to be written may wait for ever, and a device may have no end.
#[test]
fn arguments_that_are_pipes_or_devices_are_refused() {
    let (place, odd) = (Place::furnished(), Place::new());
    place.put("pictures/0.png", png([9, 99, 200], 0));
    let pipe = odd.path("pipe").display().to_string();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let small = small("distill");
    for path in [pipe.as_str(), "/dev/zero"] {
        let teacher = format!("method.distill.teacher={path}");
        for words in [
            &["pretrain", "simclr", "--config", path][..],
            &["pretrain", "simclr", "--data", "data", "--init-weights", path],
            &["config", "simclr", "--config", path],
            &["pretrain", "simclr", "--data", "pictures", "--labels", path],
            &[&["pretrain", "distill", "--data", "data"][..], &small, &["--set", &teacher]]
                .concat(),
        ] {
            let mut command = place.program("timeout");
            command.arg("60").arg(binary()).args(words);
            let met = Finished::new(format!("{words:?}"), command.output().unwrap());
            let met = met.failed(2, &[path]);
            let says = ["a pipe, a socket or a device", "no plain file"];
            assert!(says.iter().any(|says| met.stderr.contains(says)), "{met:#?}");
        }
    }
}

#[test]
fn another_environment_is_named_and_recorded() {
    let place = place();
    let resume = |variable: (&str, &str), epochs: &str| {
        let arguments = [&RESUME[..], &["--epochs", epochs]].concat();
        let output = place.command(&arguments).env(variable.0, variable.1).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        said
    };
    let same = resume(("HARMLESS", "1"), "3");
    assert!(!same.contains("other conditions"), "{same}");
    let threads = resume(("OMP_NUM_THREADS", "2"), "4");
    assert!(threads.contains("libtorch threads was 1, is 2"), "{threads}");
    let kernels = resume(("ATEN_CPU_CAPABILITY", "default"), "5");
    assert!(kernels.contains("ATEN_CPU_CAPABILITY was not set, is default"), "{kernels}");
    assert!(kernels.contains("cpu_capability was") && kernels.contains("is DEFAULT"), "{kernels}");
    assert!(kernels.contains("libtorch threads was 2, is 1"), "{kernels}");
    let segments = place.read_json("run/config.json")["segments"].clone();
    let of = |key: &str| -> Vec<_> {
        let segments = segments.as_array().unwrap();
        segments.iter().map(|segment| segment["environment"][key].clone()).collect()
    };
    assert_eq!(of("threads"), [1, 1, 2, 1].map(|threads| json!(threads)));
    assert!(of("libtorch")[0].as_str().unwrap().starts_with("2.11.0"));
    let from: Vec<_> = (0..4).map(|index| segments[index]["from_step"].clone()).collect();
    assert_eq!(from, [0, 16, 24, 32].map(|step| json!(step)));
}

#[test]
fn a_probe_that_diverges_leaves_checkpoints_that_can_be_read() {
    let place = place();
    let optimizer = r#"probe.optimizer={"sgd": {"lr": {"constant": 1e38}, "momentum": 0.0, "nesterov": false, "weight_decay": {"constant": 0}, "exclude_bias_and_norm": false}}"#;
    let run = [&pretrain("simclr.json", "nan")[..], &["--set", optimizer]].concat();
    place.run(&[&run[..], &["--max-steps", "6"]].concat()).done();
    let resume = ["pretrain", "simclr", "--run", "nan", "--resume", "--max-steps", "12"];
    let said = place.run(&resume).done().stderr;
    assert!(!said.contains("the previous checkpoint"), "{said}");
    assert_eq!(place.logged_steps("nan"), (1..=12).collect::<Vec<_>>());
}

#[test]
fn weights_that_are_not_finite_are_not_saved() {
    let place = place();
    let optimizer = r#"optimizer={"sgd": {"lr": {"constant": 1e39}, "momentum": 0.0, "nesterov": false, "weight_decay": {"constant": 0}, "exclude_bias_and_norm": false}}"#;
    let each = "checkpoint.every_steps=1";
    let run = [&pretrain("simclr.json", "inf")[..], &["--set", optimizer, "--set", each]].concat();
    let said = place.run(&run).ended(3).stderr;
    assert!(
        said.contains("a weight of step 1 is ") && said.contains("no checkpoint yet"),
        "{said}"
    );
    assert_eq!(place.checkpoints("inf").len(), 0);
}

/// Whoever loses the race for a new folder removes nothing of the winner's.
#[test]
fn simultaneous_starts_leave_one_whole_run() {
    let rounds = std::env::var("TWINVIEW_STARTS").ok();
    let rounds: u64 = rounds.map_or(4, |text| text.parse().expect("TWINVIEW_STARTS is a number"));
    let place = Place::furnished();
    for round in 0..rounds {
        let run = format!("run{round}");
        let arguments = [&pretrain("simclr.json", &run)[..], &["--max-steps", "1"]].concat();
        let started: Vec<_> = (0..2 + round % 3)
            .map(|_| {
                let mut command = place.command(&arguments);
                command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        let ended: Vec<_> =
            started.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
        let won = ended.iter().filter(|output| output.status.success()).count();
        assert_eq!(won, 1, "{ended:?}");
        let lost = ended.iter().filter(|output| output.status.code() == Some(2)).count();
        assert_eq!(won + lost, ended.len(), "{ended:?}");
        assert_eq!(place.checkpoints(&run).len(), 1);
        place.run(&["pretrain", "simclr", "--run", &run, "--resume"]).done();
        fs::remove_dir_all(place.path(&run)).unwrap();
    }
}
