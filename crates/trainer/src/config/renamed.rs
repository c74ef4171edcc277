//! Keys and values of earlier versions, so that the error for one names what it is called now.

use serde_json::Value;

/// A key that has another name now, inside one of `parents`.
struct Renamed {
    parents: &'static [&'static str],
    old: &'static str,
    new: &'static str,
}

const fn renamed(
    parents: &'static [&'static str],
    old: &'static str,
    new: &'static str,
) -> Renamed {
    Renamed { parents, old, new }
}

const CROP: &[&str] = &["crop", "random_resized_crop"];
const LAYERS: &[&str] = &["mlp", "prototypes", "dino_head", "predictor"];
const LEARNS: &[&str] = &["adam", "adamw", "sgd", "lars"];
const OPS: &[&str] = &["ops", "transforms"];
const RAMPS: &[&str] = &["warm_up", "warmup", "warm_up_cosine", "warmup_cosine"];
const SCHEDULES: &[&str] = &["cosine", "warm_up", "warmup", "warm_up_cosine", "warmup_cosine"];
const SCHEDULED: &[&str] = &[
    "learning_rate",
    "lr",
    "weight_decay",
    "momentum",
    "teacher_momentum",
    "sharpening",
    "teacher_temp",
];
const WITH_TEACHER: &[&str] = &["moco", "byol", "dino"];
const WITH_VARIANTS: &[&str] =
    &["simclr", "nnclr", "dcl", "barlow_twins", "hsic_twins", "twist", "moco", "dino", "adam"];

/// Keys, by the key that they are below (list indices aside).
const KEYS: &[Renamed] = &[
    renamed(&["views", "probe"], "ops", "transforms"),
    renamed(OPS, "crop", "random_resized_crop"),
    renamed(OPS, "jitter", "color_jitter"),
    renamed(OPS, "flip", "horizontal_flip"),
    renamed(OPS, "blur", "gaussian_blur"),
    renamed(CROP, "area", "scale"),
    renamed(CROP, "aspect", "ratio"),
    renamed(CROP, "draw", "sampling"),
    renamed(&["blur", "gaussian_blur"], "kernel", "kernel_size"),
    renamed(&["vit"], "patch", "patch_size"),
    renamed(&["vit"], "image", "img_size"),
    renamed(&["projection"], "prototypes", "dino_head"),
    renamed(LAYERS, "hidden", "hidden_dims"),
    renamed(LAYERS, "output", "output_dim"),
    renamed(LAYERS, "bottleneck", "bottleneck_dim"),
    renamed(&["method"], "own", "custom"),
    renamed(WITH_VARIANTS, "form", "variant"),
    renamed(&["nnclr", "moco", "swav"], "queue", "queue_size"),
    renamed(&["barlow_twins", "hsic_twins"], "redundancy_weight", "lambda"),
    renamed(WITH_TEACHER, "momentum", "teacher_momentum"),
    renamed(&["dino"], "temperature", "student_temp"),
    renamed(&["dino"], "sharpening", "teacher_temp, which is absolute: student_temp * sharpening"),
    renamed(LEARNS, "learning_rate", "lr"),
    renamed(SCHEDULED, "warm_up", "warmup"),
    renamed(SCHEDULED, "warm_up_cosine", "warmup_cosine"),
    renamed(SCHEDULES, "from", "start"),
    renamed(SCHEDULES, "to", "end"),
    renamed(RAMPS, "share", "warmup_fraction"),
    renamed(&["train"], "clip_norm", "grad_clip_norm"),
    renamed(&["train"], "steps", "max_steps"),
    renamed(&["health"], "least_std", "min_std"),
    renamed(&["health"], "least_rank", "min_rank"),
    renamed(&["health"], "checks", "patience"),
    renamed(&["checkpoint"], "keep", "keep_last"),
    renamed(&["best"], "validation", "val_probe_acc"),
    renamed(&["validation", "val_probe_acc"], "share", "val_fraction"),
];

/// Values, by their key.
const VALUES: &[Renamed] = &[
    renamed(&["draw", "sampling"], "clipped", "clip"),
    renamed(&["draw", "sampling"], "redrawn", "retry"),
    renamed(&["form", "variant"], "usual", "pytorch"),
    renamed(&["best"], "rank", "effective_rank"),
];

fn look_up(table: &[Renamed], parent: &str, old: &str) -> Option<&'static str> {
    let of = |entry: &&Renamed| entry.old == old && entry.parents.contains(&parent);
    table.iter().find(of).map(|entry| entry.new)
}

/// The first part of the dotted `key` that has another name now: the key up to it, and that name.
pub(super) fn in_key(key: &str) -> Option<(String, &'static str)> {
    let mut parent = "";
    let mut above = String::new();
    for part in key.split('.') {
        if !above.is_empty() {
            above.push('.');
        }
        above += part;
        if let Some(new) = look_up(KEYS, parent, part) {
            return Some((above, new));
        }
        if part.parse::<usize>().is_err() {
            parent = part;
        }
    }
    None
}

/// The first key or value of `document` that has another name now: its dotted key, and that name.
pub(super) fn in_document(document: &Value) -> Option<(String, &'static str)> {
    walk("", "", document)
}

fn walk(path: &str, parent: &str, value: &Value) -> Option<(String, &'static str)> {
    let below = |part: &str| match path {
        "" => part.to_owned(),
        path => format!("{path}.{part}"),
    };
    match value {
        Value::Object(map) => {
            map.iter().find_map(|(key, value)| match look_up(KEYS, parent, key) {
                Some(new) => Some((below(key), new)),
                None => walk(&below(key), key, value),
            })
        }
        Value::Array(list) => list
            .iter()
            .enumerate()
            .find_map(|(index, value)| walk(&below(&index.to_string()), parent, value)),
        Value::String(text) => {
            look_up(VALUES, parent, text).map(|new| (format!("{path}={text}"), new))
        }
        _ => None,
    }
}
