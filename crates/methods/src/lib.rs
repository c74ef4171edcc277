//! Self-supervised methods: losses on the projections of an image's views.
//!
//! Each method is one file: its configuration, its state and its formula. [`Method`] is the single
//! extension point and [`MethodConfig`] the registry; a new method is a new file, a line of the
//! registry, a row in [`METHODS`], a config and a golden fixture.
//!
//! ```
//! use methods::{MethodConfig, MethodContext, Projections};
//! use optim::StepCount;
//! use tch::nn::VarStore;
//! use tch::{Device, Kind, Tensor};
//!
//! let config = r#"{"simclr": {"variant": "paper", "temperature": 0.1}}"#;
//! let config: MethodConfig = serde_json::from_str(config)?;
//! let store = VarStore::new(Device::Cpu);
//! let weight_rng = models::WeightRng { seed: 0, stream: models::WeightStream::Student };
//! let (path, compute) = (store.root(), Kind::Float);
//! let (dimension, image_size, global_views) = (4, 32, 2);
//! let context =
//!     MethodContext { path, weight_rng, dimension, image_size, global_views, compute };
//! let mut method = config.build(&context)?;
//!
//! // Projections of two views of three images. Without a teacher, the student's take its place.
//! let numbers = Tensor::arange(12, (Kind::Float, Device::Cpu));
//! let view = |shift: f64| (&numbers + shift).cos().view([3, 4]);
//! let student = vec![view(0.0), view(0.1)];
//! let teacher = student.iter().map(Tensor::detach).collect();
//! let features = student.iter().map(Tensor::shallow_clone).collect();
//! let projections = Projections { student, teacher, features, patches: None };
//! method.begin_step(StepCount { step: 0, total: 100 }, 3);
//! let loss = method.loss(&projections).double_value(&[]);
//! # assert!(loss.is_finite() && loss > 0.0, "{loss}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod barlow_twins;
mod byol;
mod catalog;
mod context;
mod custom;
mod dcl;
mod dino;
mod dinov2;
mod distill;
mod error;
mod hsic_twins;
mod lejepa;
mod moco;
mod nnclr;
mod projections;
mod queue;
mod simclr;
mod similarity;
mod simsiam;
mod swav;
mod twist;
mod vicreg;
mod visreg;

pub use catalog::{Family, METHODS, MethodInfo};
pub use context::{MethodContext, PredictorConfig};
pub use custom::CustomConfig;
pub use error::MethodError;
pub use projections::{PatchProjections, Projections};

use models::ScriptNetwork;
use optim::{Schedule, StepCount};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

/// A self-supervised method: its loss and its state.
pub trait Method: std::fmt::Debug {
    /// Takes the values of schedules at `count`, and what else depends on the step, for the coming
    /// batch of `images` images; called before [`loss`](Self::loss). Tensors are changed in place.
    fn begin_step(&mut self, _count: StepCount, _images: i64) {}

    /// The mean loss of a batch, a scalar. Reads state, never changes it.
    fn loss(&self, projections: &Projections) -> Tensor;

    /// Number of terms that [`loss`](Self::loss) averages, for a batch of `images` images: what to
    /// multiply by where the gradient of the sum is wanted. 1 for an objective that is no average.
    fn loss_terms(&self, images: i64) -> i64 {
        2 * images
    }

    /// Updates state (queues, centers) from a batch; called without gradient after the optimizer's
    /// step.
    fn update_state(&mut self, _projections: &Projections) {}

    /// Teacher momentum (EMA decay); `None` for a method without a teacher.
    fn teacher_momentum(&self) -> Option<Schedule> {
        None
    }

    /// A network that is never trained and is a teacher in place of a moving average: its features
    /// are then [`Projections::teacher`].
    fn frozen_teacher(&self) -> Option<&ScriptNetwork> {
        None
    }

    /// Whether a GPU can repeat what [`loss`](Self::loss) and [`update_state`](Self::update_state)
    /// do, as a CUDA graph.
    fn graph_capture(&self) -> GraphCapture {
        GraphCapture::Never("the method does not say that all its steps are alike")
    }

    /// Which views it takes; two global ones unless it says otherwise.
    fn accepted_views(&self) -> AcceptedViews {
        AcceptedViews::PAIR
    }
}

/// Whether the steps of a training can be captured as a CUDA graph. They can where a step queues
/// the same operations on the same tensors as the one before, reads nothing back from the GPU and
/// copies nothing to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphCapture {
    /// The coming steps are alike.
    Now,
    /// Later steps are, this one is not.
    Later,
    /// They are not, and why.
    Never(&'static str),
}

/// Which views a method takes beside two global ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedViews {
    /// More global views.
    pub more_global: bool,
    /// Smaller, local views (multi-crop).
    pub local: bool,
}

impl AcceptedViews {
    /// Two global views.
    pub const PAIR: Self = Self { more_global: false, local: false };
    /// Any number of global views from two on, and any number of local ones.
    pub const ANY: Self = Self { more_global: true, local: true };
}

/// Which patches of the global views are masked for the student (masked image modeling).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PatchMasks {
    /// Probability that a view is masked.
    pub probability: f64,
    /// Smallest and largest share of the patches of a masked view.
    pub ratio: [f64; 2],
    /// Whether patches have a projection head of their own, built as that of features.
    pub separate_heads: bool,
}

impl MethodConfig {
    /// What of the views is masked; `None` for a method that masks nothing.
    pub fn masks(&self) -> Option<PatchMasks> {
        match self {
            Self::DinoV2(config) => Some(config.masks()),
            _ => None,
        }
    }
}

/// The seed's form of an objective, or the published one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// As the seed computes it.
    Seed,
    /// As the paper has it.
    Paper,
}

/// Makes [`MethodConfig`]: one line a method, `Variant(its config) = "its key"`.
macro_rules! registry {
    ($($variant:ident($config:path) = $name:literal,)*) => {
        /// The methods, by their key in a config: `{"simclr": {...}}`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub enum MethodConfig {
            $(
                #[doc = concat!("`", $name, "`, see [`METHODS`].")]
                #[serde(rename = $name)]
                $variant($config),
            )*
            /// One that another program brings along.
            #[serde(rename = "custom")]
            Custom(CustomConfig),
        }

        impl MethodConfig {
            /// The key, as in [`METHODS`], or the name that another program gives its own.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $name,)*
                    Self::Custom(custom) => &custom.name,
                }
            }

            /// Builds the objective; what it keeps is registered on the path of `context`.
            ///
            /// # Errors
            /// [`MethodError`] where a hyper-parameter is out of range, or the method is not one of
            /// these.
            pub fn build(&self, context: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
                match self {
                    $(Self::$variant(config) => config.build(context),)*
                    Self::Custom(custom) => Err(MethodError::Custom(custom.name.clone())),
                }
            }
        }
    };
}

registry! {
    SimClr(simclr::SimClrConfig) = "simclr",
    NnClr(nnclr::NnClrConfig) = "nnclr",
    Dcl(dcl::DclConfig) = "dcl",
    BarlowTwins(barlow_twins::BarlowTwinsConfig) = "barlow_twins",
    HsicTwins(hsic_twins::HsicTwinsConfig) = "hsic_twins",
    Twist(twist::TwistConfig) = "twist",
    MoCo(moco::MoCoConfig) = "moco",
    Dino(dino::DinoConfig) = "dino",
    Byol(byol::ByolConfig) = "byol",
    SimSiam(simsiam::SimSiamConfig) = "simsiam",
    VicReg(vicreg::VicRegConfig) = "vicreg",
    Swav(swav::SwavConfig) = "swav",
    LeJepa(lejepa::LeJepaConfig) = "lejepa",
    VisReg(visreg::VisRegConfig) = "visreg",
    Distill(distill::DistillConfig) = "distill",
    DinoV2(dinov2::DinoV2Config) = "dinov2",
}
