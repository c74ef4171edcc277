//! An encoder as a file that others load: its weights as safetensors, or the whole of it as
//! TorchScript.

use std::collections::HashMap;
use std::path::Path;

use models::Mode;
use tch::{CModule, Kind, Tensor, no_grad};

use crate::networks::EncoderAndHead;
use crate::{Config, Error, FrozenEncoder, checkpoint};

/// Most that features of the written file may differ from those of the encoder, in parts of the
/// largest feature.
const TOLERANCE: f64 = 1e-5;

/// The pixels that a traced encoder takes: RGB, `[n, 3, side, side]`, any `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pixels {
    /// `u8`, 0..=255.
    Bytes,
    /// Float, 0..=1: byte / 255.
    Floats,
}

/// Writes the encoder of `networks`, weights and running statistics, by their names in it.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn write_encoder(
    path: &Path,
    networks: &EncoderAndHead,
    config: &Config,
) -> Result<(), Error> {
    // One key, so that equal encoders are equal files: a map of several has no order.
    let about = serde_json::json!({
        "encoder": config.encoder,
        "image_size": config.image_size,
        "input": "RGB / 255, NCHW",
    });
    let metadata = HashMap::from([("twinview".to_owned(), about.to_string())]);
    checkpoint::write(path, &networks.encoder_tensors(), metadata)
}

impl FrozenEncoder {
    /// Writes the encoder's weights as safetensors, named as `encoder.safetensors` of a run names
    /// them.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save_weights(&self, path: &Path) -> Result<(), Error> {
        write_encoder(path, &self.networks, &self.record.config)
    }

    /// Writes the encoder as TorchScript: a module whose `forward` takes `pixels` and gives
    /// features `[n, feature_size]`, float32. The file is loaded and compared with the encoder
    /// before it gets its name.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Export`] where libtorch can't trace it or the file gives other
    /// features.
    pub fn save_traced(&self, pixels: Pixels, path: &Path) -> Result<(), Error> {
        let failure = |found: String| Error::Export { path: path.to_owned(), found };
        let of_libtorch = |error: tch::TchError| {
            // What follows is where in libtorch it happened.
            let text = error.to_string();
            failure(text.lines().next().unwrap_or_default().to_owned())
        };
        no_grad(|| {
            let mut forward = |inputs: &[Tensor]| vec![self.features_of(&inputs[0], pixels)];
            let module = CModule::create_by_tracing(
                "Encoder",
                "forward",
                &[self.example(3, pixels)],
                &mut forward,
            )
            .map_err(of_libtorch)?;
            // The file's name becomes part of what is in it: always the same one, so that equal
            // encoders are equal files.
            let folder = files::temporary_folder(path)?;
            let file = folder.path().join("encoder.pt");
            module.save(&file).map_err(of_libtorch)?;
            let device = self.networks.store.device();
            let loaded = CModule::load_on_device(&file, device).map_err(of_libtorch)?;
            let images = self.example(2, pixels);
            let found = loaded.forward_ts(&[&images]).map_err(of_libtorch)?;
            let expected = self.features_of(&images, pixels);
            let largest = |tensor: &Tensor| tensor.abs().max().double_value(&[]);
            let off = largest(&(&found - &expected)) / largest(&expected).max(1.0);
            if off.is_nan() || off > TOLERANCE {
                return Err(failure(format!("its features are off by {off:e}")));
            }
            let bytes = std::fs::read(&file).map_err(Error::io(&file, "read it"))?;
            Ok(files::write(path, &bytes)?)
        })
    }

    /// # Shapes
    /// `images` `[n, 3, side, side]` of `pixels` -> features `[n, feature_size]`, float32.
    fn features_of(&self, images: &Tensor, pixels: Pixels) -> Tensor {
        // As the door does it: convolutions read channels last, and equal sums round equally.
        let interleaved = images.permute([0, 2, 3, 1]).contiguous().to_kind(Kind::Float);
        let interleaved = match pixels {
            Pixels::Bytes => interleaved / 255.0,
            Pixels::Floats => interleaved,
        };
        let images = interleaved.permute([0, 3, 1, 2]);
        self.networks.encoder.forward(&images, Mode::Eval)
    }

    /// `count` images of `pixels` that differ from each other.
    fn example(&self, count: i64, pixels: Pixels) -> Tensor {
        let side = self.side() as i64;
        let options = (Kind::Int64, self.networks.store.device());
        let values = Tensor::arange(count * 3 * side * side, options).remainder(251);
        let images = values.view([count, 3, side, side]).to_kind(Kind::Uint8);
        match pixels {
            Pixels::Bytes => images,
            Pixels::Floats => images.to_kind(Kind::Float) / 255.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use loader::ViewBlock;
    use models::DeviceChoice;
    use run::{BatchRecord, DataRecord, FORMAT, ImageCounts, ThreadCounts, file};

    use super::*;
    use crate::tests::tiny_config;
    use crate::{CheckpointChoice, RunRecord, write_json};

    /// The untrained encoder of a run that has only its record.
    fn untrained(folder: &Path) -> FrozenEncoder {
        let record = RunRecord {
            format: FORMAT,
            version: String::new(),
            revision: String::new(),
            started_at: String::new(),
            device: "cpu".to_owned(),
            threads: ThreadCounts { libtorch: 1, workers: 1 },
            data: DataRecord {
                path: None,
                kind: String::new(),
                fingerprint: String::new(),
                image_size: 32,
                images: ImageCounts::default(),
                held_out: 0,
                class_names: Vec::new(),
            },
            batch: BatchRecord { unlabeled: 8, labeled: 8, steps_per_epoch: 1 },
            init: None,
            config: tiny_config("simclr"),
        };
        write_json(&folder.join(file::CONFIG), &record).unwrap();
        FrozenEncoder::open(folder, CheckpointChoice::Untrained, DeviceChoice::Cpu).unwrap()
    }

    #[test]
    fn a_traced_encoder_gives_the_features_that_evaluation_sees() {
        let folder = tempfile::tempdir().unwrap();
        let frozen = untrained(folder.path());
        // More images than go through the encoder at a time.
        let bytes: Vec<u8> = (0..70 * 3 * 32 * 32u64).map(|i| (i * i % 241) as u8).collect();
        let shape = [70, 3, 32, 32];
        let images = Tensor::from_data_size(&bytes, &shape, Kind::Uint8);
        let expected =
            frozen.encode(&ViewBlock { bytes, views: 1, images: 70, height: 32, width: 32 });
        let path = folder.path().join("encoder.pt");
        for (pixels, input) in [
            (Pixels::Bytes, images.shallow_clone()),
            (Pixels::Floats, images.to_kind(Kind::Float) / 255.0),
        ] {
            frozen.save_traced(pixels, &path).unwrap();
            let found = CModule::load(&path).unwrap().forward_ts(&[input]).unwrap();
            let off = (&found - &expected).abs().max().double_value(&[]);
            assert!(expected.abs().max().double_value(&[]) > 1e-2);
            assert!(off < 1e-5, "{pixels:?}: off by {off}");
        }
    }

    #[test]
    fn what_can_not_be_written_is_said_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let frozen = untrained(folder.path());
        let path = folder.path().join("absent/encoder.pt");
        let error = frozen.save_traced(Pixels::Bytes, &path).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
    }
}
