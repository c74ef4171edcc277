//! DINO: self-distillation with no labels; centering and sharpening of the teacher prevent
//! collapse.

use optim::{DeviceScalar, Interval, Schedule, StepCount};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::error::{at_least_1, not_negative, positive, share};
use crate::similarity::{clipped_cross_entropy, koleo, normalize, sinkhorn, soft_cross_entropy};
use crate::{AcceptedViews, GraphCapture, Method, MethodContext, MethodError, Projections};

/// Hyper-parameters of DINO.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DinoConfig {
    /// The published forms of the loss.
    pub variant: DinoVariant,
    /// Temperature of the student's softmax; 0.1 in the seed and the paper.
    pub student_temp: f64,
    /// Temperature of the teacher's softmax; the seed's is 0.05, the paper's goes from 0.04 to
    /// 0.07.
    pub teacher_temp: Schedule,
    /// EMA decay of the teacher's weights; the seed's is 0.9, the paper's goes from 0.996 to 1.
    pub teacher_momentum: Schedule,
    /// Optional: weight of KoLeo, which spreads the features of each global view; DINOv2's is 0.1,
    /// `null` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub koleo: Option<f64>,
}

/// See [`DinoConfig::variant`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DinoVariant {
    /// Projections of unit length, the batch's own center, clipped probabilities; two views.
    Seed,
    /// Projections as they are, a moving center; any number of local views.
    Paper {
        /// Share of the center that a step keeps; the paper's is 0.9. 1 switches centering off.
        center_momentum: f64,
    },
    /// As the paper's, with targets that are balanced over the batch in place of centered ones, as
    /// in DINOv2.
    Sinkhorn {
        /// Rounds of Sinkhorn-Knopp, at least 1; DINOv2's are 3.
        iterations: u32,
    },
}

/// # Reference
/// Caron et al. 2021, arXiv 2104.14294, algorithm 1; multi-crop in equation 3. Sinkhorn-Knopp and
/// KoLeo as in Oquab et al. 2023, arXiv 2304.07193.
///
/// # Differs from the paper
/// In the seed form: projections have unit length; the center is that of the current batch alone;
/// the student's probabilities are clipped to `[1e-7, 1 - 1e-7]` instead of taken as log-softmax.
/// The paper freezes the last layer in the first epoch: `train.freeze_last_layer`.
#[derive(Debug)]
struct Dino {
    config: DinoConfig,
    /// The temperature of the teacher's softmax at this step.
    teacher_temp: DeviceScalar,
    center: Option<Tensor>,
}

impl DinoConfig {
    pub(crate) fn build(&self, context: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
        positive("dino.student_temp", self.student_temp)?;
        self.teacher_temp.checked("dino.teacher_temp", Interval::Positive)?;
        self.teacher_momentum.checked("dino.teacher_momentum", Interval::UnitClosed)?;
        if let Some(koleo) = self.koleo {
            not_negative("dino.koleo", koleo)?;
        }
        let center = match self.variant {
            DinoVariant::Seed => None,
            DinoVariant::Sinkhorn { iterations } => {
                at_least_1("dino.variant.sinkhorn.iterations", i64::from(iterations))?;
                None
            }
            DinoVariant::Paper { center_momentum } => {
                share("dino.variant.paper.center_momentum", center_momentum)?;
                Some(context.zeros("center", &[1, context.dimension]))
            }
        };
        Ok(Box::new(Dino {
            config: self.clone(),
            teacher_temp: context.scalar(self.teacher_temp),
            center,
        }))
    }
}

impl Method for Dino {
    fn begin_step(&mut self, count: StepCount, _images: i64) {
        self.teacher_temp.set(self.config.teacher_temp.at(count));
    }

    fn loss(&self, projections: &Projections) -> Tensor {
        let student_temp = self.config.student_temp;
        let teacher_temp = self.teacher_temp.tensor();
        let teacher = &projections.teacher;
        let paper = |targets: &[Tensor]| paper(&projections.student, targets, student_temp);
        let loss = match (self.config.variant, &self.center) {
            (DinoVariant::Sinkhorn { iterations }, _) => {
                paper(&balanced(teacher, teacher_temp, iterations))
            }
            (_, Some(center)) => paper(&centered(teacher, center, teacher_temp)),
            (_, None) => seed(projections, student_temp, teacher_temp),
        };
        let Some(weight) = self.config.koleo else { return loss };
        let kind = loss.kind();
        let views = projections.features.iter().map(|view| koleo(&view.to_kind(kind)));
        loss + Tensor::stack(&views.collect::<Vec<_>>(), 0).sum(kind) * weight
    }

    fn update_state(&mut self, projections: &Projections) {
        if let (Some(center), DinoVariant::Paper { center_momentum }) =
            (&mut self.center, self.config.variant)
        {
            let mean = Tensor::cat(&projections.teacher, 0).mean_dim(
                [0i64].as_slice(),
                true,
                center.kind(),
            );
            let _ = center.lerp_(&mean, 1.0 - center_momentum);
        }
    }

    fn teacher_momentum(&self) -> Option<Schedule> {
        Some(self.config.teacher_momentum)
    }

    fn graph_capture(&self) -> GraphCapture {
        GraphCapture::Now
    }

    fn accepted_views(&self) -> AcceptedViews {
        match self.config.variant {
            DinoVariant::Seed => AcceptedViews::PAIR,
            DinoVariant::Paper { .. } | DinoVariant::Sinkhorn { .. } => AcceptedViews::ANY,
        }
    }
}

/// # Shapes
/// two views `[B, d]` of student and teacher -> scalar
fn seed(projections: &Projections, student_temp: f64, teacher_temp: &Tensor) -> Tensor {
    let (p1, p2) = projections.pair();
    let (m1, m2) = projections.teacher_pair();
    let (m1, m2) = (normalize(m1), normalize(m2));
    let kind = m1.kind();
    let center = Tensor::cat(&[&m1, &m2], 0).mean_dim([0i64].as_slice(), true, kind); // [1, d]
    let target = |m: &Tensor| ((m - &center) / teacher_temp).softmax(-1, kind).detach();
    let prediction = |p: &Tensor| (normalize(p) / student_temp).softmax(-1, kind);
    let first = clipped_cross_entropy(&target(&m1), &prediction(p2));
    let second = clipped_cross_entropy(&target(&m2), &prediction(p1));
    Tensor::cat(&[first, second], 0).mean(kind)
}

/// The loss of the paper: cross-entropy between teacher and student, over pairs of views.
///
/// Both networks turn a view into a distribution over `K` prototypes, a softmax of `[B, K]`. The
/// student sees every view, the teacher the global ones only, and each student view is trained
/// to predict the teacher's distribution of another view: local crops learn what the whole image
/// shows. Without negatives, both could agree on one constant distribution. Two operations on the
/// teacher prevent this, and balance each other. Subtracting the center `[1, K]`, a moving average
/// of its outputs, keeps any one prototype from winning everywhere; the low teacher temperature
/// sharpens the distribution, which keeps it from becoming uniform.
///
/// # Shapes
/// any number of views `[B, K]` of the student, `targets` of the global ones -> scalar
pub(crate) fn paper(student: &[Tensor], targets: &[Tensor], student_temp: f64) -> Tensor {
    let mut losses = Vec::new();
    for (global, target) in targets.iter().enumerate() {
        for (view, student) in student.iter().enumerate() {
            if view != global {
                losses.push(soft_cross_entropy(target, &(student / student_temp)));
            }
        }
    }
    Tensor::stack(&losses, 0).mean(targets[0].kind())
}

/// Targets of the paper: teacher's projections, centered and sharpened.
///
/// # Shapes
/// views `[B, K]`, `center` `[1, K]` -> as many `[B, K]`
pub(crate) fn centered(teacher: &[Tensor], center: &Tensor, teacher_temp: &Tensor) -> Vec<Tensor> {
    let kind = center.kind();
    let target = |view: &Tensor| ((view - center) / teacher_temp).softmax(-1, kind).detach();
    teacher.iter().map(target).collect()
}

/// Targets that use all prototypes equally over the images of all views together.
///
/// # Shapes
/// views `[B, K]` -> as many `[B, K]`
pub(crate) fn balanced(teacher: &[Tensor], teacher_temp: &Tensor, iterations: u32) -> Vec<Tensor> {
    let images = teacher[0].size()[0];
    sinkhorn(&(Tensor::cat(teacher, 0) / teacher_temp), iterations).detach().split(images, 0)
}

#[cfg(test)]
mod tests;
