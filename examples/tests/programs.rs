//! Every example runs to its end, and leaves what it says.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use methods::{CustomConfig, MethodConfig};
use serde_json::Value;
use trainer::Trainer;

fn run(program: &str, arguments: &[&Path], cache: &Path) -> Output {
    Command::new(program)
        .args(arguments)
        .env("OMP_NUM_THREADS", "1")
        .env("CUDA_VISIBLE_DEVICES", "")
        .env("XDG_CACHE_HOME", cache)
        .output()
        .expect("it starts")
}

/// The lines that a program prints when it ends well.
fn lines(program: &str, arguments: &[&Path], cache: &Path) -> Vec<String> {
    let output = run(program, arguments, cache);
    assert!(output.status.success(), "{program}: {output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(str::to_owned).collect()
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_json::from_str(&text).expect("JSON")
}

/// A finished run of three epochs that learned something: its loss is a number and changed.
fn check_run(folder: &Path, said: &[String]) {
    assert!(said.last().unwrap().starts_with("Finished: "), "{said:?}");
    assert_eq!(json(&folder.join("summary.json"))["epochs"], 3);
    let metrics = fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    let losses: Vec<f64> = metrics
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["kind"] == "epoch")
        .map(|line| line["loss"].as_f64().unwrap())
        .collect();
    assert!(losses.len() == 3 && losses.iter().all(|loss| loss.is_finite()), "{losses:?}");
    assert!(losses[0] != losses[1] && losses[1] != losses[2], "{losses:?}");
}

#[test]
fn a_run_on_own_data_gives_an_encoder_that_embeds_a_folder() {
    let place = tempfile::tempdir().unwrap();
    let [folder, images, cache] = ["run", "images", "cache"].map(|name| place.path().join(name));
    let said = lines(env!("CARGO_BIN_EXE_own_data"), &[&folder], &cache);
    check_run(&folder, &said);
    assert_eq!(json(&folder.join("config.json"))["data"]["kind"], "waves");

    fs::create_dir(&images).unwrap();
    let set = examples::tiny_set().unwrap().unlabeled;
    for (index, name) in [(0, "b.png"), (1, "a.png"), (0, "c.png")] {
        let image = dataset::contact_sheet(&set.select(&[index]), 1, 1);
        dataset::save_png(&image, &images.join(name)).unwrap();
    }
    let embed = env!("CARGO_BIN_EXE_embed_folder");
    let said = lines(embed, &[&folder, &images], &cache);
    let (names, features): (Vec<&str>, Vec<&str>) =
        said.iter().map(|line| line.split_once(' ').expect("a name and features")).unzip();
    assert_eq!(names, ["a.png", "b.png", "c.png"]);
    // The same image has the same features, another has others.
    assert!(features[1] == features[2] && features[0] != features[1], "{said:?}");
    assert!(features[0].ends_with("] of 16"), "{said:?}");
    let refused = run(embed, &[&images, &images], &cache);
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && error.contains("expected a run"), "{error}");
}

#[test]
fn a_method_of_another_program_trains_and_is_recorded() {
    let place = tempfile::tempdir().unwrap();
    let [folder, cache] = ["run", "cache"].map(|name| place.path().join(name));
    let said = lines(env!("CARGO_BIN_EXE_custom_method"), &[&folder], &cache);
    check_run(&folder, &said);
    let method = &json(&folder.join("config.json"))["config"]["method"]["custom"];
    assert_eq!(method["name"], "align_uniform");
    assert_eq!(method["settings"]["weight"], 1.0);
}

#[test]
fn who_does_not_bring_a_method_along_can_not_train_by_it() {
    let mut config = examples::tiny_config().unwrap();
    config.method = MethodConfig::Custom(CustomConfig {
        name: "align_uniform".to_owned(),
        settings: Value::Null,
    });
    let error = Trainer::prepare(config, examples::tiny_set().unwrap(), examples::origin());
    let error = error.unwrap_err();
    assert!(error.is_usage());
    assert!(error.to_string().contains("brings the method align_uniform along"), "{error}");
}
