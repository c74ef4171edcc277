//! The model card of an exported encoder: its format, its training and its scores
//! (Mitchell et al., "Model Cards for Model Reporting", 2019).

use std::path::{Path, PathBuf};

use files::OneLine;
use run::{EvaluationRecord, ProtocolRecord};
use serde_json::{Value, json};

use crate::{Error, Run};

/// What a model card says of an exported file beside what its run folder says.
#[derive(Clone, Debug)]
pub struct ExportInfo<'a> {
    /// The file of the encoder; the card is written next to it.
    pub file: &'a Path,
    /// Its SHA-256 in hexadecimal digits; `None` where it isn't a plain file, such as a pipe.
    pub sha256: Option<&'a str>,
    /// The format, such as `torchscript`.
    pub format: &'a str,
    /// Shape, dtype and range of the input, in words.
    pub input: &'a str,
    /// Number of features per image.
    pub features: usize,
    /// Epochs that the weights were trained for.
    pub epoch: u64,
    /// Steps that the weights were trained for.
    pub step: u64,
    /// The license of the weights.
    pub license: Option<&'a str>,
}

/// Writes the model card of an encoder that was exported from the run in `folder`, as
/// `<file>.card.json` and `<file>.card.md`. Returns the two paths.
///
/// # Errors
/// As [`Run::read`], and [`Error::Io`].
pub fn write_model_card(folder: &Path, exported: &ExportInfo) -> Result<[PathBuf; 2], Error> {
    let card = card(folder, exported)?;
    let paths = model_card_files(exported.file);
    files::write(&paths[0], format!("{card:#}\n").as_bytes())?;
    files::write(&paths[1], markdown(&card).as_bytes())?;
    Ok(paths)
}

/// The files of the model card of an encoder that is exported to `file`.
pub fn model_card_files(file: &Path) -> [PathBuf; 2] {
    [".card.json", ".card.md"].map(|extension| {
        let mut name = file.as_os_str().to_owned();
        name.push(extension);
        PathBuf::from(name)
    })
}

fn card(folder: &Path, exported: &ExportInfo) -> Result<Value, Error> {
    let run = Run::read(folder)?;
    let settings = |key: &str| run.settings[key].clone();
    let ExportInfo { epoch, step, .. } = *exported;
    let name = exported.file.file_name().unwrap_or_default();
    Ok(json!({
        "file": name.to_string_lossy(),
        "sha256": exported.sha256,
        "format": exported.format,
        "license": exported.license,
        "input": exported.input,
        "features": exported.features,
        "encoder": settings("encoder"),
        "training": {
            "program": {"version": run.version, "revision": run.revision},
            "device": run.device,
            "method": settings("method"),
            "projection": settings("projection"),
            "augment": settings("augment")["views"],
            "optimizer": settings("optimizer"),
            "batch_size": run.batch.unlabeled + run.batch.labeled,
            "precision": run.precision,
            "seed": run.seed,
            "epoch": epoch,
            "step": step,
            "duration": run.batch.duration(step),
            "data": {
                "name": run.data.name(),
                "kind": run.data.kind,
                "fingerprint": run.data.fingerprint,
                "image_size": run.data.image_size,
                "images": run.data.trained_on(run.batch.labeled > 0),
            },
        },
        "results": results(folder, step)?,
    }))
}

/// The scores in `evaluation.json`; null where they are not those of the weights of `step`.
fn results(folder: &Path, step: u64) -> Result<Value, Error> {
    let found = EvaluationRecord::read(folder)?;
    let Some(found) = found.filter(|found| found.step == step) else {
        return Ok(Value::Null);
    };
    let score = |(name, protocol): (String, ProtocolRecord)| {
        let score = json!({
            "accuracy": protocol.accuracy,
            "interval95": protocol.test.interval95,
            "images": protocol.test.total,
        });
        (name, score)
    };
    let scores: serde_json::Map<_, _> = found.protocols.into_iter().map(score).collect();
    Ok(json!({
        "split": found.split,
        "data": found.data.fingerprint,
        "accuracy": scores,
    }))
}

fn markdown(card: &Value) -> String {
    let training = &card["training"];
    let data = &training["data"];
    let word = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let method = training["method"].as_object();
    let method = method.and_then(|method| method.keys().next()).cloned();
    let method = method.unwrap_or_default();
    let mut rows = vec![
        ("Format", word(&card["format"])),
        ("Input", word(&card["input"])),
        ("Features per image", word(&card["features"])),
        ("Encoder", code(&card["encoder"])),
        ("Method", code(&training["method"])),
        ("Optimizer", code(&training["optimizer"])),
        (
            "Trained for",
            format!(
                "{}, {} images per step, seed {}, {}",
                word(&training["duration"]),
                training["batch_size"],
                training["seed"],
                word(&training["precision"]),
            ),
        ),
        (
            "Trained on",
            format!(
                "{} ({}), {} images, {} pixels, without labels; fingerprint `{}`",
                plain(&word(&data["name"])),
                word(&data["kind"]),
                data["images"],
                data["image_size"],
                word(&data["fingerprint"]),
            ),
        ),
    ];
    rows.push((
        "Trained by",
        format!(
            "Twinview {}, revision {}, on {}",
            word(&training["program"]["version"]),
            word(&training["program"]["revision"]),
            word(&training["device"]),
        ),
    ));
    if let Some(sha256) = card["sha256"].as_str() {
        rows.push(("SHA-256", format!("`{sha256}`")));
    }
    rows.push(("License", plain(card["license"].as_str().unwrap_or("not stated"))));
    let mut text =
        format!("# {}: an image encoder trained by {method}\n\n", plain(&word(&card["file"])));
    text += "| | |\n| :-- | :-- |\n";
    for (what, value) in rows {
        text += &format!("| {what} | {} |\n", cell(&value));
    }
    text += "\n## Results\n\n";
    text += &scores(&card["results"]);
    text += "\n## Views\n\n";
    for view in training["augment"].as_array().into_iter().flatten() {
        text += &format!("- {}\n", code(view));
    }
    text
}

/// A table of accuracies, or a line that says that there is none.
fn scores(results: &Value) -> String {
    let Some(accuracy) = results["accuracy"].as_object() else {
        return "These weights have not been evaluated.\n".to_owned();
    };
    let mut text = String::from(
        "| protocol | test accuracy | 95 % interval | images |\n| :-- | --: | --: | --: |\n",
    );
    let percent = |value: &Value| {
        value.as_f64().map_or("-".to_owned(), |share| format!("{:.2} %", 100.0 * share))
    };
    for (name, score) in accuracy {
        let interval = &score["interval95"];
        text += &format!(
            "| {} | {} | {} to {} | {} |\n",
            cell(&plain(name)),
            percent(&score["accuracy"]),
            percent(&interval[0]),
            percent(&interval[1]),
            score["images"],
        );
    }
    text
}

/// A text without the meaning that Markdown and HTML give to its characters.
fn plain(text: &str) -> String {
    let mut escaped = String::new();
    for c in OneLine(text).to_string().chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '\\' | '`' | '*' | '[' | ']' | '#' | '!' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Markdown in a cell of a table.
fn cell(markdown: &str) -> String {
    markdown.replace('|', "\\|")
}

fn code(value: &Value) -> String {
    format!("`{value}`")
}

#[cfg(test)]
mod tests;
