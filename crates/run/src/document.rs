//! The page `docs/run-folder.md`.

use schemars::JsonSchema;
use serde_json::Value;

use crate::schema::{Field, fields};
use crate::{
    Direction, EpochRecord, EvaluationRecord, FORMAT, Group, Kind, METRICS, RunRecord, StepRecord,
    Summary, file,
};

/// `docs/run-folder.md`: the files of a run folder, the fields of their records, and the metrics.
/// `cargo run -p run --example run_folder > docs/run-folder.md` renews it.
pub fn document() -> String {
    let mut page = format!(
        "# The run folder\n\n\
         Generated from `crates/run` by \
         `cargo run -p run --example run_folder > docs/run-folder.md`.\n\n\
         `twinview pretrain --run DIR` writes one folder per run. A file appears whole or not at \
         all;\n`metrics.jsonl` grows by whole lines. This page describes format {FORMAT}; a folder \
         of another format is\nrefused.\n\n## Files\n\n| file | content |\n| :-- | :-- |\n"
    );
    for file in file::ALL {
        page += &format!("| `{}` | {} |\n", file.name, file.content);
    }
    page += "\n## Metrics\n\n\
             Measured after every epoch. The key is the name in `metrics.jsonl`, in tables and in \
             reports. Shares\nare 0 to 1 in files and percentages in reports. Health is measured \
             on two views each of the same 256\nunlabeled images.\n\n\
             | key | title | counts | better | TensorBoard | definition |\n\
             | :-- | :-- | :-- | :-- | :-- | :-- |\n";
    for metric in Group::ALL.into_iter().flat_map(Group::metrics) {
        let better = match metric.direction {
            Direction::Higher => "higher",
            Direction::Lower => "lower",
            Direction::Neither => "",
        };
        let share = if metric.kind == Kind::Share { "share " } else { "" };
        page += &format!(
            "| `{}` | {} | {share}{} | {better} | `{}` | {} |\n",
            metric.key,
            metric.title,
            metric.unit.trim_start_matches("% "),
            metric.tag(),
            metric.definition
        );
    }
    page += &section::<RunRecord<Value>>(
        file::CONFIG,
        "Written at the start, and again when the run is resumed. `config` has every key of \
         the\n[configuration](config.md).",
        &["config"],
    );
    page += &section::<StepRecord>(
        "metrics.jsonl, a step",
        "A line whose `kind` is `step`; one for every step.",
        &[],
    );
    page += &section::<EpochRecord>(
        "metrics.jsonl, an epoch",
        "A line whose `kind` is `epoch`; one for every epoch. It has the metrics above, null where \
         one was\nnot measured or is not finite, and:",
        &[],
    );
    page += &section::<Summary>(
        file::SUMMARY,
        "Written when the run is finished. `last` is the last epoch, as its line in \
         `metrics.jsonl`.",
        &["last"],
    );
    page += &section::<EvaluationRecord>(
        file::EVALUATION,
        "Scores of one encoder. `twinview evaluate` prints the same record. For several runs it \
         prints\nthem in `runs`, with `mean` and `std` over them; for several \
         checkpoints,\none such record per checkpoint in `checkpoints`.",
        &[],
    );
    page
}

/// A record: a heading, a text, and a table of its fields.
fn section<T: JsonSchema>(title: &str, text: &str, closed: &[&str]) -> String {
    let mut page =
        format!("\n## {title}\n\n{text}\n\n| field | type | meaning |\n| :-- | :-- | :-- |\n");
    let told = |field: &Field| METRICS.iter().any(|metric| metric.key == field.key);
    let found = fields::<T>(closed);
    let of_epoch = found.iter().any(|field| field.key == "contrastive_acc");
    for field in found.iter().filter(|field| !(of_epoch && told(field))) {
        page += &format!("| `{}` | {} | {} |\n", field.key, field.kind, field.description);
    }
    page
}
