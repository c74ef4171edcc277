//! Distillation: the student learns the features of a frozen teacher.

use std::path::PathBuf;

use models::{Linear, ScriptInput, ScriptNetwork};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::context::{nullable, required};
use crate::error::{at_least_1, positive, range};
use crate::queue::Queue;
use crate::similarity::normalize;
use crate::{AcceptedViews, GraphCapture, Method, MethodContext, MethodError, Projections};

/// Hyper-parameters of distillation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DistillConfig {
    /// TorchScript file of the teacher, which takes images of `image_size` and gives features
    /// `[images, size]`; `null` where it is still to be set.
    #[serde(deserialize_with = "required")]
    #[schemars(schema_with = "nullable::<PathBuf>")]
    pub teacher: Option<PathBuf>,
    /// How the teacher takes images: `"u8"` 0..=255, `"float"` 0..=1, or normalized by
    /// `"imagenet"` or `[[mean of r, g, b], [std of r, g, b]]`.
    pub teacher_input: ScriptInput,
    /// Optional: SHA-256 of the teacher's file, in hexadecimal digits. A run records it, so that it
    /// is resumed with the same teacher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teacher_sha256: Option<String>,
    /// Divides the cosine similarities; lightly-train's is 0.07.
    pub temperature: f64,
    /// Number of teacher features that similarities are to, those of the batch included.
    pub queue_size: i64,
}

/// # Reference
/// lightly-train's first form of distillation (`distillationv1`): the distribution of a feature
/// over a queue of teacher features. There is no paper.
///
/// # Differs from the source
/// There are two views or more, each with the loss of one, and the teacher's features of all enter
/// the queue. Images are not mixed up.
#[derive(Debug)]
struct Distill {
    teacher: ScriptNetwork,
    temperature: f64,
    linear: Linear,
    queue: Queue,
}

impl DistillConfig {
    pub(crate) fn build(&self, context: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
        let temperature = positive("distill.temperature", self.temperature)?;
        let queue_size = at_least_1("distill.queue_size", self.queue_size)?;
        let Some(file) = &self.teacher else {
            let expected = "a TorchScript file (--set method.distill.teacher=FILE)";
            return Err(range("distill.teacher", expected, "null"));
        };
        let (side, device) = (context.image_size, context.path.device());
        let teacher = ScriptNetwork::open(file, self.teacher_input, side, device, context.compute)
            .map_err(|error| range("distill.teacher", error.expected, error.found))?;
        let size = teacher.feature_size();
        let path = &context.path / "linear";
        let rng = context.weight_rng;
        Ok(Box::new(Distill {
            temperature,
            linear: Linear::new(&path, rng, context.dimension, size, context.compute),
            queue: Queue::zeros(context, queue_size, size),
            teacher,
        }))
    }
}

impl Method for Distill {
    fn loss(&self, projections: &Projections) -> Tensor {
        let anchors = self.queue.after(&projections.teacher.iter().collect::<Vec<_>>());
        let views = projections.student.iter().zip(&projections.teacher);
        let losses = views.map(|(student, teacher)| {
            let student = self.linear.forward(student).to_kind(teacher.kind());
            distillation(&student, teacher, &anchors, self.temperature)
        });
        let losses: Vec<Tensor> = losses.collect();
        Tensor::stack(&losses, 0).mean(anchors.kind())
    }

    fn update_state(&mut self, projections: &Projections) {
        self.queue.push(&projections.teacher.iter().collect::<Vec<_>>());
    }

    fn frozen_teacher(&self) -> Option<&ScriptNetwork> {
        Some(&self.teacher)
    }

    fn graph_capture(&self) -> GraphCapture {
        GraphCapture::Never("the teacher is a network of another program")
    }

    fn accepted_views(&self) -> AcceptedViews {
        AcceptedViews { more_global: true, local: false }
    }
}

/// The Kullback-Leibler divergence of the student's distributions from the teacher's, mean over
/// images.
///
/// A distribution of an image is the softmax of the cosine similarities of its feature with the
/// `anchors`, teacher features of this batch and of earlier ones, over the temperature. So the
/// student need not match coordinates, only what is near to what.
///
/// # Shapes
/// `student`, `teacher` `[B, d]`, `anchors` unit rows or zeros `[K, d]` -> scalar
fn distillation(student: &Tensor, teacher: &Tensor, anchors: &Tensor, temperature: f64) -> Tensor {
    let kind = student.kind();
    let log_softmax =
        |x: &Tensor| (normalize(x).matmul(&anchors.tr()) / temperature).log_softmax(-1, kind);
    let target = log_softmax(teacher).detach();
    let terms = target.exp() * (&target - log_softmax(student));
    terms.sum_dim_intlist([-1i64].as_slice(), false, kind).mean(kind)
}

#[cfg(test)]
mod tests;
