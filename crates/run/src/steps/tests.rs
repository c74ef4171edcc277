use std::fs;

use serde_json::json;

use super::*;

fn of(text: &str) -> Result<Vec<EpochRecord>, Error> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(file::METRICS), text).unwrap();
    read_epochs(folder.path())
}

const STEP: &str = "{\"kind\":\"step\",\"step\":1,\"epoch\":1,\"loss\":5.0,\"lr\":0.1}\n";

#[test]
fn epochs_come_in_order_and_once() {
    let text = format!(
        "{STEP}{}\n{}\n{}\n",
        r#"{"kind":"epoch","epoch":2,"step":4,"test_probe_acc":0.5}"#,
        r#"{"kind":"epoch","epoch":1,"step":2,"test_probe_acc":null}"#,
        r#"{"kind":"epoch","epoch":2,"step":4,"test_probe_acc":0.25,"new_field":[1]}"#,
    );
    let epochs = of(&text).unwrap();
    assert_eq!(epochs.len(), 2);
    assert_eq!((epochs[0].epoch, epochs[0].test_probe_acc), (1, None));
    assert_eq!((epochs[1].epoch, epochs[1].test_probe_acc), (2, Some(0.25)));
}

#[test]
fn steps_come_in_order_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "{}\n{STEP}{}\n{}\n",
        r#"{"kind":"step","step":2,"epoch":1,"loss":null,"lr":0.1}"#,
        r#"{"kind":"epoch","epoch":1,"step":2}"#,
        r#"{"kind":"step","step":1,"epoch":1,"loss":4.0,"lr":0.1}"#,
    );
    fs::write(folder.path().join(file::METRICS), text).unwrap();
    let steps = read_steps(folder.path()).unwrap();
    let numbers: Vec<u64> = steps.iter().map(|step| step.step).collect();
    assert_eq!((numbers, steps[0].loss), (vec![1, 2], 4.0));
    assert!(steps[1].loss.is_nan());
}

#[test]
fn lines_of_a_run_that_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let of = |text: &str, step| {
        fs::write(folder.path().join(file::METRICS), text).unwrap();
        lines_until(folder.path(), step)
    };
    let line = |step: u64| format!("{{\"kind\":\"step\",\"step\":{step}}}\n");
    let [one, two, three] = [1, 2, 3].map(line);
    let all = format!("{one}{two}{three}");
    assert_eq!(of(&all, 2).unwrap(), (format!("{one}{two}"), 3));
    assert_eq!(of(&all, 0).unwrap(), (String::new(), 3));
    // A last line without its end, and what a power cut leaves behind the last checkpoint.
    assert_eq!(of(&format!("{one}{two}{{\"kin"), 2).unwrap(), (format!("{one}{two}"), 2));
    assert_eq!(of(&format!("{one}{two}\0\0\n"), 2).unwrap(), (format!("{one}{two}"), 2));
    // What is needed isn't dropped.
    for (text, step, line) in [
        (format!("x\n{one}{two}"), 2, 1),
        (format!("{one}x\n{three}"), 2, 2),
        (format!("{one}{{\"step\":-1}}\n"), 2, 2),
        ("x\n".to_owned(), 0, 1),
    ] {
        let error = of(&text, step).unwrap_err();
        assert!(matches!(error, Error::Content { line: Some(at), .. } if at == line), "{error}");
    }
    fs::write(folder.path().join(file::METRICS), [0xff, b'\n']).unwrap();
    assert!(matches!(lines_until(folder.path(), 2), Err(Error::Content { .. })));
    fs::remove_file(folder.path().join(file::METRICS)).unwrap();
    assert_eq!(lines_until(folder.path(), 2).unwrap(), (String::new(), 0));
}

#[test]
fn a_damaged_line_is_named() {
    for bad in ["{\"kind\":\"ep", "", "[]", "{\"kind\":\"epoch\",\"step\":1}"] {
        let error = of(&format!("{STEP}{bad}\n{STEP}")).unwrap_err();
        assert!(matches!(error, Error::Content { line: Some(2), .. }), "{error}");
        assert!(error.to_string().contains("metrics.jsonl:2: expected"));
    }
}

#[test]
fn a_line_that_is_being_written_is_left_out() {
    assert_eq!(of(&format!("{STEP}{{\"kind\":\"epo")).unwrap(), []);
}

#[test]
fn no_file_is_no_epochs() {
    assert_eq!(read_epochs(Path::new("/nonexistent")).unwrap(), []);
}

#[test]
fn bytes_that_are_no_text_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(file::METRICS), [0xff, 0xfe, b'\n']).unwrap();
    assert!(matches!(read_epochs(folder.path()), Err(Error::Content { .. })));
}

#[test]
fn a_step_has_its_kind() {
    let step = StepRecord { step: 3, epoch: 1, loss: 0.5, lr: 0.1 };
    let expected = json!({"kind": "step", "step": 3, "epoch": 1, "loss": 0.5, "lr": 0.1});
    assert_eq!(serde_json::to_value(step).unwrap(), expected);
}

#[test]
fn an_epoch_is_read_as_it_was_written_and_nan_comes_back() {
    let line = r#"{"kind":"epoch","epoch":1,"step":2,"loss":null,"feature_std":0.25}"#;
    let epoch: EpochRecord = serde_json::from_str(line).unwrap();
    assert!(epoch.loss.is_nan() && epoch.health.effective_rank.is_nan());
    let written = serde_json::to_string(&epoch).unwrap();
    assert!(written.starts_with(r#"{"kind":"epoch","epoch":1,"step":2,"loss":null,"#));
    let again: EpochRecord = serde_json::from_str(&written).unwrap();
    assert_eq!(again.health.feature_std, 0.25);
    assert_eq!(serde_json::to_string(&again).unwrap(), written);
}
