//! Bad input is answered by one line that names the file, what was expected and what was found, by
//! exit code 2, and leaves no trace.

use std::fs;
use std::path::Path;

use end_to_end::{Place, pretrain};

/// `pretrain simclr` with the tiny configuration into `run`, and these arguments besides.
fn refused_run(place: &Place, more: &[&str], says: &[&str]) {
    let run = ["pretrain", "simclr", "--config", "simclr.json", "--run", "run"];
    place.refuses(&[&run[..], more].concat(), says);
    assert!(!place.path("run").exists());
}

/// Training on `data` is refused.
fn refused_set(place: &Place, says: &[&str]) {
    refused_run(place, &["--data", "data"], says);
}

fn truncate(path: &Path, bytes: u64) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_len(bytes).unwrap();
}

fn overwrite(place: &Place, name: &str, position: usize, byte: u8) {
    let mut bytes = place.read(name);
    bytes[position] = byte;
    place.put(name, bytes);
}

#[test]
fn a_renamed_flag() {
    let place = Place::new();
    for (arguments, says) in [
        (&["pretrain", "simclr", "--settings", "seed"][..], "--settings is now --preset"),
        (&["pretrain", "simclr", "--steps=3"], "--steps is now --max-steps"),
        (&["evaluate", "run", "--untrained"], "--untrained is now --checkpoint initial"),
        (&["data", "info", "data", "--size", "32"], "--size is now --image-size"),
    ] {
        place.refuses(arguments, &[says]);
    }
}

#[test]
fn a_missing_folder() {
    let place = Place::new();
    place.put_config("simclr", |_| {});
    let says = ["data: expected a folder", "found no such file or folder"];
    refused_set(&place, &says);
    place.refuses(&["data", "info", "data"], &says);
    place.refuses(&["data", "pack", "data", "--out", "packed"], &says);
}

#[test]
fn an_empty_folder() {
    let place = Place::new();
    place.put_config("simclr", |_| {});
    fs::create_dir(place.path("data")).unwrap();
    refused_set(&place, &["data: expected ", "images", "found an empty folder"]);
}

#[test]
fn a_file_in_place_of_a_folder() {
    let place = Place::new();
    place.put_config("simclr", |_| {});
    place.put("data", "not a folder");
    refused_set(&place, &["data: expected a folder or an archive", "found another file"]);
    for (name, says) in [
        ("my photos.tar.gz", "unpack it first: tar -xf 'my photos.tar.gz'"),
        ("photos.arrow", "save its images as files first"),
    ] {
        place.put(name, "PK");
        place.refuses(&["data", "info", name], &["expected a folder or an archive", says]);
    }
}

#[test]
fn a_truncated_file_of_images() {
    let place = Place::furnished();
    for (name, whole) in [("train_X", 98_304), ("test_X", 98_304), ("unlabeled_X", 294_912)] {
        let name = format!("data/{name}.bin");
        let bytes = place.read(&name);
        assert_eq!(bytes.len(), whole);
        truncate(&place.path(&name), whole as u64 - 1);
        let expected = format!("{name}: expected {whole} bytes");
        refused_set(&place, &[&expected, &format!("found {} bytes", whole - 1)]);
        place.put(&name, bytes);
    }
}

#[test]
fn images_and_labels_that_differ_in_number() {
    let place = Place::furnished();
    truncate(&place.path("data/train_y.bin"), 31);
    refused_set(&place, &["data/train_y.bin: expected 32 labels", "train_X.bin", "found 31"]);
}

#[test]
fn labels_outside_the_classes() {
    for label in [0, 11] {
        let place = Place::furnished();
        overwrite(&place, "data/test_y.bin", 5, label);
        let found = format!("found {label} at position 5");
        refused_set(&place, &["data/test_y.bin: expected labels 1 to 10", &found]);
    }
}

#[test]
fn files_that_are_no_images() {
    let png = |width, height| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let image = image::RgbImage::new(width, height);
        image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    };
    let whole = png(40, 40);
    let damaged = include_bytes!("../../crates/dataset/tests/jpeg/middle-third-zeroed.jpg");
    let cases: [(&[u8], &[&str]); 5] = [
        (damaged, &["expected a whole JPEG image, found damaged data: premature end of"]),
        (
            b"These are words.\n",
            &["expected a JPEG, PNG, WebP, TIFF, BMP, GIF or PNM image, found text"],
        ),
        (b"", &["expected a JPEG, PNG, WebP, TIFF, BMP, GIF or PNM image, found an empty file"]),
        (&png(1, 1), &["expected an image of at least", "found 1 x 1"]),
        (&whole[..whole.len() / 2], &["expected a whole PNG image, found "]),
    ];
    for (bytes, says) in cases {
        let place = Place::new();
        place.put_config("simclr", |_| {});
        place.put("data/fine.png", &whole);
        place.put("data/odd.jpg", bytes);
        let says = [&["data/odd.jpg: "][..], says].concat();
        refused_set(&place, &says);
        place.refuses(&["data", "pack", "data", "--out", "packed"], &says);
    }
}

#[test]
fn files_that_can_not_be_used_are_left_out_where_that_is_asked_for() {
    let place = Place::new();
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = image::RgbImage::new(40, 40);
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    place.put("data/fine.png", bytes.into_inner());
    place.put("data/odd.jpg", "These are words.\n");
    place.put("data/empty.png", "");
    let damaged = include_bytes!("../../crates/dataset/tests/jpeg/cut-then-end-marker.jpg");
    place.put("data/cut.jpg", damaged);
    let pack = ["data", "pack", "data", "--out", "packed"];
    // Each has a line, and the last one counts them.
    let refused = place.run(&pack);
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    let lines: Vec<&str> = refused.stderr.lines().collect();
    let names = ["data/cut.jpg: ", "data/empty.png: ", "data/odd.jpg: "];
    let says = names.map(|name| format!(" WARN {name}"));
    let says = [&says[..], &["error: 3 files can't be used".to_owned()]].concat();
    assert_eq!(lines.len(), 4, "{refused:#?}");
    assert!(lines.iter().zip(says).all(|(line, says)| line.starts_with(&says)), "{refused:#?}");
    assert!(lines[3].contains("--skip-bad"), "{refused:#?}");
    let packed = place.run(&[&pack[..], &["--skip-bad", "--json"]].concat());
    let packed = packed.done();
    let result = packed.json();
    assert_eq!(result["unlabeled"], 1);
    let skipped = result["skipped"].as_array().unwrap();
    for (line, name) in skipped.iter().zip(names) {
        let line = line.as_str().unwrap();
        assert!(line.contains(name), "{line}");
        assert!(packed.stderr.contains(&format!("skipped {line}")));
    }
    assert_eq!(skipped.len(), 3);
    let lines = place.run(&["data", "pack", "data", "--out", "again", "--skip-bad"]);
    assert!(lines.done().stdout.contains(", 3 files skipped"));
}

#[cfg(unix)]
#[test]
fn arguments_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let mut command = place.command(&["data", "info"]);
    command.arg(std::ffi::OsStr::from_bytes(b"p\xffq"));
    let finished = end_to_end::Finished::new("data info".to_owned(), command.output().unwrap());
    finished.failed(2, &["\"p\u{fffd}q\": expected an argument in UTF-8"]);
}

#[test]
fn an_unknown_method() {
    let place = Place::furnished();
    place.refuses(
        &["pretrain", "simclar", "--data", "data"],
        &["\"simclar\"", "simclr, nnclr", "did you mean simclr?"],
    );
    let says = ["\"zzz\"", "expected one of simclr, nnclr"];
    place.refuses(&["pretrain", "zzz", "--data", "data"], &says);
    for (typed, meant) in [("SimCLR", "simclr"), ("barlow", "barlow_twins"), ("MoCo", "moco")] {
        let meant = format!("did you mean {meant}?");
        place.refuses(&["pretrain", typed, "--data", "data"], &[&meant]);
    }
    let far = place.run(&["compare", "--methods", "foo", "--out", "out"]).failed(2, &["\"foo\""]);
    assert!(!far.stderr.contains("did you mean"), "{far:#?}");
}

#[test]
fn the_config_of_another_method() {
    let place = Place::furnished();
    let run = ["pretrain", "simclr", "--config", "dino.json", "--data", "data"];
    place.refuses(&run, &["dino.json: expected a config of simclr, found one of dino"]);
}

#[test]
fn configs_that_are_none() {
    let place = Place::furnished();
    refused_run(&place, &["--data", "data", "--config", "data"], &["config"]);
    let place = Place::new();
    place.put_data("data");
    let data = ["--data", "data"];
    refused_run(&place, &data, &["simclr.json: expected a config file, found "]);
    place.put("simclr.json", "{\n  \"seed\": 0,\n");
    refused_run(&place, &data, &["simclr.json:", "found the end of the text"]);
}

#[test]
fn config_keys_and_types_that_are_wrong() {
    let place = Place::furnished();
    let good = String::from_utf8(place.read("simclr.json")).unwrap();
    let cases = [
        ("\"epochs\": 2", "\"epoch\": 2", "no key is called epoch; did you mean epochs?"),
        ("\"epochs\": 2", "\"epochs\": \"two\"", "expected a whole number from 0, found \"two\""),
        (
            "\"temperature\": 0.1",
            "\"temperatur\": 0.1",
            "no key is called temperatur; did you mean temperature?",
        ),
        ("\"device\": \"cpu\"", "\"device\": \"gpu\"", "cuda:N, found \"gpu\""),
    ];
    for (line, wrong, message) in cases {
        let at = good.lines().position(|text| text.contains(line)).unwrap() + 1;
        place.put("simclr.json", good.replace(line, wrong));
        let place_in_file = format!("simclr.json:{at}:");
        refused_run(&place, &["--data", "data"], &[&place_in_file, message]);
    }
}

#[test]
fn settings_that_are_wrong() {
    let cases: [(&str, &[&str]); 11] = [
        ("method.simclr.temp=1", &["method.simclr.temp", "no such key", "temperature"]),
        ("train.epochs", &["expected KEY=VALUE", "\"train.epochs\""]),
        ("train.epochs=many", &["train.epochs=many: expected a whole number", "\"many\""]),
        ("lr=0.1", &["--set lr: no such key; did you mean optimizer.adam.lr?"]),
        ("batch_size=64", &["--set batch_size: no such key; did you mean train.batch_size?"]),
        ("encoder=vit", &["--set encoder=vit: expected an object, such as {\"vit\":{"]),
        ("encoder.vit.size=tiny", &["encoder has conv; set all of it: encoder={\"vit\":{"]),
        ("train.epochs=0", &["train.epochs: expected at least 1, found 0"]),
        ("train.batch_size=1", &["train.batch_size: expected at least 2, found 1"]),
        ("augment.views.0.size=16", &["augment.views.0.size: expected 1 for", "found 16"]),
        (
            "train.precision=tf32",
            &["train.precision: expected auto, f32 or bf16 on cpu, found tf32"],
        ),
    ];
    let place = Place::furnished();
    for (assignment, says) in cases {
        refused_run(&place, &["--data", "data", "--set", assignment], says);
    }
}

#[test]
fn a_learning_rate_and_an_encoder_that_can_not_be() {
    let place = Place::furnished();
    let data = ["--data", "data"];
    let refused = |more: &[&str], says: &[&str]| {
        refused_run(&place, &[&data[..], more].concat(), says);
    };
    refused(&["--lr", "-1"], &["optimizer.adam.lr", "found -1"]);
    refused(&["--lr", "fast"], &["--lr", "fast"]);
    refused(&["--encoder", "vit"], &["--encoder", "vit-tiny"]);
    refused(&["--encoder", "vit-tiny", "--image-size", "36"], &["img_size", "found 36"]);
}

#[test]
fn the_preset_by_its_old_name() {
    let place = Place::furnished();
    let run = ["pretrain", "simclr", "--preset", "recommended"];
    place.refuses(&run, &["--preset recommended is now --preset gpu"]);
}

#[test]
fn a_set_of_one_image() {
    let place = Place::furnished();
    let synth = ["data", "synth", "--image-size", "32", "--out", "one"];
    let counts = ["--unlabeled", "1", "--train", "0", "--test", "0"];
    place.run(&[&synth[..], &counts].concat()).done();
    refused_run(&place, &["--data", "one"], &["at most 1 image a batch, found 16"]);
}

#[test]
fn images_too_small_for_the_encoder() {
    let place = Place::furnished();
    let deeper = ["--data", "data", "--set", "encoder.conv.layers=5"];
    refused_run(&place, &deeper, &["5 convolutions", "found 32"]);
}

#[test]
fn resuming_what_is_no_run() {
    let place = Place::furnished();
    let resume = ["--data", "data", "--resume"];
    refused_run(&place, &resume, &["run: expected a run", "found "]);
    place.put("elsewhere/notes.txt", "mine");
    let arguments = [&resume[..], &["--run", "elsewhere"]].concat();
    let arguments = [&["pretrain", "simclr"][..], &arguments].concat();
    place.refuses(&arguments, &["elsewhere: expected a run", "without config.json"]);
}

#[test]
fn run_folders_that_cannot_be_written() {
    // The user may be root, whom permissions don't stop: nobody makes a folder below a file.
    let place = Place::furnished();
    place.put("file", "");
    for run in ["file", "file/run", "/dev/null/run", "/proc/run"] {
        let arguments =
            ["pretrain", "simclr", "--config", "simclr.json", "--data", "data", "--run"];
        place.refuses(&[&arguments[..], &[run]].concat(), &[&format!("{run}: ")]);
    }
    for command in [
        &["data", "pack", "data", "--image-size", "32", "--out", "file/set"][..],
        &["data", "synth", "--image-size", "32", "--out", "file/set"],
    ] {
        place.refuses(command, &["file/set: expected a folder, found a file"]);
    }
}

#[test]
fn folders_that_are_taken() {
    let place = Place::furnished();
    place.put("run/notes.txt", "mine");
    let arguments = pretrain("simclr.json", "run");
    let says = "run: expected a new run folder, found a folder with files in it that is no run";
    place.refuses(&arguments, &[says, "--run names another"]);
    let expected = "data: expected a new or empty folder";
    place.refuses(&["data", "synth", "--image-size", "32", "--out", "data"], &[expected]);
    place.refuses(&["data", "pack", "data", "--out", "data"], &[expected]);
    let place = Place::trained("simclr");
    place.refuses(&arguments, &["run: expected a new run folder, found one in use", "--resume"]);
}

#[test]
fn evaluating_what_is_no_run() {
    let place = Place::furnished();
    place.refuses(&["evaluate", "nowhere"], &["nowhere: expected a run", "found "]);
    place.refuses(&["evaluate", "data"], &["data: expected a run", "without config.json"]);
    place.refuses(&["evaluate", "simclr.json"], &["simclr.json: expected a run, found a file"]);
    for run in ["runs/a", "runs/b"] {
        place.put(&format!("{run}/config.json"), "{}");
    }
    let says = "runs: expected a run, found a folder with the runs runs/a, runs/b";
    place.refuses(&["evaluate", "runs"], &[says]);
}

#[test]
fn evaluating_a_damaged_run() {
    let place = Place::trained("simclr");
    let newest = "run/checkpoints/step-000000016.safetensors";
    let length = place.read(newest).len() as u64;
    for left in [length - 1, 100, 0] {
        truncate(&place.path(newest), left);
        let says = [&format!("{newest}: expected ")[..], "found "];
        place.refuses(&["evaluate", "run"], &says);
    }
    place.put("run/config.json", "{}");
    place.refuses(&["evaluate", "run"], &["run/config.json: expected ", "found "]);
}

#[test]
fn a_run_of_an_earlier_format() {
    let place = Place::trained("simclr");
    let mut record = place.read_json("run/config.json");
    record.as_object_mut().unwrap().remove("format");
    place.put("run/config.json", record.to_string());
    let says =
        "run: written by an earlier version of Twinview (format 1); this version reads format 2";
    let resume = ["pretrain", "simclr", "--run", "run", "--resume"];
    let export = ["export", "run", "--format", "safetensors", "--out", "weights"];
    let report = ["report", "run", "--quick", "--out", "page.html"];
    for arguments in [&["evaluate", "run"][..], &resume, &export, &report] {
        place.refuses(arguments, &[says]);
    }
}

#[test]
fn evaluating_without_labels() {
    let place = Place::trained("simclr");
    for name in ["train_X", "train_y", "test_X", "test_y"] {
        fs::remove_file(place.path(&format!("data/{name}.bin"))).unwrap();
    }
    let before = place.contents();
    let finished = place.run(&["evaluate", "run", "--out", "result.json"]);
    finished.failed(2, &["expected", "found"]);
    assert_eq!(place.contents(), before);
}

#[test]
fn devices_that_are_not_there() {
    let place = Place::furnished();
    let says = ["device: expected a CUDA GPU", "found none"];
    refused_run(&place, &["--data", "data", "--device", "cuda"], &says);
    let says = ["expected auto, cpu, cuda or cuda:N, found \"gpu\""];
    refused_run(&place, &["--data", "data", "--device", "gpu"], &says);
}

#[test]
fn wrong_arguments_take_one_line() {
    let place = Place::furnished();
    place.refuses(&["pretrain", "simclr", "--dta", "data"], &["'--dta'", "'--data'"]);
    place.refuses(&["pretrain"], &["<METHOD>"]);
    place.refuses(&["pretrain", "simclr", "--epochs", "many"], &["'many'", "--epochs"]);
    place.refuses(&["evaluate", "run", "--protocol", "luck"], &["'luck'", "linear, knn"]);
    place.refuses(&["train"], &["'train'"]);
    let says = "unexpected argument 'data'; did you mean --data data? (see --help)";
    place.refuses(&["pretrain", "simclr", "data"], &[says]);
    let says = "unknown flag '--gpu'; use --device cuda (see --help)";
    place.refuses(&["pretrain", "simclr", "--gpu"], &[says]);
    // Commas between protocols, as between methods.
    place.refuses(
        &["evaluate", "nowhere", "--protocol", "linear,knn"],
        &["nowhere: expected a run"],
    );
}

#[test]
fn pictures_whose_name_says_no_format() {
    let place = Place::furnished();
    place.put("run/config.json", "{}");
    let says = "expected a name that ends in .png, .jpg, .jpeg or .webp";
    for arguments in [
        &["preview", "--data", "data", "--out", "a.bmp"][..],
        &["data", "info", "data", "--sheet", "a.bmp"],
        &["neighbors", "run", "--out", "a.bmp"],
        &["neighbors", "run", "--outliers", "3", "--out", "a.bmp"],
    ] {
        place.refuses(arguments, &["a.bmp: ", says]);
    }
    let says = "a.jpg: expected a name that ends in .png or .svg";
    place.refuses(&["evaluate", "run", "--confusion-matrix", "a.jpg"], &[says]);
    let says = "no/sheet.png: expected a file that can be written";
    place.refuses(&["data", "info", "data", "--sheet", "no/sheet.png"], &[says]);
    place.run(&["data", "info", "data", "--sheet", "sheet.jpg"]).done();
    assert!(place.read("sheet.jpg").starts_with(b"\xff\xd8\xff"));
}

#[test]
fn exporting_to_a_name_that_leaves_no_room_for_the_card() {
    let place = Place::trained("simclr");
    // 250 bytes are a name; with .card.json they are none.
    let name = "x".repeat(250);
    let says = ["x.card.json: expected a file that can be written"];
    place.refuses(&["export", "run", "--format", "safetensors", "--out", &name], &says);
}
