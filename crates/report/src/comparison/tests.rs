use std::fs;
use std::path::Path;

use super::write::{figures, write_comparison};
use super::*;
use crate::Error;
use crate::tests::sample;

fn three(folder: &Path) -> Vec<Run> {
    [
        sample::finished(folder, "simclr", 1, &[0.2, 0.3]),
        sample::finished(folder, "simclr", 0, &[0.4, 0.5]),
        sample::finished(folder, "dino", 0, &[0.7, 0.6]),
        sample::unfinished(folder, "byol", 0, &[]),
    ]
    .map(|path| Run::read(&path).unwrap())
    .to_vec()
}

#[test]
fn rows_go_by_the_last_probe_accuracy() {
    let folder = tempfile::tempdir().unwrap();
    let Comparison { rows, notes, .. } = Comparison::of(&three(folder.path()));
    let names: Vec<&str> = rows.iter().map(|row| row.method.as_str()).collect();
    assert_eq!(names, ["dino", "simclr", "byol"]);
    assert_eq!(rows[0].probe_last.unwrap().mean, 0.6);
    assert_eq!(rows[0].probe_best.unwrap().mean, 0.7);
    assert_eq!((&rows[0].best_epochs[..], &rows[0].last_epochs[..]), (&[1][..], &[2][..]));
    assert_eq!(rows[1].seeds, [0, 1]);
    assert!((rows[1].probe_last.unwrap().mean - 0.4).abs() < 1e-12);
    assert_eq!(rows[1].linear.unwrap().n, 2);
    assert_eq!((rows[2].probe_last, rows[2].knn, rows[2].wall_secs), (None, None, None));
    assert_eq!(notes, ["byol with seed 0 is unfinished: 0 of 1 epochs done."]);
}

#[test]
fn different_data_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut runs = three(folder.path());
    runs[0].data.fingerprint = "other".to_owned();
    let notes = Comparison::of(&runs).notes;
    assert!(notes[0].starts_with("The runs saw 2 different data sets"), "{notes:?}");
}

#[test]
fn everything_is_written_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let runs = three(folder.path());
    let out = tempfile::tempdir().unwrap();
    write_comparison(out.path(), &runs, "twinview compare").unwrap();
    let mut names: Vec<String> = fs::read_dir(out.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = [
        "contrastive_accuracy.png",
        "contrastive_accuracy.svg",
        "leaderboard.csv",
        "leaderboard.json",
        "leaderboard.md",
        "probe_accuracy.png",
        "probe_accuracy.svg",
        "report.html",
    ];
    assert_eq!(names, expected);
    let png = fs::read(out.path().join("probe_accuracy.png")).unwrap();
    assert_eq!(png[16..24], [0, 0, 6, 64, 0, 0, 3, 232], "1600 x 1000 pixels");
}

#[test]
fn a_figure_is_of_what_was_measured() {
    let names = |line: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = sample::unfinished(folder.path(), "simclr", 0, &[0.25]);
        let metrics = path.join("metrics.jsonl");
        let text = fs::read_to_string(&metrics).unwrap();
        fs::write(&metrics, text.replace("\"test_probe_acc\":0.25", line)).unwrap();
        let runs = [Run::read(&path).unwrap()];
        let figures = figures(&Comparison::of(&runs), &runs);
        figures.iter().map(|figure| figure.name).collect::<Vec<_>>()
    };
    let probe = "\"test_probe_acc\":0.25,\"val_knn_acc\":0.5";
    assert_eq!(names(probe), ["probe_accuracy", "contrastive_accuracy"]);
    let folds = "\"test_probe_acc\":null,\"val_knn_acc\":0.5";
    assert_eq!(names(folds), ["knn_accuracy", "contrastive_accuracy"]);
    assert_eq!(names("\"test_probe_acc\":null"), ["contrastive_accuracy"]);
}

#[test]
fn the_same_runs_make_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let runs = three(folder.path());
    let [a, b] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    write_comparison(a.path(), &runs, "").unwrap();
    let reversed: Vec<Run> = runs.into_iter().rev().collect();
    write_comparison(b.path(), &reversed, "").unwrap();
    for name in ["probe_accuracy.png", "leaderboard.csv", "probe_accuracy.svg"] {
        let read = |folder: &Path| fs::read(folder.join(name)).unwrap();
        assert_eq!(read(a.path()), read(b.path()), "{name}");
    }
}

#[test]
fn nothing_to_compare_is_an_error() {
    let out = tempfile::tempdir().unwrap();
    assert!(matches!(write_comparison(out.path(), &[], ""), Err(Error::NoRuns)));
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
}
