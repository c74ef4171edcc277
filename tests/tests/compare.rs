//! Several methods under one budget: trained once, interrupted, gone on with, and put side by side.

use std::fs;

use end_to_end::Place;
use serde_json::json;

const COMPARE: [&str; 13] = [
    "compare",
    "--methods",
    "moco,twist",
    "--data",
    "data",
    "--epochs",
    "2",
    "--batch-size",
    "16",
    "--set",
    "encoder.conv.width=8",
    "--out",
    "out",
];

#[test]
fn a_comparison_trains_each_method_once_and_writes_tables_figures_and_a_page() {
    let place = Place::furnished();
    let text = place.run(&COMPARE).done().stdout;
    assert!(text.contains("moco") && text.contains("twist"), "{text}");
    assert!(text.contains("out/report.html"), "{text}");
    for run in ["moco-seed0", "twist-seed0"] {
        for file in ["summary.json", "evaluation.json", "augmentation.png", "neighbors.png"] {
            let path = place.path(&format!("out/runs/{run}/{file}"));
            assert!(path.exists(), "{}", path.display());
        }
        let summary = place.read_json(&format!("out/runs/{run}/summary.json"));
        assert_eq!(summary["epochs"], 2);
        assert!(summary["peak_memory_bytes"].as_u64().unwrap() > 10 << 20);
    }
    for figure in ["probe_accuracy", "contrastive_accuracy"] {
        let png = image::open(place.path(&format!("out/{figure}.png"))).unwrap();
        assert!(png.width() >= 1000, "{figure}");
        let svg = fs::read_to_string(place.path(&format!("out/{figure}.svg"))).unwrap();
        assert!(svg.contains("moco") && svg.contains("twist"), "{figure}");
    }
    let page = fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("data:image/png;base64,"));
    for loaded in ["src=\"http", "href=\"http", "url(http", "<script src"] {
        assert!(!page.contains(loaded), "the page loads something: {loaded}");
    }
    let board = place.read_json("out/leaderboard.json");
    let mut methods: Vec<_> =
        board["rows"].as_array().unwrap().iter().map(|row| row["method"].clone()).collect();
    methods.sort_by_key(|name| name.to_string());
    assert_eq!(methods, [json!("moco"), json!("twist")]);
    for row in board["rows"].as_array().unwrap() {
        for key in ["linear", "linear_initial", "knn", "knn_initial", "chance"] {
            assert!(row[key]["mean"].is_f64(), "{key}: {row}");
        }
    }
    assert!(text.contains("Linear, before (%)") && text.contains("Chance (%)"), "{text}");

    // A second call trains and measures nothing again.
    let runs = || -> Vec<_> {
        let contents = place.contents().into_iter();
        contents.filter(|(path, _)| path.starts_with(place.path("out/runs"))).collect()
    };
    let before = runs();
    place.run(&COMPARE).done();
    let is_log = |path: &std::path::Path| path.ends_with("log.txt");
    for (old, new) in before.iter().zip(&runs()) {
        assert!(old == new || is_log(&old.0), "{} changed", old.0.display());
    }
    // Another set is another comparison, too.
    let counts = ["--unlabeled", "96", "--train", "32", "--test", "32"];
    let synth = ["data", "synth", "--image-size", "32", "--seed", "1", "--out", "other"];
    place.run(&[&synth[..], &counts].concat()).done();
    let other = COMPARE.map(|word| if word == "data" { "other" } else { word });
    place.refuses(&other, &["config.json: data can't change", "other"]);
    // Other settings are another comparison.
    let other = [&COMPARE[..], &["--set", "method.moco.temperature=0.2"]].concat();
    place.refuses(&other, &["--set method.moco.temperature", "method has twist"]);
    let other = [&COMPARE[..], &["--set", "optimizer.adam.lr.cosine.start=0.5"]].concat();
    place.refuses(
        &other,
        &["config.json", "optimizer.adam.lr.cosine.start", "0.001", "0.5", "another --out"],
    );
}

/// [`COMPARE`] of one method into `out`, with `more` in place of the number of epochs.
fn twist<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut words = COMPARE.to_vec();
    words.drain(5..7);
    (words[2], words[10]) = ("twist", out);
    // A learning rate that stays the same, whatever the number of epochs.
    words.extend(["--preset", "seed"]);
    words.extend(more);
    words
}

#[test]
fn a_comparison_goes_on_to_more_epochs_and_never_shows_the_old_ones() {
    let place = Place::furnished();
    let run = "out/runs/twist-seed0";
    // The same as in one go.
    place.run(&twist("straight", &["--epochs", "2"])).done();

    place.run(&twist("out", &["--epochs", "1"])).done();
    assert_eq!(place.read_json(&format!("{run}/evaluation.json"))["epoch"], 1);
    let second = place.run(&twist("out", &["--epochs", "2"])).done();
    assert!(second.stderr.contains("train.epochs was 1, is 2"), "{second:#?}");
    assert_eq!(place.read_json(&format!("{run}/summary.json"))["epochs"], 2);
    assert_eq!(place.read_json(&format!("{run}/config.json"))["config"]["train"]["epochs"], 2);
    // The accuracy of nearest neighbors is measured after what was the last epoch, too.
    let metrics = |run: &str| {
        let mut lines = place.timeless_metrics(run);
        lines.iter_mut().for_each(|line| {
            line.as_object_mut().unwrap().remove("val_knn_acc");
        });
        lines
    };
    assert_eq!(metrics(run), metrics("straight/runs/twist-seed0"));
    let scores = |run: &str| {
        let evaluation = place.read_json(&format!("{run}/evaluation.json"));
        (evaluation["epoch"].clone(), evaluation["protocols"].clone())
    };
    assert_eq!(scores(run), scores("straight/runs/twist-seed0"));
    let page = String::from_utf8(place.read("out/report.html")).unwrap();
    let command = "twinview compare --methods twist --preset seed --seeds 1 --data data --epochs 2 \
                   --batch-size 16 --set encoder.conv.width=8 --out OUT";
    assert!(page.contains(command), "{page}");

    // What is trained can't be taken back.
    let config = format!("{run}/config.json");
    let says = [&config[..], "train.epochs was 2, is 1", "at least 16 steps", "found 8"];
    place.refuses(&twist("out", &["--epochs", "1"]), &says);
    let few = twist("out", &["--epochs", "2", "--set", "train.max_steps=12"]);
    place.refuses(&few, &[&config, "train.max_steps was null, is 12"]);
}

#[test]
fn a_limit_that_is_left_out_later_is_gone() {
    let place = Place::furnished();
    place.run(&twist("out", &["--epochs", "1", "--set", "train.max_steps=3"])).done();
    assert_eq!(place.logged_steps("out/runs/twist-seed0"), [1, 2, 3]);
    place.run(&twist("out", &["--epochs", "1"])).done();
    assert_eq!(place.logged_steps("out/runs/twist-seed0"), (1..=8).collect::<Vec<_>>());
    assert_eq!(place.read_json("out/runs/twist-seed0/evaluation.json")["step"], 8);
}

#[test]
fn images_without_labels_have_no_accuracy_and_it_is_said() {
    let place = Place::furnished();
    for name in ["train_X", "train_y", "test_X", "test_y"] {
        fs::remove_file(place.path(&format!("data/{name}.bin"))).unwrap();
    }
    let finished = place.run(&twist("out", &["--epochs", "1"])).done();
    let says = "data has no labels: no accuracy is measured";
    assert!(finished.stderr.contains(says), "{finished:#?}");
    let lines: Vec<&str> = finished.stdout.lines().collect();
    assert!(lines[0].contains("Effective rank"), "{finished:#?}");
    assert!(!lines[1].contains(" - "), "{finished:#?}");
    assert!(lines[2].contains("no labels, so no accuracies"), "{finished:#?}");
}

#[test]
fn a_folder_of_other_things_is_left_alone() {
    let place = Place::furnished();
    place.put("out/report.html", "mine");
    place.refuses(&COMPARE, &["out: expected a new folder or one of a comparison"]);
}

/// `compare` of one method, for an epoch.
fn compare_one(place: &Place) -> String {
    let one = COMPARE.map(|word| match word {
        "moco,twist" => "moco",
        "2" => "1",
        word => word,
    });
    place.run(&one).done().stdout
}

#[test]
fn without_a_test_split_folds_are_compared_and_without_labels_no_accuracies() {
    let place = Place::furnished();
    for file in ["test_X.bin", "test_y.bin"] {
        fs::remove_file(place.path(&format!("data/{file}"))).unwrap();
    }
    let text = compare_one(&place);
    assert!(text.contains("Linear (%)") && text.contains("folds of the labeled images"), "{text}");
    let board = place.read_json("out/leaderboard.json");
    assert!(board["rows"][0]["linear"]["mean"].is_f64(), "{board}");
    assert!(board["notes"][0].as_str().unwrap().contains("no labeled test split"), "{board}");

    let place = Place::furnished();
    for split in ["train", "test"] {
        for file in ["X", "y"] {
            fs::remove_file(place.path(&format!("data/{split}_{file}.bin"))).unwrap();
        }
    }
    let text = compare_one(&place);
    assert!(text.contains("no labels") && text.contains("Effective rank"), "{text}");
    assert!(!text.contains("test split") && !text.contains("Linear"), "{text}");
}

#[test]
fn an_interrupted_comparison_goes_on_where_it_stopped() {
    let place = Place::furnished();
    let second = "out/runs/twist-seed0/metrics.jsonl";
    let interrupted = place.interrupt(&COMPARE, "-INT", || place.has(second)).ended(130);
    assert!(interrupted.stderr.contains("run the same command to resume"), "{interrupted:#?}");
    let finished = fs::read(place.path("out/runs/moco-seed0/metrics.jsonl")).unwrap();

    let text = place.run(&COMPARE).done().stderr;
    assert!(text.contains("moco-seed0 is finished"), "{text}");
    assert_eq!(fs::read(place.path("out/runs/moco-seed0/metrics.jsonl")).unwrap(), finished);
    assert!(place.path("out/report.html").exists());
    assert_eq!(place.logged_steps("out/runs/twist-seed0"), (1..=16).collect::<Vec<_>>());
}

#[test]
fn what_can_not_be_compared_is_refused() {
    let place = Place::furnished();
    place.refuses(
        &["compare", "--methods", "mocko", "--out", "out"],
        &["mocko", "did you mean moco"],
    );
    place.refuses(&["compare", "--seeds", "0", "--out", "out"], &["--seeds", "at least 1"]);
}
