//! What a run says while it trains: a line after the first step, the headline after each epoch, an
//! answer to Ctrl-C at once, and what to do next.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

use end_to_end::{Place, pretrain};

/// An encoder whose first step takes many seconds on one core.
const SLOW: [&str; 4] = [
    "--set",
    r#"encoder={"resnet": {"depth": 18, "stem": "small", "norm": "batch"}}"#,
    "--batch-size",
    "128",
];

fn interrupt(child: &Child) {
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
}

/// The lines of stderr up to the first that contains `part`.
fn lines_to(stderr: &mut BufReader<ChildStderr>, part: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    while !lines.last().is_some_and(|line| line.contains(part)) {
        let mut line = String::new();
        let bytes = stderr.read_line(&mut line).unwrap();
        assert!(bytes > 0, "expected {part:?}, found {lines:#?}");
        lines.push(line);
    }
    lines
}

#[test]
fn a_run_says_how_long_it_takes_and_what_next() {
    let place = Place::furnished();
    let log = place.run(&pretrain("simclr.json", "my run")).done().stderr;
    let lines: Vec<&str> = log.lines().collect();
    let at = |part: &str| {
        lines.iter().position(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}: {log}"))
    };
    let first = at("step 1/16 done: ");
    assert!(lines[first].contains(" images/s, about ") && lines[first].contains("15 steps"));
    let epoch = at("epoch 1 done: val_knn_acc ");
    assert!(first < epoch && epoch < at("epoch 2 done: val_knn_acc "), "{log}");
    assert!(lines[at("12 + 4 images per step")].contains("1 libtorch thread, 1 worker ->"));
    let end = at("finished; results are in my run");
    assert!(lines[end + 1].ends_with("next: twinview evaluate 'my run'"), "{log}");
    assert!(lines[end + 2].ends_with("next: twinview report 'my run' --out 'my run.html'"));
    assert_eq!(lines.len(), end + 3);
    // It is what it says.
    place.run(&["report", "my run", "--quick", "--out", "my run.html"]).done();
}

#[test]
fn a_run_of_a_few_steps_says_so() {
    let place = Place::furnished();
    let arguments = [&pretrain("simclr.json", "run")[..], &["--max-steps", "2"]].concat();
    let log = place.run(&arguments).done().stderr;
    assert!(log.contains("8 steps per epoch (2 in all, 0.2 of an epoch)"), "{log}");
    assert!(log.contains("step 1/2 done") && log.contains("the other 1 step\n"), "{log}");
}

#[test]
fn the_first_ctrl_c_is_answered_at_once_and_the_second_ends_the_program() {
    let place = Place::furnished();
    let arguments = [&pretrain("simclr.json", "run")[..], &SLOW].concat();
    let mut child = place.command(&arguments).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    lines_to(&mut stderr, "images per step");
    interrupt(&child);
    let answer = lines_to(&mut stderr, "stopping after this step");
    assert!(answer.last().unwrap().contains("press Ctrl-C again to end without saving"));
    assert_eq!(answer.len(), 1, "it came after a step: {answer:#?}");
    interrupt(&child);
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!((rest.as_str(), child.wait().unwrap().code()), ("", Some(130)));
    assert!(place.checkpoints("run").is_empty());
}

#[test]
fn what_is_interrupted_says_how_to_resume() {
    let place = Place::furnished();
    let arguments = [&pretrain("simclr.json", "run")[..], &["--epochs", "1000"]].concat();
    let mut child = place.command(&arguments).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    lines_to(&mut stderr, "step 1/8000 done");
    interrupt(&child);
    let lines = lines_to(&mut stderr, "interrupted and saved");
    let last = lines.last().unwrap();
    assert!(last.ends_with("to resume: twinview pretrain simclr --run run --resume\n"), "{last}");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(lines.iter().any(|line| line.contains("stopping after this step")), "{lines:#?}");
    let log = String::from_utf8(place.read("run/log.txt")).unwrap();
    assert!(log.contains("stopping after this step"), "{log}");
}

/// Accuracy of a vote of the `k` nearest of the other images, by its definition.
fn leave_one_out(images: &[(Vec<f64>, String)], k: usize) -> f64 {
    let unit = |x: &[f64]| {
        let length = x.iter().map(|value| value * value).sum::<f64>().sqrt();
        x.iter().map(|value| value / length).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<f64>> = images.iter().map(|(x, _)| unit(x)).collect();
    let mut classes: Vec<&String> = images.iter().map(|(_, class)| class).collect();
    classes.sort();
    classes.dedup();
    let correct = (0..rows.len()).filter(|&query| {
        let cosine =
            |row: usize| rows[query].iter().zip(&rows[row]).map(|(a, b)| a * b).sum::<f64>();
        let mut near: Vec<usize> = (0..rows.len()).filter(|&row| row != query).collect();
        near.sort_by(|&a, &b| cosine(b).total_cmp(&cosine(a)));
        let votes = |class: &String| -> f64 {
            let of_class = near.iter().take(k).filter(|&&row| images[row].1 == *class);
            of_class.map(|&row| (cosine(row) / 0.07).exp()).sum()
        };
        let most = classes.iter().max_by(|a, b| votes(a).total_cmp(&votes(b)));
        most.is_some_and(|class| **class == images[query].1)
    });
    correct.count() as f64 / rows.len() as f64
}

#[test]
fn the_headline_is_the_accuracy_of_nearest_neighbors_among_training_images() {
    let place = Place::trained("dino");
    let epochs = place.metrics("run");
    let epochs: Vec<_> = epochs.iter().filter(|line| line["kind"] == "epoch").collect();
    let found = epochs[1]["val_knn_acc"].as_f64().unwrap();
    place.run(&["embed", "run", "--split", "train", "--out", "train.csv"]).done();
    let table = String::from_utf8(place.read("train.csv")).unwrap();
    let images = table.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.trim_end().split(',').collect();
        let features = cells[5..].iter().map(|cell| cell.parse().unwrap());
        (features.collect(), cells[3].to_owned())
    });
    let images: Vec<(Vec<f64>, String)> = images.collect();
    assert_eq!(images.len(), 32);
    // Ten classes of about three images: one neighbor votes.
    let expected = leave_one_out(&images, 1);
    // Rounding may move one image from a class to another.
    assert!((found - expected).abs() < 1.5 / 32.0, "{found}, expected {expected}");
}

#[test]
fn without_labels_there_is_no_headline() {
    let place = Place::furnished();
    for name in ["train_X", "train_y", "test_X", "test_y"] {
        std::fs::remove_file(place.path(&format!("data/{name}.bin"))).unwrap();
    }
    let log = place.run(&pretrain("simclr.json", "run")).done().stderr;
    assert!(log.contains("epoch 1 done: loss ") && !log.contains("val_knn_acc"), "{log}");
    assert!(log.contains("next: twinview neighbors run --outliers 20"), "{log}");
    assert!(place.metrics("run").iter().all(|line| line["val_knn_acc"].is_null()));
}
