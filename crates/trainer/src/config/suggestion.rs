//! What `--set` may have meant: keys that are spelled alike, and values for a choice of objects.

use serde_json::{Value, json};

/// Least likeness of two names for one to be suggested for the other.
const ALIKE: f64 = 0.85;
/// The keys of schedules.
const SCHEDULES: [&str; 4] = ["constant", "cosine", "warmup", "warmup_cosine"];

/// The dotted key of `document` that is most like `key`, which is not there: its last part, at
/// whatever depth, counts most, then the parts that the two begin with.
pub(super) fn similar_key(document: &Value, key: &str) -> Option<String> {
    let mut keys = Vec::new();
    collect("", document, &mut keys);
    let last = |key: &str| plain(key.rsplit('.').next().unwrap_or(key));
    let wanted = last(key);
    let score = |candidate: &String| {
        let likeness = match last(candidate) {
            name if name == wanted => 1.0,
            name => strsim::jaro_winkler(&name, &wanted),
        };
        (likeness >= ALIKE).then(|| {
            let same = candidate.split('.').zip(key.split('.')).take_while(|(a, b)| a == b).count();
            let depth = candidate.split('.').count();
            (likeness, same, std::cmp::Reverse(depth))
        })
    };
    let scored = keys.into_iter().filter_map(|key| Some((score(&key)?, key)));
    // Of equals the first one, in the order of the file.
    let best = scored.reduce(|best, new| if new.0 > best.0 { new } else { best });
    best.map(|(_, key)| key)
}

/// A name without what is easily mistyped.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
}

fn collect(key: &str, value: &Value, keys: &mut Vec<String>) {
    let mut below = |part: &str, value: &Value| {
        let key = if key.is_empty() { part.to_owned() } else { format!("{key}.{part}") };
        keys.push(key.clone());
        collect(&key, value, keys);
    };
    match value {
        Value::Object(map) if !is_schedule(value) => {
            map.iter().for_each(|(part, value)| below(part, value));
        }
        Value::Array(list) => {
            (0..).zip(list).for_each(|(index, value)| below(&format!("{index}"), value));
        }
        _ => {}
    }
}

/// Whether `value` is a schedule as it is written.
fn is_schedule(value: &Value) -> bool {
    let keys = value.as_object().map(|map| map.keys().collect::<Vec<_>>());
    matches!(keys.as_deref(), Some([only]) if SCHEDULES.contains(&only.as_str()))
}

/// `value` as it is written in the place of `before`: a number in the place of a schedule is
/// constant.
pub(super) fn in_place_of(before: &Value, value: Value) -> Value {
    if value.is_number() && is_schedule(before) { json!({ "constant": value }) } else { value }
}

/// A value of `key` by its name, such as `vit` of `encoder`: an example of the whole object.
pub(super) fn example(key: &str, name: &str) -> Option<String> {
    let name = plain(name);
    let (lr, decay) = (json!({"constant": 0.001}), json!({"constant": 0.0001}));
    let objects: &[(&str, Value)] = match key {
        "encoder" => &[
            ("conv", json!({"width": 128, "layers": 4, "pool": "mean"})),
            ("resnet", json!({"depth": 18, "stem": "stl", "norm": "batch"})),
            ("vit", json!({"size": "tiny", "patch_size": 16, "img_size": 96})),
            ("convnext", json!({"size": "tiny"})),
        ],
        "projection" => &[
            ("mlp", json!({"hidden_dims": [512], "output_dim": 128, "norm": "hidden"})),
            ("dino_head", json!({"hidden_dims": [512], "bottleneck_dim": 256, "output_dim": 4096})),
        ],
        "optimizer" | "probe.optimizer" => &[
            (
                "adam",
                json!({
                    "variant": "pytorch", "lr": lr, "betas": [0.9, 0.999], "epsilon": 1e-8,
                }),
            ),
            (
                "adamw",
                json!({
                    "lr": lr, "betas": [0.9, 0.999], "epsilon": 1e-8, "weight_decay": decay,
                    "exclude_bias_and_norm": true,
                }),
            ),
            (
                "sgd",
                json!({
                    "lr": lr, "momentum": 0.9, "nesterov": false, "weight_decay": decay,
                    "exclude_bias_and_norm": true,
                }),
            ),
            (
                "lars",
                json!({
                    "lr": lr, "momentum": 0.9, "trust_coefficient": 0.001, "weight_decay": decay,
                    "exclude_bias_and_norm": true,
                }),
            ),
        ],
        _ => &[],
    };
    let found = objects.iter().find(|(known, _)| plain(known) == name);
    found.map(|(name, object)| json!({ *name: object }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::tiny_config;

    #[test]
    fn keys_are_found_at_any_depth() {
        let document = tiny_config("simclr").document();
        for (typed, meant) in [
            ("lr", "optimizer.adam.lr"),
            ("batch_size", "train.batch_size"),
            ("train.batchsize", "train.batch_size"),
            ("train.epoch", "train.epochs"),
            ("probe.lr", "probe.optimizer.adam.lr"),
            ("temperature", "method.simclr.temperature"),
            ("method.simclr.temp", "method.simclr.temperature"),
            ("grad-clip-norm", "train.grad_clip_norm"),
            ("encoder.width", "encoder.conv.width"),
        ] {
            assert_eq!(similar_key(&document, typed).as_deref(), Some(meant), "{typed}");
        }
        for nothing in ["zzz", "train.zzz", ""] {
            assert_eq!(similar_key(&document, nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_number_is_a_constant_schedule() {
        let config = tiny_config("simclr").with("optimizer.adam.lr=0.25").unwrap();
        assert_eq!(config.document()["optimizer"]["adam"]["lr"], json!({"constant": 0.25}));
        let error = tiny_config("simclr").with("optimizer.adam=0.25").unwrap_err();
        assert!(error.to_string().contains("expected an object"), "{error}");
    }

    #[test]
    fn every_example_can_be_set() {
        for (key, names) in [
            ("encoder", &["conv", "resnet", "vit", "convnext"][..]),
            ("projection", &["mlp", "dino_head"]),
            ("optimizer", &["adam", "adamw", "sgd", "lars"]),
            ("probe.optimizer", &["adam", "AdamW"]),
        ] {
            for name in names {
                let example = example(key, name).unwrap();
                let assignment = format!("{key}={example}");
                tiny_config("simclr").with(&assignment).unwrap().validate().unwrap();
            }
        }
        assert_eq!(example("encoder", "alexnet"), None);
        assert_eq!(example("train", "vit"), None);
    }
}
