//! Presets, files of settings and flags that make a configuration, and how it fits a set.

use end_to_end::Place;
use serde_json::{Value, json};

const METHODS: [&str; 16] = [
    "simclr",
    "nnclr",
    "dcl",
    "barlow_twins",
    "hsic_twins",
    "twist",
    "moco",
    "dino",
    "byol",
    "simsiam",
    "vicreg",
    "swav",
    "lejepa",
    "visreg",
    "distill",
    "dinov2",
];

/// What `pretrain METHOD --dry-run` would use.
fn planned(place: &Place, method: &str, more: &[&str]) -> Value {
    let start = ["pretrain", method, "--device", "cpu", "--dry-run"];
    let data: &[&str] = if more.contains(&"--data") { &[] } else { &["--data", "data"] };
    place.run(&[&start[..], data, more].concat()).done().json()["config"].clone()
}

fn printed(place: &Place, method: &str, more: &[&str]) -> Value {
    place.run(&[&["config", method][..], more].concat()).done().json()
}

#[test]
fn every_method_is_in_every_preset() {
    let place = Place::furnished();
    place.put_teacher();
    for method in METHODS {
        for (preset, encoder) in [("cpu", "conv"), ("gpu", "resnet"), ("seed", "conv")] {
            let config = printed(&place, method, &["--preset", preset]);
            assert!(config["method"][method].is_object(), "{method} {preset}");
            let encoder = if method == "dinov2" { "vit" } else { encoder };
            assert!(config["encoder"][encoder].is_object(), "{method} {preset}");
        }
        // A step of the default settings, at the size of the set.
        let run = ["pretrain", method, "--data", "data", "--image-size", "32", "--max-steps", "1"];
        let run = [&run[..], &["--device", "cpu", "--run", method, "--batch-size", "16"]].concat();
        let teacher = ["method.distill.teacher=teacher.pt", "method.distill.teacher_input=u8"];
        let teacher = teacher.map(|set| ["--set", set]).concat();
        let run = if method == "distill" { [run, teacher].concat() } else { run };
        let said = place.run(&run).done().stderr;
        let encoder = if method == "dinov2" { "vit" } else { "convnet" };
        let line = "32 pixels, batch 16, 1 step (0.12 of an epoch), about ";
        let line = format!("cpu preset: {encoder}, {line}");
        assert!(said.contains(&line), "{said}");
    }
}

#[test]
fn the_default_preset_is_that_of_the_device_and_fits_the_set() {
    let place = Place::furnished();
    let config = planned(&place, "moco", &[]);
    assert!(config["encoder"]["conv"].is_object());
    assert_eq!(config["optimizer"]["adam"]["lr"]["cosine"]["start"], 0.001);
    // 96 unlabeled images, and 22 labeled ones that aren't held out.
    assert_eq!(
        (&config["train"]["batch_size"], &config["train"]["epochs"]),
        (&json!(118), &json!(300))
    );
    assert_eq!(config["method"]["moco"]["queue_size"], 29);
    let config = planned(&place, "moco", &["--preset", "gpu"]);
    assert!(config["encoder"]["resnet"].is_object());
    let lr = config["optimizer"]["sgd"]["lr"]["cosine"]["start"].as_f64().unwrap();
    assert!((lr - 0.06 * 118.0 / 256.0).abs() < 1e-12, "{lr}");
    let given = ["--preset", "gpu", "--lr", "0.5", "--epochs", "3", "--batch-size", "64"];
    let config = planned(&place, "moco", &given);
    assert_eq!(config["optimizer"]["sgd"]["lr"]["cosine"]["start"], 0.5);
    assert_eq!(
        (&config["train"]["batch_size"], &config["train"]["epochs"]),
        (&json!(64), &json!(3))
    );
    let config = planned(&place, "moco", &["--set", "method.moco.queue_size=70"]);
    assert_eq!(config["method"]["moco"]["queue_size"], 70);
}

#[test]
fn a_batch_shrinks_to_the_set_and_says_so() {
    let place = Place::furnished();
    let run = ["pretrain", "simclr", "--config", "simclr.json", "--data", "data", "--run", "run"];
    let run = [&run[..], &["--batch-size", "200"]].concat();
    let said = place.run(&[&run[..], &["--max-steps", "1"]].concat()).done().stderr;
    let warning =
        "WARN a batch of 200 is larger than the set to train on: 128 images a step are used";
    assert!(said.contains(warning), "{said}");
    assert_eq!(place.read_json("run/config.json")["config"]["train"]["batch_size"], 128);
    // The same command goes on.
    place.run(&[&run[..], &["--max-steps", "2", "--resume"]].concat()).done();
    assert_eq!(place.read_json("run/summary.json")["steps"], 2);
}

#[test]
fn a_printed_configuration_a_part_of_one_and_a_record_are_taken() {
    let place = Place::furnished();
    let printed = place.run(&["config", "dino", "--preset", "cpu"]).done();
    place.put("my.json", &printed.stdout);
    assert_eq!(
        planned(&place, "dino", &["--config", "my.json"])["method"],
        printed.json()["method"]
    );

    place
        .put("part.json", r#"{"train": {"epochs": 7}, "method": {"dino": {"student_temp": 0.2}}}"#);
    let part = ["--config", "part.json"];
    let config = planned(&place, "dino", &part);
    assert_eq!(
        (&config["train"]["epochs"], &config["method"]["dino"]["student_temp"]),
        (&json!(7), &json!(0.2))
    );
    assert!(config["encoder"]["conv"].is_object());
    let config = planned(&place, "dino", &[&part[..], &["--preset", "gpu"]].concat());
    assert!(config["encoder"]["resnet"].is_object() && config["train"]["epochs"] == 7);

    let dry =
        place.run(&["pretrain", "dino", "--device", "cpu", "--data", "data", "--dry-run"]).done();
    place.put("dry.json", &dry.stdout);
    assert_eq!(planned(&place, "dino", &["--config", "dry.json"]), dry.json()["config"]);

    let refuses = |more: &[&str], says: &[&str]| {
        let start = ["pretrain", "dino", "--data", "data", "--run", "run"];
        place.refuses(&[&start[..], more].concat(), says);
    };
    refuses(&["--config", "my.json", "--preset", "gpu"], &["my.json", "--preset gpu", "whole"]);
    place.put("bad.json", r#"{"train": {"epochs": 7}, "batchsize": 3}"#);
    refuses(
        &["--config", "bad.json"],
        &["bad.json: batchsize: no such key; did you mean train.batch_size?"],
    );
    place.put("bad.json", r#"{"train": {"epochs": 7}, "seed": "x"}"#);
    refuses(&["--config", "bad.json"], &["bad.json: seed: ", "\"x\""]);
    refuses(&["--resume", "--preset", "seed"], &["--preset", "--resume"]);
}

#[test]
fn flags_choose_encoder_and_learning_rate() {
    let place = Place::furnished();
    let config =
        |more: &[&str]| printed(&place, "simclr", &[&["--device", "cpu"][..], more].concat());
    let encoder = |name: &str, size: &str| {
        config(&["--encoder", name, "--image-size", size])["encoder"].clone()
    };
    assert_eq!(
        encoder("resnet18", "32"),
        json!({"resnet": {"depth": 18, "stem": "small", "norm": "batch"}})
    );
    assert_eq!(encoder("resnet50", "224")["resnet"]["depth"], 50);
    assert_eq!(
        encoder("vit-tiny", "96"),
        json!({"vit": {"size": "tiny", "patch_size": 8, "img_size": 96}})
    );
    assert_eq!(
        encoder("vit-small", "224"),
        json!({"vit": {"size": "small", "patch_size": 16, "img_size": 224}})
    );
    assert!(encoder("convnet", "96")["conv"].is_object());
    assert!(config(&["--encoder", "vit-tiny"])["optimizer"]["adamw"].is_object());
    assert_eq!(config(&["--lr", "0.01"])["optimizer"]["adam"]["lr"]["cosine"]["start"], 0.01);
    let run = ["pretrain", "simclr", "--device", "cpu", "--data", "data", "--max-steps", "1"];
    let more = ["--encoder", "vit-tiny", "--image-size", "32", "--batch-size", "4", "--run", "vit"];
    let said = place.run(&[&run[..], &more].concat()).done().stderr;
    assert!(said.contains("cpu preset: vit-tiny, 32 pixels, batch 4, 1 step"), "{said}");
}

/// What an unknown flag is answered with can be typed as it is, with the preset of a CPU, too.
#[test]
fn the_settings_that_errors_name_work() {
    let place = Place::furnished();
    for (flag, number) in [("--arch", ""), ("--lr", "0.02"), ("--weight-decay", "0.02")] {
        let wrong = ["compare", "--methods", "simclr", "--out", "out", flag, "1"];
        let said = place.run(&wrong).failed(2, &["use --set "]).stderr;
        let (_, hint) = said.split_once("use --set ").unwrap();
        let setting = match hint.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').unwrap().0.to_owned(),
            None => hint.split_once(',').unwrap().0.replace("NUMBER", number),
        };
        let encoder = if setting.contains("adamw") { "vit-tiny" } else { "convnet" };
        let config = printed(&place, "simclr", &["--encoder", encoder, "--set", &setting]);
        let (key, _) = setting.split_once('=').unwrap();
        let pointer = format!("/{}", key.replace('.', "/"));
        let value = config.pointer(&pointer).unwrap();
        assert!(value["resnet"]["depth"] == 18 || value["constant"] == 0.02, "{setting}: {value}");
    }
}

/// Where labeled images are all there are, a step has each of them once.
#[test]
fn labeled_images_alone_are_not_put_twice_into_a_step() {
    let place = Place::furnished();
    let synth = ["data", "synth", "--image-size", "32", "--out", "labeled"];
    place
        .run(&[&synth[..], &["--unlabeled", "0", "--train", "40", "--test", "10"]].concat())
        .done();
    // Without a file of unlabeled images those of `train` serve as such.
    let _ = std::fs::remove_file(place.path("labeled/unlabeled_X.bin"));
    let run =
        ["pretrain", "simclr", "--config", "simclr.json", "--data", "labeled", "--run", "run"];
    place.run(&[&run[..], &["--epochs", "1"]].concat()).done();
    let record = place.read_json("run/config.json");
    // 40 images, at most 16 a step.
    assert_eq!(record["batch"], json!({"unlabeled": 0, "labeled": 13, "steps_per_epoch": 3}));
}

/// The last batch is no smaller than the others, and a run that stops anywhere resumes exactly.
#[test]
fn uneven_epochs_resume_exactly_whatever_the_workers() {
    let place = Place::furnished();
    let run = |name: &str, more: &[&str]| {
        let start = ["pretrain", "dino", "--config", "dino.json", "--data", "data", "--run", name];
        // 128 images in six steps of 21 or 22.
        place.run(&[&start[..], &["--batch-size", "23", "--epochs", "2"], more].concat()).done();
    };
    run("whole", &[]);
    assert_eq!(place.read_json("whole/config.json")["batch"]["steps_per_epoch"], 6);
    run("parts", &["--max-steps", "4", "--set", "checkpoint.every_steps=1", "--workers", "3"]);
    run("parts", &["--max-steps", "12", "--set", "checkpoint.every_steps=1", "--resume"]);
    let losses = |run: &str| -> Vec<Value> {
        let lines = place.metrics(run).into_iter();
        lines.filter(|line| line["kind"] == "step").map(|line| line["loss"].clone()).collect()
    };
    assert_eq!(losses("whole"), losses("parts"));
    assert_eq!(place.read("whole/encoder.safetensors"), place.read("parts/encoder.safetensors"));
}

#[test]
fn preview_shows_what_would_be_trained_on() {
    let place = Place::furnished();
    let width = |more: &[&str]| {
        let start = ["preview", "--data", "data", "--rows", "1", "--out", "v.png"];
        place.run(&[&start[..], more].concat()).done();
        image::open(place.path("v.png")).unwrap().width()
    };
    // An image and twice two views; DINO has four local ones more.
    assert_eq!(width(&["--config", "simclr.json"]), 5 * 34 - 2);
    assert_eq!(width(&["dino", "--preset", "cpu", "--set", "image_size=32"]), 13 * 34 - 2);
    assert_eq!(width(&["simclr", "--preset", "cpu", "--image-size", "48"]), 5 * 50 - 2);
    let other = ["preview", "dino", "--config", "simclr.json", "--out", "x.png"];
    place.refuses(&other, &["simclr.json: expected a config of dino, found one of simclr"]);
}

#[test]
fn weights_of_another_encoder_are_named() {
    let place = Place::trained("simclr");
    let begin = |weights: &str, run: &str, more: &[&str]| {
        let start = ["pretrain", "simclr", "--config", "simclr.json", "--data", "data"];
        [&start[..], &["--run", run, "--init-weights", weights], more].concat().join(" ")
    };
    // A finished run stands for its encoder.
    let words = begin("run", "second", &["--max-steps", "1"]);
    place.run(&words.split(' ').collect::<Vec<_>>()).done();
    let init = place.read_json("second/config.json")["init"]["path"].clone();
    assert!(init.as_str().unwrap().ends_with("run/encoder.safetensors"));
    let words = begin("run", "third", &["--encoder", "resnet18"]);
    let says =
        ["run/encoder.safetensors: expected weights of the encoder", "resnet", "those of", "conv"];
    let words = words.split(' ').collect::<Vec<_>>();
    place.refuses(&words, &says);
    let said = place.run(&words).failed(2, &says).stderr;
    assert_eq!(said.matches(r#"{"conv":"#).count(), 1, "the file's encoder is named once: {said}");
    std::fs::remove_file(place.path("run/encoder.safetensors")).unwrap();
    let words = begin("run", "third", &[]);
    let says = ["run: expected a file of weights or a finished run", "twinview export run"];
    place.refuses(&words.split(' ').collect::<Vec<_>>(), &says);
}
