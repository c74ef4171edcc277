//! Is training well? Measures without labels on a fixed sample.

use loader::ViewBlock;
use models::ToTensor;
use run::Health;
use tch::{Tensor, no_grad};

use crate::Learner;

/// Images of the sample: a fraction of a step's work, and more than features have directions.
pub(crate) const SAMPLE: usize = 256;

/// The health metrics of `learner` on `sample`.
pub(crate) fn measure(learner: &Learner, sample: &ViewBlock, to_tensor: &ToTensor) -> Health {
    no_grad(|| {
        let (counts, side) = ([sample.images, sample.views], [sample.height, sample.width]);
        let images = to_tensor.images(&sample.bytes, counts, side);
        let features = learner.eval_networks().features(&images);
        let own = match &learner.teacher {
            Some(_) => learner.student.features(&images),
            None => features.shallow_clone(),
        };
        let projections = learner.student.project(&own, sample.images as i64);
        let projections = Tensor::cat(&projections, 0);
        let views = features.split(sample.images as i64, 0);
        Health {
            feature_std: metrics::feature_std(&features),
            effective_rank: metrics::effective_rank(&features),
            projection_std: metrics::feature_std(&projections),
            projection_rank: metrics::effective_rank(&projections),
            alignment: metrics::alignment(&views[0], &views[1]),
            uniformity: metrics::uniformity(&views[0]),
            dead_features: metrics::dead_features(&features),
            teacher_distance: learner.teacher_distance(),
        }
    })
}
