//! The curves of a run: what each is called, how it is drawn and what it means.

use crate::Epoch;
use crate::figure::Scale;
use crate::series::Value;

/// One measure by epoch.
#[derive(Clone, Copy, Debug)]
pub struct Panel {
    /// Name of the measure, as in `metrics.jsonl`.
    pub key: &'static str,
    /// The heading.
    pub title: &'static str,
    /// What the vertical axis counts, on a line.
    pub unit: &'static str,
    /// What it is and how to read it.
    pub definition: &'static str,
    /// How its numbers are written.
    pub scale: Scale,
    /// Whether it is a setting, which is worth a curve only where it changes.
    pub setting: bool,
    /// Its number in an epoch.
    pub value: Value,
}

/// Panels that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// The heading.
    pub heading: &'static str,
    /// In order.
    pub panels: &'static [Panel],
}

const fn panel(
    [key, title, unit, definition]: [&'static str; 4],
    scale: Scale,
    value: fn(&Epoch) -> Option<f64>,
) -> Panel {
    Panel { key, title, unit, definition, scale, setting: false, value }
}

const fn setting(text: [&'static str; 4], value: fn(&Epoch) -> Option<f64>) -> Panel {
    Panel { setting: true, ..panel(text, Scale::Plain, value) }
}

/// All panels, in order.
pub static GROUPS: [Group; 3] = [
    Group { heading: "Training", panels: &TRAINING },
    Group { heading: "Health", panels: &HEALTH },
    Group { heading: "Speed", panels: &SPEED },
];

const TRAINING: [Panel; 9] = [
    panel(
        [
            "loss",
            "Loss",
            "mean over the steps of an epoch",
            "What training makes small. Losses of different methods are different things: compare them within a method.",
        ],
        Scale::Plain,
        |epoch| epoch.loss,
    ),
    panel(
        [
            "test_p_acc",
            "Probe accuracy",
            "% of test images",
            "Share of test images that the online linear probe gets right. Nothing is chosen by it.",
        ],
        Scale::Percent,
        |epoch| epoch.test_p_acc,
    ),
    panel(
        [
            "validation_p_acc",
            "Probe accuracy, held out",
            "% of labeled images held out",
            "The same on labeled images that training does not see; the best epoch is chosen by it.",
        ],
        Scale::Percent,
        |epoch| epoch.validation_p_acc,
    ),
    panel(
        [
            "p_acc",
            "Probe accuracy, training",
            "% of weakly augmented training images",
            "The same on the images that the probe trains on.",
        ],
        Scale::Percent,
        |epoch| epoch.p_acc,
    ),
    panel(
        [
            "c_acc",
            "Contrastive accuracy",
            "% of views nearest to their other view",
            "Share of training views whose features are nearer, by cosine, to those of the same image’s other view than \
             to any other image’s in the batch. Smaller batches make it easier.",
        ],
        Scale::Percent,
        |epoch| epoch.c_acc,
    ),
    panel(
        [
            "r_acc",
            "Correlation accuracy",
            "% of features",
            "Share of feature dimensions that correlate most with themselves in the other view.",
        ],
        Scale::Percent,
        |epoch| epoch.r_acc,
    ),
    panel(
        [
            "gradient_norm",
            "Gradient norm",
            "mean length over the steps of an epoch",
            "A length that grows without end announces divergence.",
        ],
        Scale::Plain,
        |epoch| epoch.gradient_norm,
    ),
    setting(
        [
            "lr",
            "Learning rate",
            "step size",
            "The step size of the optimizer, where it changes over training.",
        ],
        |epoch| epoch.lr,
    ),
    setting(
        [
            "teacher_momentum",
            "Teacher momentum",
            "share of the teacher that a step keeps",
            "How slowly the teacher follows the student, where that changes over training.",
        ],
        |epoch| epoch.teacher_momentum,
    ),
];

const HEALTH: [Panel; 8] = [
    panel(
        [
            "feature_std",
            "Feature std",
            "of unit-length features over images",
            "Standard deviation of the l2-normalized features over a fixed sample, averaged over dimensions. Near 0 all \
             images look the same to the encoder: it has collapsed.",
        ],
        Scale::Plain,
        |epoch| epoch.feature_std,
    ),
    panel(
        [
            "effective_rank",
            "Effective rank",
            "directions that the features use",
            "The exponential of the entropy of the singular values’ shares (RankMe). Near 1 the encoder has collapsed. It \
             compares runs of one method, not methods.",
        ],
        Scale::Plain,
        |epoch| epoch.effective_rank,
    ),
    panel(
        [
            "alignment",
            "Alignment",
            "squared distance of an image’s two views",
            "Mean squared distance of the unit-length features of two views of an image, 0 to 4. Small is aligned; 0 is \
             also what a collapsed encoder has.",
        ],
        Scale::Plain,
        |epoch| epoch.alignment,
    ),
    panel(
        [
            "uniformity",
            "Uniformity",
            "lower is more evenly spread",
            "Logarithm of the mean of exp(−2 d²) over pairs of images, d the distance of their unit-length features. 0 \
             where all are alike, about −4 where they are spread evenly.",
        ],
        Scale::Plain,
        |epoch| epoch.uniformity,
    ),
    panel(
        [
            "projection_std",
            "Projection std",
            "of unit-length projections over images",
            "As feature std, of the projections that the loss reads.",
        ],
        Scale::Plain,
        |epoch| epoch.projection_std,
    ),
    panel(
        [
            "projection_rank",
            "Projection rank",
            "directions that the projections use",
            "As effective rank, of the projections; the collapse of a clustering method shows here first.",
        ],
        Scale::Plain,
        |epoch| epoch.projection_rank,
    ),
    panel(
        [
            "dead_features",
            "Dead features",
            "% of features that are 0 for every image",
            "Features that say nothing about any image of the sample.",
        ],
        Scale::Percent,
        |epoch| epoch.dead_features,
    ),
    panel(
        [
            "teacher_distance",
            "Teacher distance",
            "of its weights, relative to the student’s",
            "Length of the difference of teacher and student over the length of the student’s weights.",
        ],
        Scale::Plain,
        |epoch| epoch.teacher_distance,
    ),
];

const SPEED: [Panel; 3] = [
    panel(
        [
            "images_per_sec",
            "Throughput",
            "images a second while training",
            "Images that training went through in a second, labeled ones included.",
        ],
        Scale::Plain,
        |epoch| epoch.images_per_sec,
    ),
    panel(
        [
            "data_wait",
            "Data wait",
            "% of training time spent waiting for views",
            "Where it is more than a few percent, more workers (train.workers) would make training faster.",
        ],
        Scale::Percent,
        |epoch| epoch.data_wait,
    ),
    panel(
        [
            "eval_secs",
            "Measuring",
            "seconds after each epoch",
            "Time of the measures after an epoch, beside its training.",
        ],
        Scale::Plain,
        |epoch| epoch.eval_secs,
    ),
];

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// An epoch with `key` alone.
    fn epoch(key: &str) -> Epoch {
        let mut line: Value = json!({"epoch": 1, "step": 1});
        line[key] = json!(0.5);
        serde_json::from_value(line).unwrap()
    }

    #[test]
    fn a_key_is_the_name_of_its_measure() {
        let panels: Vec<Panel> = GROUPS.iter().flat_map(|group| group.panels).copied().collect();
        for panel in &panels {
            for other in &panels {
                let expected = (panel.key == other.key).then_some(0.5);
                assert_eq!((panel.value)(&epoch(other.key)), expected, "{}", panel.key);
            }
        }
    }
}
