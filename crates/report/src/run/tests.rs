use std::fs;

use super::*;
use crate::tests::sample;

#[test]
fn a_finished_run_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample::finished(folder.path(), "simclr", 3, &[0.2, 0.5, 0.4]);
    let run = Run::read(&path).unwrap();
    assert_eq!((run.method.as_str(), run.seed, run.epochs), ("simclr", 3, 3));
    assert_eq!((run.data.name(), run.precision.as_str()), ("photos".to_owned(), "bf16"));
    assert_eq!((run.started_at.as_str(), run.finished()), (sample::STARTED_AT, true));
    assert_eq!(run.last().unwrap().epoch, 3);
    assert_eq!(run.best().unwrap().epoch, 2);
    assert_eq!(run.wall_secs(), Some(3.0 * 12.0));
    assert_eq!(run.images_per_sec(), Some(80.0));
    let evaluation = run.evaluation.unwrap();
    let accuracies = ["linear", "knn"].map(|name| evaluation.accuracy(name));
    assert_eq!(accuracies, [Some(0.5), None]);
    assert_eq!(run.settings["projection"]["output_dim"], 128);
}

#[test]
fn an_unfinished_run_is_read_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample::unfinished(folder.path(), "dino", 0, &[0.25, 0.25]);
    let run = Run::read(&path).unwrap();
    assert!(!run.finished() && run.evaluation.is_none());
    assert_eq!(run.best().unwrap().epoch, 1);
    // 2 epochs of 10 s at 64 images a second.
    assert_eq!(run.images_per_sec(), Some(64.0));
    let begun = Run::read(&sample::unfinished(folder.path(), "dino", 1, &[])).unwrap();
    assert_eq!((begun.last(), begun.wall_secs(), begun.images_per_sec()), (None, None, None));
}

#[test]
fn a_folder_without_a_record_is_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let error = Run::read(folder.path()).unwrap_err();
    assert!(error.to_string().contains("found a folder without config.json"), "{error}");
    let absent = Run::read(&folder.path().join("absent")).unwrap_err();
    assert!(matches!(absent, Error::Run(run::Error::NoRun { .. })));
}

#[test]
fn a_run_of_an_earlier_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample::finished(folder.path(), "simclr", 0, &[0.5]);
    let file = path.join(file::CONFIG);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("\"format\":2,", "", 1)).unwrap();
    let said = Run::read(&path).unwrap_err().to_string();
    assert!(said.contains("written by an earlier version of Twinview (format 1)"), "{said}");
}

#[test]
fn damage_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    for (file, content) in [
        ("config.json", "{"),
        ("config.json", "{\"version\":1}"),
        ("summary.json", "[]"),
        ("evaluation.json", "{\"protocols\":{\"knn\":{\"accuracy\":\"high\"}}}"),
    ] {
        let path = sample::finished(folder.path(), "simclr", 0, &[0.5]);
        fs::write(path.join(file), content).unwrap();
        let error = Run::read(&path).unwrap_err();
        assert!(matches!(error, Error::Run(run::Error::Content { .. })), "{error}");
        assert!(error.to_string().contains(file), "{error}");
    }
}

#[test]
fn a_method_of_another_program_has_the_name_that_it_gave() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample::unfinished(folder.path(), "simclr", 0, &[]);
    let file = path.join("config.json");
    let text = fs::read_to_string(&file).unwrap();
    let own = text.replace("\"simclr\":{", "\"own\":{\"name\":\"mine\",");
    fs::write(&file, own).unwrap();
    assert_eq!(Run::read(&path).unwrap().method, "mine");
}

#[test]
fn a_run_has_one_method() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample::unfinished(folder.path(), "simclr", 0, &[]);
    let text = fs::read_to_string(path.join("config.json")).unwrap();
    fs::write(path.join("config.json"), text.replace("\"simclr\"", "\"x\":{},\"simclr\"")).unwrap();
    let error = Run::read(&path).unwrap_err();
    assert!(error.to_string().contains("expected one method"), "{error}");
}
