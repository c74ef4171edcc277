//! Settings of the protocols that train by gradient steps.

use augment::{CropSampling, HorizontalFlip, RandomResizedCrop, Recipe, Transform};
use dataset::TrainValSplit;
use serde::{Deserialize, Serialize};

use crate::RateScore;

/// How to train classifiers by gradient steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierSettings {
    /// Passes over the training images.
    pub epochs: u32,
    /// More passes where these steps would not be reached: few images make few steps.
    pub least_steps: u64,
    /// Images a step.
    pub batch_size: usize,
    /// Learning rates to choose from, ascending; each falls along a cosine to 0.
    pub lrs: Vec<f64>,
    /// The one that is taken where no class has an image to spare for validation.
    pub single_label_lr: f64,
    /// Smallest and largest share of an image's area that a crop has.
    pub crop_area: [f64; 2],
    /// Share of every class to validate on.
    pub validation_share: f64,
    /// Decides which images are validated on, their order, and how they are cropped.
    pub seed: u64,
}

impl ClassifierSettings {
    /// For a linear classifier on a frozen encoder.
    pub fn linear() -> Self {
        Self {
            epochs: 100,
            least_steps: 500,
            batch_size: 256,
            lrs: vec![0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0],
            single_label_lr: 0.03,
            crop_area: [0.08, 1.0],
            validation_share: 0.2,
            seed: 0,
        }
    }

    /// For a whole network that is trained on.
    pub fn finetune() -> Self {
        Self {
            epochs: 30,
            least_steps: 200,
            batch_size: 128,
            lrs: vec![0.003, 0.01, 0.03, 0.1],
            single_label_lr: 0.01,
            ..Self::linear()
        }
    }

    /// These with exactly so many passes over the training images.
    pub fn with_epochs(self, epochs: u32) -> Self {
        Self { epochs, least_steps: 0, ..self }
    }

    /// Crops and flips to `side` pixels.
    pub(crate) fn recipe(&self, side: usize) -> Recipe {
        let crop = RandomResizedCrop {
            scale: self.crop_area,
            ratio: [3.0 / 4.0, 4.0 / 3.0],
            sampling: CropSampling::Retry,
        };
        Recipe {
            size: side,
            transforms: vec![
                Transform::HorizontalFlip(HorizontalFlip { p: 0.5 }),
                Transform::RandomResizedCrop(crop),
            ],
        }
    }

    /// The rates to choose from, where there are images to choose by, else the one to take.
    pub(crate) fn rates(&self, held_out: &TrainValSplit) -> &[f64] {
        match held_out.validation.len() {
            0 => std::slice::from_ref(&self.single_label_lr),
            _ => &self.lrs,
        }
    }

    /// Epochs, and steps in all, for so many images.
    pub(crate) fn length(&self, images: usize) -> (u32, u64) {
        let an_epoch = images.div_ceil(self.batch_size.max(1)).max(1) as u64;
        let least = self.least_steps.div_ceil(an_epoch);
        let epochs = u64::from(self.epochs).max(least);
        (epochs as u32, epochs * an_epoch)
    }
}

/// The rates with their accuracies.
pub(crate) fn scored(rates: &[f64], accuracies: &[f64]) -> Vec<RateScore> {
    let pairs = rates.iter().zip(accuracies);
    pairs.map(|(&lr, &accuracy)| RateScore { lr, accuracy }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_images_are_seen_more_often() {
        let settings = ClassifierSettings::linear();
        assert_eq!(settings.length(5000), (100, 2000));
        assert_eq!(settings.length(10), (500, 500));
        assert_eq!(settings.length(300), (250, 500));
        assert_eq!(settings.recipe(96).validate(), Ok(()));
        assert_eq!(settings.with_epochs(3).length(300), (3, 6));
    }
}
