//! An encoder as a file that others load: its weights as safetensors, or the whole of it as
//! TorchScript.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use files::OneLine;
use models::Mode;
use tch::{CModule, Kind, Tensor, no_grad};
use trainer::write_encoder;

use crate::FrozenEncoder;

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

/// Why an encoder could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file can't be written or read.
    #[error(transparent)]
    Io(#[from] trainer::Error),
    /// libtorch can't trace it, or the file gives other features.
    #[error("{}: can't export the encoder: {}", OneLine(.path), OneLine(.found))]
    Trace {
        /// The file.
        path: PathBuf,
        /// What libtorch said, or what a check of the file found.
        found: String,
    },
}

impl From<files::Error> for ExportError {
    fn from(error: files::Error) -> Self {
        Self::Io(error.into())
    }
}

impl FrozenEncoder {
    /// Writes the encoder's weights as safetensors, named as `encoder.safetensors` of a run names
    /// them.
    ///
    /// # Errors
    /// [`ExportError::Io`].
    pub fn save_weights(&self, path: &Path) -> Result<(), ExportError> {
        Ok(write_encoder(path, &self.networks, &self.record.config)?)
    }

    /// Writes the encoder as TorchScript: a module whose `forward` takes `pixels` and gives
    /// features `[n, feature_size]`, float32. The file is loaded and compared with the encoder
    /// before it gets its name.
    ///
    /// # Errors
    /// [`ExportError::Io`]; [`ExportError::Trace`] where libtorch can't trace it or the file gives
    /// other features.
    pub fn save_traced(&self, pixels: Pixels, path: &Path) -> Result<(), ExportError> {
        let failure = |found: String| ExportError::Trace { path: path.to_owned(), found };
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
            // To a file in memory: libtorch ends the process where a disk is full. The file's name
            // becomes part of what is in it: always the same one, so that equal encoders are equal
            // files.
            let unreadable =
                |source| trainer::Error::Io { path: path.to_owned(), what: "write it", source };
            let memory = rustix::fs::memfd_create("encoder", rustix::fs::MemfdFlags::CLOEXEC);
            let mut memory = File::from(memory.map_err(|error| unreadable(error.into()))?);
            let folder = files::temporary_folder(path)?;
            let file = folder.path().join("encoder.pt");
            let opened = format!("/proc/self/fd/{}", memory.as_raw_fd());
            std::os::unix::fs::symlink(opened, &file).map_err(unreadable)?;
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
            let mut bytes = Vec::new();
            memory.seek(SeekFrom::Start(0)).map_err(unreadable)?;
            memory.read_to_end(&mut bytes).map_err(unreadable)?;
            Ok(files::write(path, &bytes)?)
        })
    }

    /// # Shapes
    /// `images` `[n, 3, side, side]` of `pixels` -> features `[n, feature_size]`, float32.
    fn features_of(&self, images: &Tensor, pixels: Pixels) -> Tensor {
        // As `ToTensor` does it: convolutions read channels last, and equal sums round equally.
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
