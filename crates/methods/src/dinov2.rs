//! DINOv2: DINO on class tokens, iBOT on masked patches, and KoLeo on features.

use optim::{DeviceScalar, Interval, Schedule, StepCount};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::dino::{balanced, centered, paper};
use crate::error::{at_least_1, not_negative, positive, range, share};
use crate::projections::PatchProjections;
use crate::similarity::{koleo, sinkhorn};
use crate::{
    AcceptedViews, GraphCapture, Method, MethodContext, MethodError, PatchMasks, Projections,
};

/// Hyper-parameters of DINOv2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DinoV2Config {
    /// How the teacher's projections become targets.
    pub variant: DinoV2Variant,
    /// Weight of DINO, on class tokens; the paper's is 1.
    pub dino: f64,
    /// Weight of iBOT, on masked patches; the paper's is 1.
    pub ibot: f64,
    /// Weight of KoLeo, which spreads the features of each global view; the paper's is 0.1.
    pub koleo: f64,
    /// Probability that a global view of the student is masked, 0 to 1; the paper's is 0.5.
    pub mask_probability: f64,
    /// Smallest and largest share of the patches of a masked view that are masked, above 0 and
    /// below 1; the paper's are 0.1 and 0.5.
    pub mask_ratio: [f64; 2],
    /// Whether patches have a projection head of their own, as the paper's largest networks have.
    pub separate_heads: bool,
    /// Temperature of the student's softmax; the paper's is 0.1.
    pub student_temp: f64,
    /// Temperature of the teacher's softmax; the paper's goes from 0.04 to 0.07.
    pub teacher_temp: Schedule,
    /// EMA decay of the teacher's weights; the paper's goes from 0.992 to 1.
    pub teacher_momentum: Schedule,
}

/// See [`DinoV2Config::variant`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DinoV2Variant {
    /// Less a moving center, one of class tokens and one of patches, as in the recipe for short
    /// trainings.
    Centering {
        /// Share of the centers that a step keeps; the paper's is 0.9.
        center_momentum: f64,
    },
    /// Balanced over the batch, class tokens and patches on their own, as in the recipe for the
    /// largest networks.
    Sinkhorn {
        /// Rounds of Sinkhorn-Knopp, at least 1; the paper's are 3.
        iterations: u32,
    },
}

/// # Reference
/// Oquab et al. 2023, arXiv 2304.07193, section 4, and the loss functions of its code; iBOT: Zhou
/// et al. 2021, arXiv 2111.07832, equation 2.
///
/// # Differs from the source
/// Each global view is masked with a probability, not exactly half of a batch, so that a mask
/// depends on the key of its view alone. Drop path draws for each image.
#[derive(Debug)]
struct DinoV2 {
    config: DinoV2Config,
    /// The temperature of the teacher's softmax at this step.
    teacher_temp: DeviceScalar,
    /// Of class tokens and of patches, each `[1, K]`.
    centers: Option<[Tensor; 2]>,
}

impl DinoV2Config {
    pub(crate) fn build(&self, context: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
        for (key, weight) in
            [("dinov2.dino", self.dino), ("dinov2.ibot", self.ibot), ("dinov2.koleo", self.koleo)]
        {
            not_negative(key, weight)?;
        }
        share("dinov2.mask_probability", self.mask_probability)?;
        let [low, high] = self.mask_ratio;
        if !(0.0 < low && low <= high && high < 1.0) {
            let expected = "[low, high] with 0 < low <= high < 1";
            return Err(range("dinov2.mask_ratio", expected, format!("[{low}, {high}]")));
        }
        positive("dinov2.student_temp", self.student_temp)?;
        self.teacher_temp.checked("dinov2.teacher_temp", Interval::Positive)?;
        self.teacher_momentum.checked("dinov2.teacher_momentum", Interval::UnitClosed)?;
        let centers = match self.variant {
            DinoV2Variant::Sinkhorn { iterations } => {
                at_least_1("dinov2.variant.sinkhorn.iterations", i64::from(iterations))?;
                None
            }
            DinoV2Variant::Centering { center_momentum } => {
                share("dinov2.variant.centering.center_momentum", center_momentum)?;
                let zeros = |name| context.zeros(name, &[1, context.dimension]);
                Some(["center", "patch_center"].map(zeros))
            }
        };
        let teacher_temp = context.scalar(self.teacher_temp);
        Ok(Box::new(DinoV2 { config: self.clone(), teacher_temp, centers }))
    }

    /// What of the views is masked.
    pub(crate) fn masks(&self) -> PatchMasks {
        PatchMasks {
            probability: self.mask_probability,
            ratio: self.mask_ratio,
            separate_heads: self.separate_heads,
        }
    }
}

impl Method for DinoV2 {
    fn begin_step(&mut self, count: StepCount, _images: i64) {
        self.teacher_temp.set(self.config.teacher_temp.at(count));
    }

    fn loss(&self, projections: &Projections) -> Tensor {
        let config = &self.config;
        let teacher_temp = self.teacher_temp.tensor();
        let teacher = &projections.teacher;
        let targets = match (config.variant, &self.centers) {
            (DinoV2Variant::Sinkhorn { iterations }, _) => {
                balanced(teacher, teacher_temp, iterations)
            }
            (_, Some([center, _])) => centered(teacher, center, teacher_temp),
            (_, None) => unreachable!("centers where they are subtracted"),
        };
        let mut loss = paper(&projections.student, &targets, config.student_temp) * config.dino;
        if let Some(patches) = &projections.patches {
            let targets = self.patch_targets(&patches.teacher, teacher_temp);
            loss += ibot(patches, &targets, config.student_temp) * config.ibot;
        }
        let kind = loss.kind();
        let views = projections.features.iter().map(|view| koleo(&view.to_kind(kind)));
        loss + Tensor::stack(&views.collect::<Vec<_>>(), 0).sum(kind) * config.koleo
    }

    fn update_state(&mut self, projections: &Projections) {
        let DinoV2Variant::Centering { center_momentum } = self.config.variant else { return };
        let Some(centers) = &mut self.centers else { return };
        let classes = Some(Tensor::cat(&projections.teacher, 0));
        let patches = projections.patches.as_ref().map(|patches| patches.teacher.shallow_clone());
        for (center, rows) in centers.iter_mut().zip([classes, patches]) {
            // A batch without a masked patch leaves their center as it is.
            let Some(rows) = rows else { continue };
            let mean = rows.mean_dim([0i64].as_slice(), true, center.kind());
            let _ = center.lerp_(&mean, 1.0 - center_momentum);
        }
    }

    fn teacher_momentum(&self) -> Option<Schedule> {
        Some(self.config.teacher_momentum)
    }

    fn graph_capture(&self) -> GraphCapture {
        GraphCapture::Never("other patches are masked in every step")
    }

    fn accepted_views(&self) -> AcceptedViews {
        AcceptedViews::ANY
    }
}

impl DinoV2 {
    /// Targets of patches, as [`centered`] and [`balanced`] give those of class tokens.
    ///
    /// # Shapes
    /// `[patches, K]` -> `[patches, K]`
    fn patch_targets(&self, teacher: &Tensor, teacher_temp: &Tensor) -> Tensor {
        match (self.config.variant, &self.centers) {
            (DinoV2Variant::Sinkhorn { iterations }, _) => {
                sinkhorn(&(teacher / teacher_temp), iterations).detach()
            }
            (_, Some([_, center])) => {
                ((teacher - center) / teacher_temp).softmax(-1, teacher.kind()).detach()
            }
            (_, None) => unreachable!("centers where they are subtracted"),
        }
    }
}

/// The loss of iBOT: the student, which sees a mask token in the place of a patch, is trained to
/// predict what the teacher says of the patch, which it sees. So that a feature of a patch must
/// tell of what is around it. The mean over all images and their global views, those without a mask
/// included, of the mean over the masked patches of a view.
///
/// # Shapes
/// `targets` `[patches, K]` -> scalar
fn ibot(patches: &PatchProjections, targets: &Tensor, student_temp: f64) -> Tensor {
    let kind = targets.kind();
    let terms = targets * (&patches.student / student_temp).log_softmax(-1, kind);
    let losses = -terms.sum_dim_intlist([-1i64].as_slice(), false, kind);
    (losses * &patches.weights).sum(kind)
}

#[cfg(test)]
mod tests;
