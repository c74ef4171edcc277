//! `twinview export`.

use std::process::ExitCode;

use models::DeviceChoice;
use report::ExportInfo;
use serde_json::json;
use trainer::{FrozenEncoder, Pixels};

use crate::args::{ExportArguments, FormatArgument, InputArgument};
use crate::failure::Failure;
use crate::output::Output;

/// Writes an encoder and its card.
pub fn run(arguments: &ExportArguments, output: &Output) -> Result<ExitCode, Failure> {
    let out = &arguments.out;
    files::check_writable(out)?;
    let weights = arguments.epoch.weights();
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
    let exported = ExportInfo {
        file: out,
        format,
        input: &input,
        features: frozen.feature_size(),
        epoch: frozen.trained[0],
        step: frozen.trained[1],
        license: arguments.license.as_deref(),
    };
    let cards = report::write_model_card(&arguments.run, &exported)?;
    let value = json!({
        "file": out, "format": format, "input": input, "features": exported.features,
        "epoch": frozen.trained[0], "step": frozen.trained[1], "cards": cards,
    });
    output.result(&value, || {
        format!(
            "{}: {format}, {} features of images {input}, after epoch {}\n{}: what it is",
            out.display(),
            exported.features,
            frozen.trained[0],
            cards[1].display(),
        )
    });
    Ok(ExitCode::SUCCESS)
}
