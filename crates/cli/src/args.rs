//! The command line.

mod features;

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::builtin::Settings;
use crate::examples;
use crate::shell::MethodName;

pub use features::{EmbedArguments, NeighborsArguments, SplitArgument};

/// Pretrain image encoders without labels, and see honestly what they learned.
#[derive(Debug, Parser)]
#[command(name = "twinview", version, max_term_width = 100, after_help = examples::TWINVIEW)]
pub struct Arguments {
    /// Say more on stderr; twice for still more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say only what goes wrong.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print results as JSON on stdout.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train an encoder on images without labels.
    #[command(after_help = examples::PRETRAIN)]
    Pretrain(PretrainArguments),
    /// Measure what a trained encoder learned, with labels.
    #[command(after_help = examples::EVALUATE)]
    Evaluate(EvaluateArguments),
    /// Train several methods under one budget, and put them side by side.
    #[command(after_help = examples::COMPARE)]
    Compare(CompareArguments),
    /// Show one or several runs on one page: curves, scores, pictures, settings.
    #[command(after_help = examples::REPORT)]
    Report(ReportArguments),
    /// Draw what augmentation does to your images.
    #[command(after_help = examples::PREVIEW)]
    Preview(PreviewArguments),
    /// Write what a trained encoder makes of images to a file for other programs.
    #[command(after_help = examples::EMBED)]
    Embed(EmbedArguments),
    /// Find images that are alike: nearest neighbors, near-duplicates, outliers.
    #[command(after_help = examples::NEIGHBORS)]
    Neighbors(NeighborsArguments),
    /// Write a trained encoder as a file for PyTorch or others, with a card that says what it is.
    #[command(after_help = examples::EXPORT)]
    Export(ExportArguments),
    /// Look at image sets, convert them, make one.
    #[command(subcommand, after_help = examples::DATA)]
    Data(DataCommand),
    /// List the methods.
    #[command(after_help = examples::METHODS)]
    Methods,
    /// Print the JSON Schema of configurations, with which editors complete and check them.
    #[command(after_help = examples::SCHEMA)]
    Schema,
    /// Print what makes a shell complete this program's arguments.
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands.
    #[command(after_help = examples::MAN)]
    Man {
        /// The folder to write a page for each command to.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// The folder of a run.
    pub run: PathBuf,
    /// What to write.
    #[arg(long)]
    pub format: FormatArgument,
    /// The pixels that TorchScript takes.
    #[arg(long, default_value = "u8")]
    pub input: InputArgument,
    /// The weights after this epoch, if its checkpoint was kept, or after the best one
    /// (checkpoint.best), or the last.
    #[arg(long, value_name = "last|best|N", value_parser = epoch, default_value = "last")]
    pub epoch: EpochArgument,
    /// Terms of use for the card, such as `CC BY 4.0`.
    #[arg(long, value_name = "TEXT")]
    pub license: Option<String>,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// See [`ExportArguments::format`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatArgument {
    /// The whole encoder, for torch.jit.load and libtorch.
    Torchscript,
    /// Its weights by name.
    Safetensors,
}

/// See [`ExportArguments::input`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InputArgument {
    /// Bytes, 0 to 255.
    U8,
    /// Floats, 0 to 1.
    Float,
}

/// Arguments of `compare`.
#[derive(Debug, Args)]
pub struct CompareArguments {
    /// The methods, separated by commas; `all` for all that have such settings.
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "all",
        value_parser = MethodName { or_all: true }
    )]
    pub methods: Vec<String>,
    /// Which of the built-in settings.
    #[arg(long, default_value = "seed")]
    pub settings: Settings,
    /// Runs of each method, with the seeds 0 to N - 1.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seeds: u64,
    /// The set [default: as for pretrain].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Passes over the data.
    #[arg(long, value_name = "N")]
    pub epochs: Option<u32>,
    /// Images a step.
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Change a setting of every run, such as train.device=cpu.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Kind of numbers in the networks.
    #[arg(long)]
    pub precision: Option<PrecisionArgument>,
    /// The folder for runs, tables, figures and the page.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// The folders of the runs.
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// Show what the folders have, and measure and draw nothing.
    #[arg(long)]
    pub quick: bool,
    /// Where to compute: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// The HTML file to write.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Arguments of `preview`.
#[derive(Debug, Args)]
pub struct PreviewArguments {
    /// The method whose built-in configuration is drawn.
    #[arg(default_value = "simclr", value_parser = MethodName { or_all: false })]
    pub method: String,
    /// Which of the built-in configurations.
    #[arg(long, default_value = "recommended", conflicts_with = "config")]
    pub settings: Settings,
    /// A configuration to draw instead.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The images [default: as for pretrain].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Number of images.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub rows: usize,
    /// The PNG file to write.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

impl From<PrecisionArgument> for models::Precision {
    fn from(argument: PrecisionArgument) -> Self {
        match argument {
            PrecisionArgument::Auto => Self::Auto,
            PrecisionArgument::F32 => Self::F32,
            PrecisionArgument::Bf16 => Self::Bf16,
        }
    }
}

/// Arguments of `pretrain`.
#[derive(Debug, Args)]
pub struct PretrainArguments {
    /// The method; `twinview methods` lists them.
    #[arg(value_parser = MethodName { or_all: false })]
    pub method: String,
    /// A folder of STL-10 or CIFAR-10 binaries or of images [default: data/stl10_binary, or a
    /// built-in procedural set where that is absent].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Which of the built-in configurations.
    #[arg(long, default_value = "recommended", conflicts_with_all = ["config", "resume"])]
    pub settings: Settings,
    /// A configuration of your own, in place of a built-in one.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Change a setting, such as method.simclr.temperature=0.2.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// The folder to write to [default: runs/METHOD].
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Go on with the run in that folder.
    #[arg(long)]
    pub resume: bool,
    /// Begin with an encoder's weights from a safetensors file: a run's encoder.safetensors, or a
    /// state_dict of torchvision's resnet or timm's vision transformer.
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub init: Option<PathBuf>,
    /// Passes over the data.
    #[arg(long, value_name = "N")]
    pub epochs: Option<u32>,
    /// Stop after this many steps.
    #[arg(long, value_name = "N")]
    pub steps: Option<u64>,
    /// Images a step.
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Everything random follows from it.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Threads that make views [default: chosen].
    #[arg(long, value_name = "N")]
    pub workers: Option<usize>,
    /// Where to compute: auto, cpu, cuda or cuda:N.
    #[arg(long)]
    pub device: Option<String>,
    /// Kind of numbers in the networks.
    #[arg(long)]
    pub precision: Option<PrecisionArgument>,
    /// What to do when the features collapse.
    #[arg(long)]
    pub on_collapse: Option<OnCollapseArgument>,
    /// Print where the time of a step goes, as a table at the end.
    #[arg(long)]
    pub profile: bool,
    /// Check everything, print the configuration, and stop.
    #[arg(long)]
    pub dry_run: bool,
}

/// What to do when the features collapse.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum OnCollapseArgument {
    /// Say so, and go on.
    Warn,
    /// Stop with exit code 3.
    Stop,
}

/// Kind of numbers in the networks.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PrecisionArgument {
    /// bf16 where the device computes in it (a GPU, a CPU with AVX512_BF16), else f32.
    Auto,
    /// 32-bit floats.
    F32,
    /// bfloat16, with 32-bit weights and losses.
    Bf16,
}

/// Arguments of `evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArguments {
    /// The folder of a run, or those of several that differ in their seeds only, to give mean and
    /// deviation over.
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// A labeled set with a test split [default: the set of the run].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// How to measure; may be given several times [default: linear and knn].
    #[arg(long)]
    pub protocol: Vec<ProtocolArgument>,
    /// Passes over the training images of --protocol sgd and finetune [default: 100 and 30, and
    /// more of few images].
    #[arg(long, value_name = "N")]
    pub passes: Option<NonZeroU32>,
    /// Measure too how well so many labeled training images of every class do alone, drawn at
    /// random; may be given several times.
    #[arg(long, value_name = "N")]
    pub labels_per_class: Vec<NonZeroUsize>,
    /// Draws of those images, to give mean and standard deviation over.
    #[arg(long, value_name = "N", default_value = "5", requires = "labels_per_class")]
    pub draws: NonZeroUsize,
    /// Decides which images are drawn.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "labels_per_class")]
    pub seed: u64,
    /// Draw which classes are taken for which, by the first protocol, to this PNG file.
    #[arg(long, value_name = "FILE")]
    pub confusion: Option<PathBuf>,
    /// Measure the weights that the run began with, for comparison.
    #[arg(long, conflicts_with = "epoch")]
    pub untrained: bool,
    /// Measure the newest weights (last), those after the best epoch (checkpoint.best), or those
    /// after this one, if its checkpoint was kept; may be given several times [default: last].
    #[arg(long, value_name = "last|best|N", value_parser = epoch)]
    pub epoch: Vec<EpochArgument>,
    /// Where to compute: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Write the result to this file too, as JSON.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// An epoch of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpochArgument {
    /// By its number, from 1.
    Number(u32),
    /// The newest, or where training stands inside one.
    Last,
    /// The one that was chosen as the best.
    Best,
}

impl EpochArgument {
    /// Which weights these are.
    pub fn weights(self) -> eval::CheckpointChoice {
        match self {
            Self::Number(epoch) => eval::CheckpointChoice::AfterEpoch(epoch),
            Self::Last => eval::CheckpointChoice::Newest,
            Self::Best => eval::CheckpointChoice::Best,
        }
    }
}

fn epoch(text: &str) -> Result<EpochArgument, String> {
    match text.parse() {
        _ if text == "last" => Ok(EpochArgument::Last),
        _ if text == "best" => Ok(EpochArgument::Best),
        Ok(number) => Ok(EpochArgument::Number(number)),
        Err(_) => Err("expected a number, last or best".to_owned()),
    }
}

/// How to measure frozen features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProtocolArgument {
    /// Logistic regression, `C` chosen on a part of the training images.
    Linear,
    /// Weighted nearest neighbors by cosine (k 20, temperature 0.07).
    Knn,
    /// A linear classifier trained by SGD on features of cropped and flipped training images,
    /// encoded anew in each epoch.
    Sgd,
    /// A copy of the encoder and a linear classifier, trained together on cropped and flipped
    /// training images.
    Finetune,
}

/// The commands about image sets.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Say what is in a set: splits, classes, colors.
    #[command(after_help = examples::DATA_INFO)]
    Info {
        /// The set.
        dir: PathBuf,
        /// Side to which the images of a folder are brought.
        #[arg(long, value_name = "PIXELS", default_value_t = 96)]
        size: usize,
        /// Write a sheet of thumbnails to this PNG file.
        #[arg(long, value_name = "FILE")]
        sheet: Option<PathBuf>,
    },
    /// Write any set as STL-10 binaries.
    #[command(after_help = examples::DATA_PACK)]
    Pack {
        /// The set.
        dir: PathBuf,
        /// Side of the written images.
        #[arg(long, value_name = "PIXELS", default_value_t = 96)]
        size: usize,
        /// The folder to write to; new or empty.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Leave out files of an image folder that can't be used, and list them; otherwise one is
        /// enough to refuse the set.
        #[arg(long)]
        skip_bad: bool,
    },
    /// Render a procedural set of ten classes that need shape and texture to tell apart.
    #[command(after_help = examples::DATA_SYNTH)]
    Synth {
        /// The folder to write to; new or empty.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Images without labels.
        #[arg(long, value_name = "N", default_value_t = 10_000)]
        unlabeled: usize,
        /// Labeled training images.
        #[arg(long, value_name = "N", default_value_t = 2_000)]
        train: usize,
        /// Labeled test images.
        #[arg(long, value_name = "N", default_value_t = 2_000)]
        test: usize,
        /// Side of the images.
        #[arg(long, value_name = "PIXELS", default_value_t = 96)]
        size: usize,
        /// Other seeds give other images of the same classes.
        #[arg(long, value_name = "N", default_value_t = 0)]
        seed: u64,
    },
}
