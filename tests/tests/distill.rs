//! `distill`: a student of a frozen teacher from a TorchScript file.

use end_to_end::{Place, assert_same_tensors, small};

/// A furnished place with a teacher.
fn place() -> Place {
    let place = Place::furnished();
    place.put_teacher();
    place
}

fn pretrain<'a>(run: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let start = ["pretrain", "distill", "--data", "data", "--run", run, "--batch-size", "32"];
    let cpu = ["--device", "cpu", "--preset", "cpu", "--on-collapse", "warn"];
    // Not a schedule, which depends on the number of epochs.
    let lr = ["--set", "optimizer.adam.lr=0.001"];
    [&start[..], &cpu, &small("distill"), &lr, more].concat()
}

#[test]
fn a_run_is_resumed_to_the_same_bits_with_its_teacher_alone() {
    let place = place();
    place.run(&pretrain("whole", &["--epochs", "2"])).done();
    place.run(&pretrain("run", &["--epochs", "1"])).done();
    let recorded = place.read_json("run/config.json");
    let settings = &recorded["config"]["method"]["distill"];
    assert_eq!(settings["teacher_sha256"].as_str().unwrap().len(), 64);
    let resume = ["pretrain", "distill", "--run", "run", "--resume", "--epochs", "2"];

    // Another teacher, or none, is refused; the same one may lie elsewhere.
    let mut other = place.read("teacher.pt");
    place.put("moved.pt", &other);
    other.push(0);
    place.put("teacher.pt", &other);
    place.refuses(&resume, &["method.distill.teacher", "expected the teacher with the SHA-256"]);
    std::fs::remove_file(place.path("teacher.pt")).unwrap();
    place.refuses(&resume, &["method.distill.teacher: expected a TorchScript file", "No such"]);
    let moved = [&resume[..], &["--set", "method.distill.teacher=moved.pt"]].concat();
    place.run(&moved).done();
    assert_eq!(place.timeless_metrics("run"), place.timeless_metrics("whole"));
    assert_same_tensors(&place.newest("run"), &place.newest("whole"));
}

#[test]
fn a_teacher_that_can_not_be_one_is_refused() {
    let place = place();
    place.put("notes.pt", "no network");
    place.put("tuple.pt", include_bytes!("../../crates/models/tests/fixtures/tuple.pt"));
    let teacher = |file: &str| format!("method.distill.teacher={file}");
    for (file, says) in [
        ("null", ["expected a TorchScript file (--set", "found null"]),
        ("missing.pt", ["expected a TorchScript file, found", "missing.pt"]),
        ("tuple.pt", ["expected a network that returns a tensor", "which returns a tuple"]),
        ("notes.pt", ["as torch.jit.save writes it", "notes.pt"]),
    ] {
        let says = ["method.distill.teacher", says[0], says[1]];
        place.refuses(&pretrain("run", &["--set", &teacher(file)]), &says);
    }
    // Traced for 32 pixels.
    let larger = pretrain("run", &["--image-size", "64"]);
    place.refuses(&larger, &["method.distill.teacher", "images of image_size", "teacher.pt"]);
    let text = pretrain("run", &["--set", "method.distill.teacher_input=rgb"]);
    place.refuses(&text, &["method.distill.teacher_input", "imagenet"]);
    let local = r#"augment.views=[{"count": 2, "size": 1.0, "transforms": []}, {"count": 1, "size": 0.5, "transforms": []}]"#;
    let local = pretrain("run", &["--set", local]);
    place.refuses(&local, &["augment.views", "global views alone for distill"]);
}
