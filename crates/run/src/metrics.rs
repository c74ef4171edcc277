//! The table of metrics: what an epoch measures.
//!
//! A metric has one key, which is its name in `metrics.jsonl`, in TensorBoard, in reports and in
//! the documentation. A new one is a field of [`EpochRecord`], a constant here and an entry of
//! [`METRICS`].

use crate::EpochRecord;

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its field in [`EpochRecord`] and in `metrics.jsonl`.
    pub key: &'static str,
    /// Heading for people.
    pub title: &'static str,
    /// What its numbers count, as the label of an axis.
    pub unit: &'static str,
    /// How its numbers are written.
    pub kind: Kind,
    /// Which numbers are better.
    pub direction: Direction,
    /// The group that it is shown in.
    pub group: Group,
    /// What it is and how to read it.
    pub definition: &'static str,
    value: fn(&EpochRecord) -> Option<f64>,
}

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A share, 0 to 1; written as a percentage for people.
    Share,
    /// A number.
    Number,
    /// A number that is configured, not measured; worth a curve only where it changes.
    Setting,
}

/// Which numbers are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Higher numbers.
    Higher,
    /// Lower numbers.
    Lower,
    /// Neither as such.
    Neither,
}

/// Metrics that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The training task.
    Train,
    /// Accuracy while training: nearest neighbors and the online probe.
    Probe,
    /// The features, without labels.
    Health,
    /// Time.
    Speed,
}

impl Group {
    /// All groups, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Train, Self::Probe, Self::Health, Self::Speed];

    /// Heading for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Train => "Training",
            Self::Probe => "Accuracy",
            Self::Health => "Health",
            Self::Speed => "Speed",
        }
    }

    /// The first part of TensorBoard tags.
    fn tag(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Probe => "probe",
            Self::Health => "health",
            Self::Speed => "speed",
        }
    }

    /// Its metrics, in order.
    pub fn metrics(self) -> impl Iterator<Item = &'static Metric> {
        METRICS.iter().filter(move |metric| metric.group == self)
    }
}

impl Metric {
    /// Its number in an epoch; `None` where it was not measured or is not finite.
    pub fn of(&self, epoch: &EpochRecord) -> Option<f64> {
        self.raw(epoch).filter(|value| value.is_finite())
    }

    /// Its number in an epoch, finite or not; `None` where it was not measured.
    pub fn raw(&self, epoch: &EpochRecord) -> Option<f64> {
        (self.value)(epoch)
    }

    /// Its tag in TensorBoard: group and key, such as `health/effective_rank`.
    pub fn tag(&self) -> String {
        format!("{}/{}", self.group.tag(), self.key)
    }
}

/// Every metric, in the order in which they are shown.
pub static METRICS: &[Metric] = &[
    LOSS,
    CONTRASTIVE_ACC,
    CORRELATION_ACC,
    GRADIENT_NORM,
    LR,
    TEACHER_MOMENTUM,
    VAL_KNN_ACC,
    TEST_PROBE_ACC,
    VAL_PROBE_ACC,
    PROBE_ACC,
    TEST_PROBE_LOSS,
    VAL_PROBE_LOSS,
    PROBE_LOSS,
    FEATURE_STD,
    EFFECTIVE_RANK,
    ALIGNMENT,
    UNIFORMITY,
    PROJECTION_STD,
    PROJECTION_RANK,
    DEAD_FEATURES,
    TEACHER_DISTANCE,
    IMAGES_PER_SEC,
    DATA_WAIT,
    EVAL_SECS,
];

/// Loss of the method.
pub const LOSS: Metric = Metric {
    key: "loss",
    title: "Loss",
    unit: "mean over the steps of an epoch",
    kind: Kind::Number,
    direction: Direction::Lower,
    group: Group::Train,
    definition: "What training minimizes. Losses of different methods are different things: \
                 compare them within a method.",
    value: |epoch| Some(epoch.loss),
};

/// Contrastive accuracy.
pub const CONTRASTIVE_ACC: Metric = Metric {
    key: "contrastive_acc",
    title: "Contrastive accuracy",
    unit: "% of views nearest to their other view",
    kind: Kind::Share,
    direction: Direction::Higher,
    group: Group::Train,
    definition: "Share of training views whose features are nearer, by cosine, to those of the \
                 same image’s other view than to any other image’s in the batch. Smaller batches \
                 make it easier.",
    value: |epoch| Some(epoch.contrastive_acc),
};

/// Correlation accuracy.
pub const CORRELATION_ACC: Metric = Metric {
    key: "correlation_acc",
    title: "Correlation accuracy",
    unit: "% of rows and columns of the cross-correlation",
    kind: Kind::Share,
    direction: Direction::Higher,
    group: Group::Train,
    definition: "Share of feature dimensions that correlate most with themselves in the other \
                 view, over the rows and the columns of the cross-correlation matrix. High where \
                 each dimension carries something of its own.",
    value: |epoch| Some(epoch.correlation_acc),
};

/// Norm of the gradient.
pub const GRADIENT_NORM: Metric = Metric {
    key: "gradient_norm",
    title: "Gradient norm",
    unit: "mean over the steps of an epoch",
    kind: Kind::Number,
    direction: Direction::Neither,
    group: Group::Train,
    definition: "Global l2 norm of the gradient, before clipping. A norm that grows without end \
                 announces divergence.",
    value: |epoch| Some(epoch.gradient_norm),
};

/// Learning rate.
pub const LR: Metric = Metric {
    key: "lr",
    title: "Learning rate",
    unit: "in the last step of an epoch",
    kind: Kind::Setting,
    direction: Direction::Neither,
    group: Group::Train,
    definition: "The learning rate of the optimizer.",
    value: |epoch| Some(epoch.lr),
};

/// Teacher momentum.
pub const TEACHER_MOMENTUM: Metric = Metric {
    key: "teacher_momentum",
    title: "Teacher momentum",
    unit: "in the last step of an epoch",
    kind: Kind::Setting,
    direction: Direction::Neither,
    group: Group::Train,
    definition: "EMA decay of the teacher’s weights: higher, and the teacher follows the student \
                 more slowly.",
    value: |epoch| epoch.teacher_momentum,
};

/// Accuracy of nearest neighbors on labeled images that are not the test split's.
pub const VAL_KNN_ACC: Metric = Metric {
    key: "val_knn_acc",
    title: "kNN accuracy, validation",
    unit: "% of labeled images",
    kind: Kind::Share,
    direction: Direction::Higher,
    group: Group::Probe,
    definition: "Share of labeled images whose class the nearest other labeled images vote for \
                 (20 of them, or half as many as a class has; weights exp(cosine / 0.07) of the \
                 frozen features). The queries are the images \
                 held out from training, or, with fewer than 500 of these, each labeled training \
                 image in turn (leave-one-out). It needs no training of its own, so that it says \
                 sooner than the probe how good the features are. Measured after the last epoch \
                 and after as many others as take about 5% of the training time. The test split \
                 is not read.",
    value: |epoch| epoch.val_knn_acc,
};

/// Probe accuracy on the test split.
pub const TEST_PROBE_ACC: Metric = Metric {
    key: "test_probe_acc",
    title: "Probe accuracy",
    unit: "% of test images",
    kind: Kind::Share,
    direction: Direction::Higher,
    group: Group::Probe,
    definition: "Share of test images that the online linear probe gets right. Nothing is chosen \
                 by it.",
    value: |epoch| epoch.test_probe_acc,
};

/// Probe accuracy on held-out training images.
pub const VAL_PROBE_ACC: Metric = Metric {
    key: "val_probe_acc",
    title: "Probe accuracy, validation",
    unit: "% of labeled images held out",
    kind: Kind::Share,
    direction: Direction::Higher,
    group: Group::Probe,
    definition: "The same on labeled images that training does not see (checkpoint.best); the \
                 best epoch is chosen by it.",
    value: |epoch| epoch.val_probe_acc,
};

/// Probe accuracy on training images.
pub const PROBE_ACC: Metric = Metric {
    key: "probe_acc",
    title: "Probe accuracy, training",
    unit: "% of weakly augmented training images",
    kind: Kind::Share,
    direction: Direction::Higher,
    group: Group::Probe,
    definition: "The same on the weakly augmented images that the probe trains on.",
    value: |epoch| epoch.probe_acc,
};

/// Probe loss on the test split.
pub const TEST_PROBE_LOSS: Metric = Metric {
    key: "test_probe_loss",
    title: "Probe loss",
    unit: "mean over test images",
    kind: Kind::Number,
    direction: Direction::Lower,
    group: Group::Probe,
    definition: "Cross-entropy of the online linear probe on the test split.",
    value: |epoch| epoch.test_probe_loss,
};

/// Probe loss on held-out training images.
pub const VAL_PROBE_LOSS: Metric = Metric {
    key: "val_probe_loss",
    title: "Probe loss, validation",
    unit: "mean over labeled images held out",
    kind: Kind::Number,
    direction: Direction::Lower,
    group: Group::Probe,
    definition: "The same on labeled images that training does not see.",
    value: |epoch| epoch.val_probe_loss,
};

/// Probe loss on training images.
pub const PROBE_LOSS: Metric = Metric {
    key: "probe_loss",
    title: "Probe loss, training",
    unit: "mean over weakly augmented training images",
    kind: Kind::Number,
    direction: Direction::Lower,
    group: Group::Probe,
    definition: "The same on the weakly augmented images that the probe trains on.",
    value: |epoch| epoch.probe_loss,
};

/// Standard deviation of the features.
pub const FEATURE_STD: Metric = Metric {
    key: "feature_std",
    title: "Feature std",
    unit: "of unit-length features over images",
    kind: Kind::Number,
    direction: Direction::Neither,
    group: Group::Health,
    definition: "Standard deviation of the l2-normalized features over a fixed sample, averaged \
                 over dimensions. Near 0 all images look the same to the encoder: it has collapsed.",
    value: |epoch| Some(epoch.health.feature_std),
};

/// Effective rank of the features.
pub const EFFECTIVE_RANK: Metric = Metric {
    key: "effective_rank",
    title: "Effective rank",
    unit: "directions that the features use",
    kind: Kind::Number,
    direction: Direction::Neither,
    group: Group::Health,
    definition: "How many directions the features of a fixed sample use: the exponential of the \
                 entropy of the singular values’ shares (RankMe, arXiv 2210.02885). Near 1 the \
                 encoder has collapsed. It compares runs of one method, not methods.",
    value: |epoch| Some(epoch.health.effective_rank),
};

/// Alignment.
pub const ALIGNMENT: Metric = Metric {
    key: "alignment",
    title: "Alignment",
    unit: "squared distance of an image’s two views",
    kind: Kind::Number,
    direction: Direction::Neither,
    group: Group::Health,
    definition: "Mean squared distance of the unit-length features of two views of an image, 0 to \
                 4 (arXiv 2005.10242). Small is aligned; 0 is also what a collapsed encoder has.",
    value: |epoch| Some(epoch.health.alignment),
};

/// Uniformity.
pub const UNIFORMITY: Metric = Metric {
    key: "uniformity",
    title: "Uniformity",
    unit: "lower is more evenly spread",
    kind: Kind::Number,
    direction: Direction::Neither,
    group: Group::Health,
    definition: "Logarithm of the mean of exp(−2 d²) over pairs of images, d the distance of their \
                 unit-length features (arXiv 2005.10242). 0 where all are alike, about −4 where \
                 they are spread evenly.",
    value: |epoch| Some(epoch.health.uniformity),
};

/// Standard deviation of the projections.
pub const PROJECTION_STD: Metric = Metric {
    key: "projection_std",
    title: "Projection std",
    unit: "of unit-length projections over images",
    kind: Kind::Number,
    direction: Direction::Neither,
    group: Group::Health,
    definition: "As feature std, of the student’s projections, which the loss reads.",
    value: |epoch| Some(epoch.health.projection_std),
};

/// Effective rank of the projections.
pub const PROJECTION_RANK: Metric = Metric {
    key: "projection_rank",
    title: "Projection rank",
    unit: "directions that the projections use",
    kind: Kind::Number,
    direction: Direction::Neither,
    group: Group::Health,
    definition: "As effective rank, of the student’s projections; the collapse of a clustering \
                 method shows here first.",
    value: |epoch| Some(epoch.health.projection_rank),
};

/// Dead features.
pub const DEAD_FEATURES: Metric = Metric {
    key: "dead_features",
    title: "Dead features",
    unit: "% of features that are 0 for every image",
    kind: Kind::Share,
    direction: Direction::Lower,
    group: Group::Health,
    definition: "Share of the features that are 0 for every image of a fixed sample.",
    value: |epoch| Some(epoch.health.dead_features),
};

/// Distance of the teacher from the student.
pub const TEACHER_DISTANCE: Metric = Metric {
    key: "teacher_distance",
    title: "Teacher distance",
    unit: "of its weights, relative to the student’s",
    kind: Kind::Number,
    direction: Direction::Neither,
    group: Group::Health,
    definition: "l2 norm of the difference of teacher’s and student’s weights over the norm of the \
                 student’s.",
    value: |epoch| epoch.health.teacher_distance,
};

/// Throughput.
pub const IMAGES_PER_SEC: Metric = Metric {
    key: "images_per_sec",
    title: "Images/s",
    unit: "while training",
    kind: Kind::Number,
    direction: Direction::Higher,
    group: Group::Speed,
    definition: "Images that training went through per second, labeled ones included.",
    value: |epoch| Some(epoch.images_per_sec),
};

/// Time spent waiting for data.
pub const DATA_WAIT: Metric = Metric {
    key: "data_wait",
    title: "Data wait",
    unit: "% of training time spent waiting for views",
    kind: Kind::Share,
    direction: Direction::Lower,
    group: Group::Speed,
    definition: "Share of training time spent waiting for views. Above a few percent, more workers \
                 (train.workers) make training faster.",
    value: |epoch| Some(epoch.data_wait),
};

/// Time of measuring after an epoch.
pub const EVAL_SECS: Metric = Metric {
    key: "eval_secs",
    title: "Measuring",
    unit: "seconds after each epoch",
    kind: Kind::Number,
    direction: Direction::Lower,
    group: Group::Speed,
    definition: "Time of the measures after an epoch: the probe on held-out and test images, \
                 nearest neighbors, and health.",
    value: |epoch| Some(epoch.eval_secs),
};

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// An epoch with `key` alone.
    fn epoch(key: &str) -> EpochRecord {
        let mut line: Value = json!({"epoch": 1, "step": 1});
        line[key] = json!(0.5);
        serde_json::from_value(line).unwrap()
    }

    #[test]
    fn a_key_is_the_name_of_its_field() {
        for metric in METRICS {
            for other in METRICS {
                let expected = (metric.key == other.key).then_some(0.5);
                assert_eq!(metric.of(&epoch(other.key)), expected, "{}", metric.key);
            }
        }
    }

    #[test]
    fn what_was_measured_and_is_not_finite_is_told_apart() {
        let epoch = epoch("lr");
        assert!(LOSS.raw(&epoch).unwrap().is_nan() && LOSS.of(&epoch).is_none());
        assert_eq!(TEACHER_MOMENTUM.raw(&epoch), None);
    }

    #[test]
    fn groups_hold_every_metric_in_order() {
        let keys = |metrics: Vec<&Metric>| -> Vec<&str> {
            metrics.into_iter().map(|metric| metric.key).collect()
        };
        let grouped = Group::ALL.into_iter().flat_map(Group::metrics);
        assert_eq!(keys(grouped.collect()), keys(METRICS.iter().collect()));
    }

    #[test]
    fn tags_are_group_and_key() {
        assert_eq!(VAL_PROBE_ACC.tag(), "probe/val_probe_acc");
        assert_eq!(GRADIENT_NORM.tag(), "train/gradient_norm");
    }
}
