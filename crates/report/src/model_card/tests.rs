use std::fs;

use super::*;
use crate::tests::sample;

fn exported(file: &Path) -> ExportInfo<'_> {
    ExportInfo {
        file,
        sha256: Some("0123abcd"),
        format: "torchscript",
        input: "u8, RGB",
        features: 128,
        epoch: 3,
        step: 30,
        license: Some("CC BY 4.0"),
    }
}

#[test]
fn a_card_has_the_facts_of_the_run_and_no_paths() {
    let folder = tempfile::tempdir().unwrap();
    let run = sample::finished(folder.path(), "simclr", 3, &[0.2, 0.5, 0.4]);
    let evaluation = sample::evaluation("knn", 0.5, 30);
    fs::write(run.join("evaluation.json"), json!(evaluation).to_string()).unwrap();
    let file = folder.path().join("encoder.pt");
    let [json, md] = write_model_card(&run, &exported(&file)).unwrap();
    assert_eq!(json, folder.path().join("encoder.pt.card.json"));
    let card: Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    assert_eq!(card["training"]["data"]["fingerprint"], "f00");
    assert_eq!(card["training"]["step"], 30);
    assert_eq!(card["results"]["accuracy"]["knn"]["interval95"][1], 0.6);
    assert_eq!(card["license"], "CC BY 4.0");
    let text = fs::read_to_string(md).unwrap();
    for part in [
        "encoder.pt: an image encoder trained by simclr",
        "photos (image folder), 1900 images, 96 pixels",
        "| Trained for | 3 epochs, 30 steps, 64 images per step, seed 3, bf16 |",
        "| knn | 50.00 % | 40.00 % to 60.00 % | 200 |",
        "| SHA-256 | `0123abcd` |",
        "CC BY 4.0",
    ] {
        assert!(text.contains(part), "{part} not in\n{text}");
    }
    assert!(!text.contains("data/photos"), "{text}");
}

#[test]
fn names_have_no_meaning_in_markdown_and_html() {
    let folder = tempfile::tempdir().unwrap();
    let run = sample::finished(folder.path(), "simclr", 3, &[0.2]);
    let config = run.join("config.json");
    let mut record: Value = serde_json::from_slice(&fs::read(&config).unwrap()).unwrap();
    record["data"]["paths"] = json!(["data/<script>|[x](y)\n# a"]);
    fs::write(&config, record.to_string()).unwrap();
    let file = folder.path().join("encoder.pt");
    let license = Some("<b>mine</b>");
    let exported = ExportInfo { license, ..exported(&file) };
    let [_, md] = write_model_card(&run, &exported).unwrap();
    let text = fs::read_to_string(md).unwrap();
    for part in ["&lt;script&gt;\\|\\[x\\](y)\\\\n\\# a", "&lt;b&gt;mine&lt;/b&gt;"] {
        assert!(text.contains(part), "{part} not in\n{text}");
    }
    assert!(!text.contains("<script>") && !text.contains("\n# a"), "{text}");
}

#[test]
fn scores_of_other_weights_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let run = sample::finished(folder.path(), "simclr", 3, &[0.2]);
    let file = folder.path().join("encoder.pt");
    let [json, md] = write_model_card(&run, &exported(&file)).unwrap();
    let card: Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    assert_eq!(card["results"], Value::Null);
    let text = fs::read_to_string(md).unwrap();
    assert!(text.contains("have not been evaluated"), "{text}");
}
