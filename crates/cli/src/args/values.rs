//! Values that several commands take.

use std::ffi::OsStr;
use std::fmt;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command, ValueEnum};
use eval::CheckpointChoice;
use methods::METHODS;

/// The form of a [`CheckpointArgument`].
pub const CHECKPOINT: &str = "last|best|epoch:N|initial";

/// Which weights of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointArgument {
    /// The newest checkpoint.
    Last,
    /// The checkpoint of the best epoch.
    Best,
    /// The checkpoint after this epoch, from 1.
    Epoch(u32),
    /// The weights before training.
    Initial,
}

impl CheckpointArgument {
    /// The same for the trainer.
    pub fn choice(self) -> CheckpointChoice {
        match self {
            Self::Last => CheckpointChoice::Newest,
            Self::Best => CheckpointChoice::Best,
            Self::Epoch(epoch) => CheckpointChoice::AfterEpoch(epoch),
            Self::Initial => CheckpointChoice::Untrained,
        }
    }
}

/// As it is typed.
impl fmt::Display for CheckpointArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last => f.write_str("last"),
            Self::Best => f.write_str("best"),
            Self::Epoch(epoch) => write!(f, "epoch:{epoch}"),
            Self::Initial => f.write_str("initial"),
        }
    }
}

/// Parses a checkpoint.
pub fn checkpoint(text: &str) -> Result<CheckpointArgument, String> {
    let epoch = text.strip_prefix("epoch:").and_then(|number| number.parse().ok());
    match (text, epoch) {
        ("last", _) => Ok(CheckpointArgument::Last),
        ("best", _) => Ok(CheckpointArgument::Best),
        ("initial", _) => Ok(CheckpointArgument::Initial),
        (_, Some(epoch)) => Ok(CheckpointArgument::Epoch(epoch)),
        _ => Err("expected last, best, epoch:N or initial".to_owned()),
    }
}

/// A split of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SplitArgument {
    /// Unlabeled images.
    Unlabeled,
    /// Labeled training images.
    Train,
    /// Labeled test images.
    Test,
}

impl SplitArgument {
    /// Its name in the data set.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unlabeled => "unlabeled",
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

/// Number format of the networks.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PrecisionArgument {
    /// bf16 on a GPU or a CPU with AVX512_BF16, else f32.
    Auto,
    /// 32-bit floats.
    F32,
    /// 32-bit floats, multiplied in TensorFloat-32 by a GPU.
    Tf32,
    /// bfloat16, with 32-bit weights and losses.
    Bf16,
}

impl From<PrecisionArgument> for models::Precision {
    fn from(argument: PrecisionArgument) -> Self {
        match argument {
            PrecisionArgument::Auto => Self::Auto,
            PrecisionArgument::F32 => Self::F32,
            PrecisionArgument::Tf32 => Self::Tf32,
            PrecisionArgument::Bf16 => Self::Bf16,
        }
    }
}

/// Parses the name of a method. Shells complete the known names; unknown names pass, so that the
/// error can suggest one.
#[derive(Clone, Debug)]
pub struct MethodName {
    /// Whether `all` is a name too.
    pub or_all: bool,
}

impl TypedValueParser for MethodName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = METHODS.iter().map(|entry| PossibleValue::new(entry.name).help(entry.summary));
        let all = self.or_all.then(|| PossibleValue::new("all"));
        Some(Box::new(all.into_iter().chain(names)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_are_parsed_as_they_are_printed() {
        for text in ["last", "best", "epoch:12", "initial"] {
            assert_eq!(checkpoint(text).unwrap().to_string(), text);
        }
        for bad in ["12", "epoch:", "epoch:x", "epoch:-1", "first", ""] {
            assert_eq!(checkpoint(bad).unwrap_err(), "expected last, best, epoch:N or initial");
        }
    }
}
