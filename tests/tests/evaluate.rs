//! Evaluating a run: both protocols, other weights, images of other sizes.

use end_to_end::{Place, Stored, pretrain, tensors};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[test]
fn evaluation_says_the_accuracy_of_each_protocol() {
    for method in ["simclr", "dino"] {
        let place = Place::trained(method);
        let text = place.run(&["evaluate", "run"]).done().stdout;
        for part in ["after epoch 2, step 16", "linear ", "knn ", "% interval", "of 32", ", C "] {
            assert!(text.contains(part), "{text}");
        }
        let trained = place.run(&["evaluate", "run", "--json", "--out", "out.json"]).done().json();
        assert_eq!(place.read_json("out.json"), trained);
        assert_eq!((&trained["method"], &trained["split"]), (&json!(method), &json!("test")));
        assert_eq!((&trained["epoch"], &trained["step"]), (&json!(2), &json!(16)));
        for protocol in ["linear", "knn"] {
            let report = &trained["protocols"][protocol];
            assert_eq!(report["test"]["total"], 32);
            let share = report["test"]["correct"].as_f64().unwrap() / 32.0;
            assert_eq!(report["accuracy"], share);
        }
        let again = place.run(&["evaluate", "run", "--json"]).done().json();
        assert_eq!(again, trained);
    }
}

#[test]
fn scores_stand_beside_chance_and_the_weights_before_training() {
    let place = Place::trained("simclr");
    let evaluate = |more: &[&str]| {
        let start = ["evaluate", "run", "--protocol", "linear,knn"];
        place.run(&[&start[..], more].concat()).done()
    };
    let found = evaluate(&["--json"]).json();
    let untrained = evaluate(&["--json", "--checkpoint", "initial"]).json();
    let without = evaluate(&["--json", "--no-baseline"]).json();
    for protocol in ["linear", "knn"] {
        let report = &found["protocols"][protocol];
        let initial = &untrained["protocols"][protocol];
        assert_eq!(report["initial_accuracy"], initial["accuracy"], "{protocol}");
        assert_eq!(initial["initial_accuracy"], json!(null));
        assert_eq!(without["protocols"][protocol]["initial_accuracy"], json!(null));
        assert_eq!(without["protocols"][protocol]["test"], report["test"]);
        assert_counted(&report["test"]);
    }
    let text = evaluate(&[]).stdout;
    for heading in ["balanced", "macro-F1", "top-5", "untrained", "chance"] {
        assert!(text.lines().nth(1).unwrap().contains(heading), "{text}");
    }
    assert!(!evaluate(&["--no-baseline"]).stdout.contains("untrained"));
}

/// Balanced accuracy, macro-F1 and chance follow from the confusion matrix.
fn assert_counted(score: &Value) {
    let number = |value: &Value| value.as_f64().unwrap();
    let rows: Vec<Vec<f64>> = score["confusion"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row.as_array().unwrap().iter().map(number).collect())
        .collect();
    let truth: Vec<f64> = rows.iter().map(|row| row.iter().sum()).collect();
    let predicted = |class: usize| rows.iter().map(|row| row[class]).sum::<f64>();
    let classes: Vec<usize> = (0..10).filter(|&class| truth[class] > 0.0).collect();
    let recall = classes.iter().map(|&class| rows[class][class] / truth[class]).sum::<f64>();
    let f1 = |class: usize| 2.0 * rows[class][class] / (truth[class] + predicted(class));
    let known: Vec<usize> =
        (0..10).filter(|&class| truth[class] + predicted(class) > 0.0).collect();
    let macro_f1 = known.iter().map(|&class| f1(class)).sum::<f64>() / known.len() as f64;
    let near = |key: &str, want: f64| assert!((number(&score[key]) - want).abs() < 1e-12, "{key}");
    near("balanced_accuracy", recall / classes.len() as f64);
    near("macro_f1", macro_f1);
    near("chance", truth.iter().copied().fold(0.0, f64::max) / 32.0);
    let top5 = number(&score["top5"]);
    assert!(number(&score["accuracy"]) <= top5 && top5 <= 1.0);
}

#[test]
fn without_a_test_split_folds_of_train_are_scored() {
    let place = Place::furnished();
    for file in ["test_X.bin", "test_y.bin"] {
        std::fs::remove_file(place.path(&format!("data/{file}"))).unwrap();
    }
    place.run(&pretrain("simclr.json", "run")).done();
    let evaluate = |more: &[&str]| place.run(&[&["evaluate", "run"], more].concat()).done();
    let found = evaluate(&["--json"]).json();
    assert_eq!((&found["split"], &found["data"]["images"]["test"]), (&json!("folds"), &json!(0)));
    assert_eq!(evaluate(&["--json"]).json(), found);
    for protocol in ["linear", "knn"] {
        let report = &found["protocols"][protocol];
        let folds = &report["cross_validation"]["folds"];
        assert_eq!(report["accuracy"], folds["mean"]);
        assert_eq!(folds["accuracies"].as_array().unwrap().len(), 5);
        assert_eq!(report["test"]["total"], 32, "each labeled image once");
        assert!(report["initial_accuracy"].is_f64());
    }
    let text = evaluate(&["--labels-per-class", "2"]).stdout;
    for part in ["no labeled test split", " ± ", "with 2 labels per class"] {
        assert!(text.contains(part), "{text}");
    }
    let sgd = ["evaluate", "run", "--protocol", "sgd"];
    place.refuses(&sgd, &["data: sgd: expected a labeled test split", "linear and knn"]);
}

#[test]
fn without_labels_it_says_what_helps() {
    let place = Place::furnished();
    let shape = json!({"width": 32, "height": 32, "channels": 3, "classes": 10});
    place.put("bare/shape.json", shape.to_string());
    place.put("bare/unlabeled_X.bin", place.read("data/unlabeled_X.bin"));
    let mut arguments = pretrain("simclr.json", "run");
    arguments[5] = "bare";
    place.run(&arguments).done();
    let says = ["bare: expected a labeled train split", "--data", "twinview neighbors"];
    place.refuses(&["evaluate", "run"], &says);
    place.run(&["evaluate", "run", "--data", "data", "--protocol", "knn"]).done();
}

#[test]
fn the_runs_of_a_folder_are_listed() {
    let place = Place::trained("simclr");
    std::fs::create_dir(place.path("runs")).unwrap();
    std::fs::rename(place.path("run"), place.path("runs/first")).unwrap();
    place.refuses(
        &["evaluate", "runs"],
        &["runs: expected a run", "a folder with the run runs/first"],
    );
}

#[test]
fn evaluation_measures_other_weights_too() {
    let place = Place::trained("simclr");
    let evaluate = |more: &[&str]| {
        let start = ["evaluate", "run", "--json", "--protocol", "linear"];
        place.run(&[&start[..], more].concat()).done().json()
    };
    let (newest, early) = (evaluate(&[]), evaluate(&["--checkpoint", "epoch:1"]));
    assert_eq!((&early["epoch"], &early["step"]), (&json!(1), &json!(8)));
    let untrained = evaluate(&["--checkpoint", "initial"]);
    assert_eq!((&untrained["untrained"], &untrained["step"]), (&json!(true), &json!(0)));
    assert_eq!(untrained["protocols"].as_object().unwrap().keys().collect::<Vec<_>>(), ["linear"]);
    assert_ne!(untrained["protocols"], newest["protocols"]);
    place.refuses(
        &["evaluate", "run", "--checkpoint", "epoch:3"],
        &["run: expected ", "3", "found "],
    );
}

#[test]
fn few_labels_are_drawn_by_a_seed() {
    let place = Place::trained("simclr");
    let few = ["--labels-per-class", "1", "--labels-per-class", "3"];
    let few = [&few[..], &["--repeats", "4"]].concat();
    let evaluate = |more: &[&str]| {
        let start = ["evaluate", "run"];
        place.run(&[&start[..], &few, more].concat()).done()
    };
    let found = evaluate(&["--json"]).json();
    for protocol in ["linear", "knn"] {
        let scores = found["protocols"][protocol]["few_labels"].as_array().unwrap();
        let counts: Vec<_> = scores.iter().map(|few| &few["labels_per_class"]).collect();
        assert_eq!(counts, [1, 3]);
        for few in scores {
            let accuracies = few["subsets"]["accuracies"].as_array().unwrap();
            let values: Vec<f64> = accuracies.iter().map(|a| a.as_f64().unwrap()).collect();
            let mean = values.iter().sum::<f64>() / 4.0;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            assert_eq!(values.len(), 4);
            assert!((few["subsets"]["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
            let std = few["subsets"]["std"].as_f64().unwrap();
            assert!((std - (squares / 3.0).sqrt()).abs() < 1e-12);
        }
    }
    assert_eq!(evaluate(&["--json"]).json(), found);
    let other = evaluate(&["--json", "--seed", "1"]).json();
    for protocol in ["linear", "knn"] {
        let subsets = |of: &Value| of["protocols"][protocol]["few_labels"][0]["subsets"].clone();
        assert_ne!(subsets(&other), subsets(&found), "{protocol}");
    }
    let text = evaluate(&[]).stdout;
    assert!(text.contains("with 1 label per class, over 4 subsets"), "{text}");
    place.refuses(
        &["evaluate", "run", "--labels-per-class", "4"],
        &["data: expected at least 4 ", "found 3 of class "],
    );
    for bad in [["--labels-per-class", "0"], ["--repeats", "3"]] {
        let evaluate = [&["evaluate", "run"][..], &bad].concat();
        place.refuses(&evaluate, &["--labels-per-class"]);
    }
}

#[test]
fn what_is_taken_for_what_is_counted_and_drawn() {
    let place = Place::trained("simclr");
    let draw = ["evaluate", "run", "--json", "--confusion-matrix", "confusion.png"];
    let found = place.run(&draw).done().json();
    let drawn = place.read("confusion.png");
    assert!(drawn.starts_with(b"\x89PNG"));
    for protocol in ["linear", "knn"] {
        let score = &found["protocols"][protocol]["test"];
        let classes = score["per_class"].as_array().unwrap();
        let rows = score["confusion"].as_array().unwrap();
        assert_eq!((classes.len(), rows.len()), (10, 10));
        for (index, (class, row)) in classes.iter().zip(rows).enumerate() {
            let images: u64 = row.as_array().unwrap().iter().filter_map(|n| n.as_u64()).sum();
            assert_eq!((&class["total"], &class["correct"]), (&json!(images), &row[index]));
        }
    }
    let text = place.run(&["evaluate", "run"]).done().stdout;
    let names = found["data"]["class_names"].as_array().unwrap();
    let rows: Vec<&str> = text.lines().skip_while(|line| !line.is_empty()).collect();
    assert!(rows[1].ends_with("most confused with"), "{text}");
    assert_eq!(rows.len(), 12, "{text}");
    for (row, name) in rows[2..].iter().zip(names) {
        assert!(row.starts_with(name.as_str().unwrap()), "{row}");
    }
    // The picture is of the first protocol.
    let knn = ["--confusion-matrix", "knn.png", "--protocol", "knn"];
    place.run(&[&["evaluate", "run"][..], &knn].concat()).done();
    assert_ne!(place.read("knn.png"), drawn);
    let nowhere = ["evaluate", "run", "--confusion-matrix", "no/such/folder/x.png"];
    place.refuses(&nowhere, &["no/such/folder/x.png"]);
}

#[test]
fn a_result_says_what_it_takes_to_measure_it_again() {
    let place = Place::trained("simclr");
    let evaluate = ["evaluate", "run", "--labels-per-class", "2", "--seed", "7"];
    let out = ["--out", "result.json"];
    place.run(&[&evaluate[..], &out].concat()).done();
    let result = place.read_json("result.json");
    let record = place.read_json("run/config.json");
    let weights = &result["weights"];
    let checkpoint = weights["checkpoint"].as_str().unwrap();
    assert!(place.newest("run").ends_with(checkpoint), "{checkpoint}");
    assert_eq!((&weights["epoch"], &weights["step"]), (&json!(2), &json!(16)));
    let data = &result["data"];
    for key in ["paths", "kind", "fingerprint", "class_names"] {
        assert_eq!(data[key], record["data"][key], "{key}");
    }
    assert_eq!(data["images"], json!({"train": 32, "test": 32}));
    for key in ["version", "revision", "device"] {
        assert_eq!(result[key], record[key], "{key}");
    }
    assert_eq!(result["seed"], record["config"]["seed"]);
    assert_eq!(result["threads"], 1);
    let protocols = &result["protocols"];
    assert_eq!(protocols["knn"]["settings"], json!({"k": 20, "temperature": 0.07}));
    let linear = &protocols["linear"]["settings"];
    assert_eq!((&linear["validation_share"], &linear["folds"]), (&json!(0.2), &json!(5)));
    assert_eq!(linear["cs"].as_array().unwrap().len(), 13);
    assert_eq!(protocols["knn"]["few_labels"][0]["seed"], 7);
    let untrained =
        place.run(&["evaluate", "run", "--checkpoint", "initial", "--json"]).done().json();
    assert_eq!(untrained["weights"]["checkpoint"], json!(null));
    assert_ne!(untrained["weights"]["sha256"], weights["sha256"]);
}

#[test]
fn measuring_changes_no_file_and_no_weight() {
    for method in ["simclr", "dino"] {
        let place = Place::trained(method);
        let before = place.contents();
        let found = place.run(&["evaluate", "run", "--json", "--no-cache"]).done().json();
        assert!(place.contents() == before, "{method}: a file has changed");
        // The hash is taken after everything was measured.
        let encoder = tensors(&place.path("run/encoder.safetensors"));
        let weights = &found["weights"];
        assert_eq!(weights["sha256"], sha256(&encoder), "{method}");
        assert_eq!(weights["teacher"], method == "dino");
    }
}

/// The hash of an encoder's tensors, as a result gives it.
fn sha256(tensors: &[Stored]) -> String {
    let mut hash = Sha256::new();
    for (name, dtype, shape, bytes) in tensors {
        hash.update(format!("{name} {dtype:?} {shape:?} "));
        hash.update(bytes);
    }
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn several_checkpoints_are_evaluated_at_once() {
    let place = Place::trained("simclr");
    let evaluate = |more: &[&str]| {
        let start = ["evaluate", "run", "--json", "--protocol", "knn"];
        place.run(&[&start[..], more].concat()).done().json()
    };
    let (one, last) = (evaluate(&["--checkpoint", "epoch:1"]), evaluate(&["--checkpoint", "last"]));
    assert_eq!(evaluate(&[]), last);
    let both =
        evaluate(&["--checkpoint", "last", "--checkpoint", "epoch:1", "--checkpoint", "last"]);
    assert_eq!(both, json!({"checkpoints": {"last": last, "epoch:1": one}}));
    let checkpoints = ["--checkpoint", "last", "--checkpoint", "epoch:1"];
    let text = place.run(&[&["evaluate", "run"][..], &checkpoints].concat()).done().stdout;
    for part in ["checkpoint last: run (after epoch 2", "checkpoint epoch:1: run (after epoch 1"] {
        assert!(text.contains(part), "{text}");
    }
    let draw = ["evaluate", "run", "--confusion-matrix", "x.png"];
    place.refuses(&[&draw[..], &checkpoints].concat(), &["--confusion-matrix: ", "found 2"]);
}

#[test]
fn several_seeds_have_a_mean_and_a_deviation() {
    let place = Place::trained("simclr");
    for (seed, epochs) in [("1", "2"), ("2", "2"), ("3", "1")] {
        let run = format!("run{seed}");
        let more = ["--seed", seed, "--epochs", epochs];
        place.run(&[&pretrain("simclr.json", &run)[..], &more].concat()).done();
    }
    let evaluate = |runs: &[&str], more: &[&str]| {
        let few = ["--labels-per-class", "2", "--repeats", "2"];
        place.run(&[&["evaluate"][..], runs, &few, more].concat()).done()
    };
    let runs = ["run", "run1", "run2"];
    let found = evaluate(&runs, &["--json"]).json();
    let alone = runs.map(|run| evaluate(&[run], &["--json"]).json());
    assert_eq!(found["runs"], json!(alone));
    for protocol in ["linear", "knn"] {
        let spread = |from: &Value, value: &dyn Fn(&Value) -> f64| {
            let values = alone.each_ref().map(value);
            let mean = values.iter().sum::<f64>() / 3.0;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            let off = |key: &str, want: f64| from[key][protocol].as_f64().unwrap() - want;
            assert!(
                off("mean", mean).abs() < 1e-12 && off("std", (squares / 2.0).sqrt()).abs() < 1e-12
            );
        };
        spread(&found, &|run| run["protocols"][protocol]["accuracy"].as_f64().unwrap());
        let few = &found["few_labels"][0];
        assert_eq!(few["labels_per_class"], 2);
        spread(few, &|run| {
            let few = &run["protocols"][protocol]["few_labels"][0];
            few["subsets"]["mean"].as_f64().unwrap()
        });
    }
    let text = evaluate(&runs, &[]).stdout;
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("run")).collect();
    assert_eq!(rows.len(), 4, "a heading and a row a run: {text}");
    assert!(text.contains("\nuntrained ") && text.contains(", chance "), "{text}");
    for protocol in ["linear", "knn"] {
        let initial = alone
            .each_ref()
            .map(|run| run["protocols"][protocol]["initial_accuracy"].as_f64().unwrap());
        let mean = initial.iter().sum::<f64>() / 3.0;
        let off = found["initial"]["mean"][protocol].as_f64().unwrap() - mean;
        assert!(off.abs() < 1e-12, "{protocol}");
    }
    assert!(text.contains("\nmean ± std ") && text.contains("knn, 2 per class"), "{text}");

    let refuses = |runs: [&str; 2], says: &[&str]| {
        place.refuses(&[&["evaluate"][..], &runs].concat(), says);
    };
    refuses(["run", "run3"], &["run3: ", "its seed only, found train.epochs 1, not 2"]);
    refuses(["run", "run"], &["run: ", "a seed of its own"]);
    place.run(&pretrain("dino.json", "dino")).done();
    refuses(["run", "dino"], &["dino: ", "found method dino, not simclr"]);
}

#[test]
fn a_classifier_is_trained_on_views() {
    let place = Place::trained("simclr");
    let before = place.contents();
    let evaluate = |more: &[&str]| {
        let start = ["evaluate", "run", "--json", "--no-cache", "--protocol", "sgd"];
        place.run(&[&start[..], more].concat()).done().json()
    };
    let few = ["--labels-per-class", "1", "--repeats", "2", "--epochs", "20"];
    let found = evaluate(&few);
    assert_eq!(evaluate(&few), found);
    assert!(place.contents() == before, "a file has changed");
    let encoder = tensors(&place.path("run/encoder.safetensors"));
    assert_eq!(found["weights"]["sha256"], sha256(&encoder));
    let sgd = &found["protocols"]["sgd"];
    assert_eq!(sgd["test"]["total"], 32);
    assert_eq!((&sgd["steps"], &sgd["train_images"]), (&json!(20), &json!(32)));
    let rates = sgd["settings"]["lrs"].as_array().unwrap();
    let tried = sgd["validation"].as_array().unwrap();
    assert_eq!((rates.len(), tried.len()), (7, 7));
    assert_eq!(sgd["validation_images"], 10, "one of each class");
    let best = tried.iter().map(|one| one["accuracy"].as_f64().unwrap());
    let best = best.fold(0.0, f64::max);
    let first = tried.iter().find(|one| one["accuracy"] == best).unwrap();
    assert_eq!(sgd["lr"], first["lr"]);
    let few = &sgd["few_labels"][0];
    assert_eq!(few["chosen"], json!([0.03, 0.03]), "nothing to choose by");
    assert_eq!(few["subsets"]["images"], json!([10, 10]));
    let longer = evaluate(&["--epochs", "21"]);
    assert_eq!(longer["protocols"]["sgd"]["steps"], 21);
}

#[test]
fn a_copy_of_the_encoder_is_fine_tuned() {
    let place = Place::furnished();
    place.put_config("simclr", |config| {
        config["encoder"]["conv"]["width"] = json!(32);
    });
    place.run(&pretrain("simclr.json", "run")).done();
    let before = place.contents();
    let evaluate = |passes: &str, more: &[&str]| {
        let start = [
            "evaluate",
            "run",
            "--json",
            "--no-cache",
            "--protocol",
            "finetune",
            "--epochs",
            passes,
        ];
        place.run(&[&start[..], more].concat()).done().json()
    };
    let few = ["--labels-per-class", "1", "--repeats", "2"];
    let found = evaluate("3", &few);
    assert_eq!(evaluate("3", &few), found);
    assert!(place.contents() == before, "a file has changed");
    let encoder = tensors(&place.path("run/encoder.safetensors"));
    assert_eq!(found["weights"]["sha256"], sha256(&encoder), "it is a copy that learns");
    let tuned = &found["protocols"]["finetune"];
    assert_eq!((&tuned["steps"], &tuned["validation_images"]), (&json!(3), &json!(10)));
    assert_eq!(tuned["validation"].as_array().unwrap().len(), 4);
    assert_eq!(tuned["few_labels"][0]["chosen"], json!([0.01, 0.01]));
    let longer = evaluate("600", &[])["protocols"]["finetune"].clone();
    let learned = |report: &Value| report["train_accuracy"].as_f64().unwrap();
    let (little, much) = (learned(tuned), learned(&longer));
    assert!(much > 0.4 && much > 2.0 * little, "{little} {much}");
}

#[test]
fn the_test_split_chooses_no_learning_rate() {
    let place = Place::trained("simclr");
    let evaluate = || {
        let start = ["evaluate", "run", "--json", "--protocol", "sgd", "--epochs", "20"];
        place.run(&start).done().json()["protocols"]["sgd"].clone()
    };
    let found = evaluate();
    let mut labels = place.read("data/test_y.bin");
    labels.iter_mut().for_each(|label| *label = *label % 10 + 1);
    place.put("data/test_y.bin", labels);
    let other = evaluate();
    assert_ne!(other["test"], found["test"]);
    for key in ["lr", "validation", "train_accuracy"] {
        assert_eq!(other[key], found[key], "{key}");
    }
}

#[test]
fn views_may_have_another_size_than_the_images() {
    let place = Place::furnished();
    place.put_config("simclr", |config| config["image_size"] = json!(48));
    place.run(&pretrain("simclr.json", "run")).done();
    place.run(&["evaluate", "run"]).done();
    place.run(&["data", "pack", "data", "--image-size", "20", "--out", "small"]).done();
    place.run(&["evaluate", "run", "--data", "small"]).done();
}
