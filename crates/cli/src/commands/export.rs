//! `twinview export`.

use std::process::ExitCode;

use eval::{FrozenEncoder, Pixels, TrainingProgress};
use models::DeviceChoice;
use report::ExportInfo;
use serde_json::json;

use crate::app::failure::Failure;
use crate::app::output::Output;
use crate::app::{run_on_data, words};
use crate::args::{ExportArguments, FormatArgument, InputArgument};

/// Writes an encoder and its model card.
pub fn run(arguments: &ExportArguments, output: &Output) -> Result<ExitCode, Failure> {
    let out = &arguments.out;
    for file in [out.clone()].into_iter().chain(report::model_card_files(out)) {
        files::check_writable(&file)?;
    }
    let weights = arguments.checkpoint.choice();
    let frozen = FrozenEncoder::open(&arguments.run, weights, DeviceChoice::Cpu)?;
    let (pixels, range) = match arguments.input {
        InputArgument::U8 => (Pixels::Bytes, "uint8, 0 to 255"),
        InputArgument::Float => (Pixels::Floats, "float, byte / 255"),
    };
    let side = frozen.side();
    let (format, input) = match arguments.format {
        FormatArgument::Torchscript => {
            frozen.save_traced(pixels, out)?;
            let input = format!("[n, 3, {side}, {side}], RGB, {range}");
            ("torchscript", input)
        }
        FormatArgument::Safetensors => {
            frozen.save_weights(out)?;
            let input = format!("[n, 3, {side}, {side}], RGB, float, byte / 255");
            ("safetensors", input)
        }
    };
    // So that a card can be told from one of an earlier file of this name.
    let sha256 = match out.is_file() {
        true => Some(files::sha256(out).map_err(files::Error::io(out, "read"))?),
        false => None,
    };
    let TrainingProgress { epoch, step } = frozen.trained;
    let exported = ExportInfo {
        file: out,
        sha256: sha256.as_deref(),
        format,
        input: &input,
        features: frozen.feature_size(),
        epoch,
        step,
        license: arguments.license.as_deref(),
    };
    let cards = report::write_model_card(&arguments.run, &exported)?;
    let value = json!({
        "file": out, "sha256": sha256, "format": format, "input": input, "features": exported.features,
        "epoch": epoch, "step": step, "cards": cards,
    });
    output.result(&value, || {
        format!(
            "{}: {format}, {} of images {input}, {}\n{}: model card",
            out.display(),
            words::count(exported.features, "feature"),
            run_on_data::training(&frozen),
            cards[1].display(),
        )
    });
    Ok(ExitCode::SUCCESS)
}
