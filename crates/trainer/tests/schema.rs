//! The committed schema is that of the types, and it and the parser let through the same.

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::{Value, json};
use trainer::Config;

/// How to write `configs/schema.json`.
const COMMAND: &str = "cargo run -p cli -- schema > configs/schema.json";

fn configs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs")
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The paths of the committed configurations.
fn committed() -> Vec<PathBuf> {
    let folders = ["cpu", "gpu", "seed"].map(|preset| configs().join(preset));
    let mut paths: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(paths.len() == 48, "{paths:?}");
    paths
}

fn validator() -> Validator {
    jsonschema::validator_for(&trainer::schema()).unwrap()
}

#[test]
fn the_committed_schema_is_that_of_the_types() {
    let committed = fs::read_to_string(configs().join("schema.json")).unwrap_or_default();
    let schema = serde_json::to_string_pretty(&trainer::schema()).unwrap() + "\n";
    assert!(committed == schema, "configs/schema.json is out of date: {COMMAND}");
}

#[test]
fn committed_configurations_name_the_schema_and_fit_it() {
    let validator = validator();
    let schema = configs().join("schema.json").canonicalize().expect(COMMAND);
    for path in committed() {
        let config = read(&path);
        let named = config["$schema"].as_str().unwrap_or_default();
        let named = path.parent().unwrap().join(named);
        assert_eq!(named.canonicalize().unwrap(), schema, "{}", path.display());
        if let Err(error) = validator.validate(&config) {
            panic!("{}: {}: {error}", path.display(), error.instance_path());
        }
    }
}

/// A configuration with what the committed ones don't show.
fn uncommon() -> Value {
    let mut config = read(&configs().join("gpu/moco.json"));
    config["train"]["max_steps"] = json!(7);
    config["train"]["patience"] = json!(3);
    config["train"]["micro_batch"] = json!(16);
    config["train"]["device"] = json!("cuda:1");
    config["train"]["ema"] = json!({"constant": 0.999});
    config["train"]["grad_clip_per"] = json!("network");
    config["checkpoint"]["best"] = Value::Null;
    config["method"] = json!({"simsiam": {"predictor": null}});
    config["augment"]["probe"]["transforms"] = json!([
        {"gaussian_blur": {"p": 0.5, "kernel_size": 9, "sigma": [0.1, 2.0]}},
        {"solarize": {"p": 0.2, "threshold": 0.5}},
    ]);
    config
}

/// A configuration of a method that another program brings along.
fn foreign() -> Value {
    let mut config = read(&configs().join("gpu/simclr.json"));
    config["method"] = json!({"custom": {"name": "mine", "settings": {"weight": 1.5}}});
    config
}

/// The pointers of all values below `value`.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                places(value, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                places(value, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// What to put in the place of a value. No `2.0`: to JSON Schema it is a whole number.
fn instead(value: &Value) -> Vec<Value> {
    let mut others = vec![
        Value::Null,
        json!(true),
        json!("word"),
        json!(0),
        json!(7),
        json!(-1),
        json!(0.5),
        json!(u64::from(u32::MAX) + 1),
        json!(u64::MAX),
        json!(1e30),
        json!({}),
        json!([]),
        json!([value]),
        json!({"surplus": value}),
    ];
    match value {
        Value::Object(map) => {
            others.push(map.values().cloned().collect());
            let mut more = map.clone();
            more.insert("surplus".to_owned(), json!(1));
            others.push(Value::Object(more));
            for key in map.keys() {
                let mut less = map.clone();
                less.shift_remove(key);
                others.push(Value::Object(less));
            }
        }
        Value::Array(list) => {
            others.push(list.iter().skip(1).cloned().collect());
            others.push(list.iter().chain(list.last()).cloned().collect());
        }
        Value::String(word) => {
            others.push(json!({word: null}));
            others.push(json!(word.to_uppercase()));
            others.push(json!(format!("{word}\n")));
        }
        _ => {}
    }
    others
}

fn parses(config: &Value) -> bool {
    Config::parse(&config.to_string(), "test").is_ok()
}

#[test]
fn schema_and_parser_let_through_the_same() {
    let validator = validator();
    let mut configs: Vec<Value> = committed().iter().map(|path| read(path)).collect();
    configs.extend([uncommon(), foreign()]);
    let (mut seen, mut passed, mut refused) = (Vec::new(), 0, 0);
    for config in configs {
        assert!(validator.is_valid(&config) && parses(&config), "{config}");
        let mut found = Vec::new();
        places(&config, "", &mut found);
        for context in found {
            // What several configurations share needs to be tried once.
            let value = config.pointer(&context).unwrap().clone();
            let case = (context, value);
            if seen.contains(&case) {
                continue;
            }
            for other in instead(&case.1) {
                let mut changed = config.clone();
                *changed.pointer_mut(&case.0).unwrap() = other.clone();
                let [by_schema, by_parser] = [validator.is_valid(&changed), parses(&changed)];
                assert_eq!(
                    by_schema, by_parser,
                    "{} = {other}: by the schema {by_schema}, by the parser {by_parser}",
                    case.0
                );
                *(if by_parser { &mut passed } else { &mut refused }) += 1;
            }
            seen.push(case);
        }
    }
    assert!(passed > 100 && refused > 1000, "{passed}, {refused}");
}

#[test]
fn devices_are_those_that_the_parser_knows() {
    let validator = validator();
    let mut config = read(&configs().join("gpu/simclr.json"));
    for (device, known) in [
        ("auto", true),
        ("cpu", true),
        ("cuda", true),
        ("cuda:0", true),
        ("cuda:12", true),
        ("cuda:", false),
        ("cuda:+1", false),
        ("cuda:1000", false),
        ("CPU", false),
        ("cpu\n", false),
        ("", false),
    ] {
        config["train"]["device"] = json!(device);
        let found = [validator.is_valid(&config), parses(&config)];
        assert_eq!(found, [known; 2], "{device:?}");
    }
}
