//! Evaluation protocols: how a labeled data set measures a trained encoder.

mod c_choice;
mod cross_validation;
mod data;
mod finetune;
mod grid;
mod knn;
mod label_predictor;
mod linear;
mod linear_settings;
mod linear_sgd;
mod linear_sweep;
mod report;
mod settings;

use serde::{Deserialize, Serialize};

pub use self::c_choice::CScore;
pub use self::cross_validation::CrossValidation;
pub use self::data::{EncodedImages, LabeledData, LabeledFeatures};
pub use self::grid::GridEdge;
pub use self::knn::KnnReport;
pub use self::label_predictor::{Calibration, LabelPredictor, Prediction};
pub use self::linear::LinearReport;
pub use self::linear_settings::LinearSettings;
pub use self::report::{ProtocolResult, RateScore, Report, SgdReport};
pub use self::settings::ClassifierSettings;

use self::grid::best_of;
use crate::classifiers::few_shot::{self, FewShotScores, FewShotSettings, SubsetScore};
use crate::on_progress::OnProgress;
use crate::{Error, KnnSettings, Result};

/// The `C` of logistic regression with one image a class: no image is left to choose it by.
pub const SINGLE_LABEL_C: f64 = 1.0;

/// A way to measure a frozen encoder by labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Protocol {
    /// Multinomial logistic regression on standardized features.
    Linear(LinearSettings),
    /// Weighted nearest neighbors by cosine.
    Knn(KnnSettings),
    /// A linear classifier trained by SGD on features of augmented images.
    Sgd(ClassifierSettings),
    /// A copy of the encoder trained by SGD together with a linear classifier.
    Finetune(ClassifierSettings),
}

impl Protocol {
    /// The names of all protocols, as [`named`](Self::named) knows them.
    pub const NAMES: [&'static str; 4] = ["linear", "knn", "sgd", "finetune"];

    /// The protocol of that name with its default settings.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "linear" => Some(Self::Linear(LinearSettings::default())),
            "knn" => Some(Self::Knn(KnnSettings::default())),
            "sgd" => Some(Self::Sgd(ClassifierSettings::linear())),
            "finetune" => Some(Self::Finetune(ClassifierSettings::finetune())),
            _ => None,
        }
    }

    /// The protocols that take seconds, with their default settings: `linear` and `knn`.
    pub fn quick() -> [Self; 2] {
        [Self::Linear(LinearSettings::default()), Self::Knn(KnnSettings::default())]
    }

    /// The protocol's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linear(_) => "linear",
            Self::Knn(_) => "knn",
            Self::Sgd(_) => "sgd",
            Self::Finetune(_) => "finetune",
        }
    }

    /// Whether it trains on augmented views, so that it needs images besides features, and hours.
    pub fn trains_on_views(&self) -> bool {
        matches!(self, Self::Sgd(_) | Self::Finetune(_))
    }

    /// The score of what learns from the images at `rows` of train; all of them have `classes`.
    fn on_subset(
        &self,
        data: &LabeledData<'_>,
        rows: &[u32],
        classes: usize,
        on_progress: OnProgress<'_>,
    ) -> Result<SubsetScore> {
        let (train, test) = (data.train.select(rows)?, data.scored(rows)?);
        let report = match self {
            Self::Linear(settings) => return linear::on_subset(&train, &test, classes, settings),
            Self::Knn(settings) => return knn::on_subset(&train, &test, classes, settings),
            Self::Sgd(settings) => {
                let images = data.images(self)?;
                let split = images.train.select(rows);
                let features = [&train, data.test(self)?];
                linear_sgd::evaluate(images.encoder, &split, features, settings, on_progress)?
            }
            Self::Finetune(settings) => {
                let EncodedImages { encoder, train, test } = data.images(self)?;
                let test = test.ok_or(Error::NeedsTest { protocol: self.name() })?;
                finetune::evaluate(encoder, &train.select(rows), test, settings, on_progress)?
            }
        };
        Ok(SubsetScore { accuracy: report.test.accuracy, chosen: Some(report.lr), converged: true })
    }
}

/// Evaluates by one protocol: learns from the training images only, scores the test images once.
/// Without test images, each of several folds of train is scored by what learns from the others.
///
/// # Errors
/// Where `train` or `test` is empty, their features differ in number, a setting is out of range, a
/// fold names an image that is not there, or the labels leave nothing to learn or to score.
/// [`Error::NeedsImages`] where the protocol trains on views and `data` has features alone, and
/// [`Error::NeedsTest`] where it has no test images.
/// [`Error::Interrupted`] where `on_progress` breaks, which only these protocols call.
pub fn evaluate(
    protocol: &Protocol,
    data: &LabeledData<'_>,
    on_progress: OnProgress<'_>,
) -> Result<Report> {
    let LabeledData { train, folds, .. } = *data;
    let classes = data.check()?;
    if !protocol.trains_on_views() && folds.iter().any(Vec::is_empty) {
        return Err(Error::Empty { split: "fold" });
    }
    match (protocol, data.test) {
        (Protocol::Linear(settings), Some(test)) => {
            linear::evaluate(train, test, folds, classes, settings).map(Report::Linear)
        }
        (Protocol::Linear(settings), None) => {
            linear::evaluate_by_folds(train, classes, settings).map(Report::Linear)
        }
        (Protocol::Knn(settings), Some(test)) => {
            knn::evaluate(train, test, folds, classes, settings).map(Report::Knn)
        }
        (Protocol::Knn(settings), None) => {
            knn::evaluate_by_folds(train, classes, settings).map(Report::Knn)
        }
        (Protocol::Sgd(settings), _) => {
            let images = data.images(protocol)?;
            let features = [train, data.test(protocol)?];
            linear_sgd::evaluate(images.encoder, images.train, features, settings, on_progress)
                .map(Report::Sgd)
        }
        (Protocol::Finetune(settings), _) => {
            let EncodedImages { encoder, train, test } = data.images(protocol)?;
            let test = test.ok_or(Error::NeedsTest { protocol: protocol.name() })?;
            finetune::evaluate(encoder, train, test, settings, on_progress).map(Report::Finetune)
        }
    }
}

/// Evaluates by one protocol that learns from a few images of every class, and scores all test
/// images or, without such, all other training images.
///
/// # Errors
/// Those of [`evaluate`] and of [`FewShotSettings::check`].
pub fn few_labels(
    protocol: &Protocol,
    data: &LabeledData<'_>,
    settings: &FewShotSettings,
    on_progress: OnProgress<'_>,
) -> Result<Vec<FewShotScores>> {
    let classes = data.check()?;
    few_shot::subset_scores(&data.train.label_vec(), settings, |rows| {
        protocol.on_subset(data, rows, classes, on_progress)
    })
}

impl ProtocolResult {
    /// Evaluates by `protocol` with all training images and, where asked for, with few.
    ///
    /// # Errors
    /// Those of [`evaluate`] and [`few_labels`].
    pub fn measure(
        protocol: &Protocol,
        data: &LabeledData<'_>,
        few: Option<&FewShotSettings>,
        on_progress: OnProgress<'_>,
    ) -> Result<Self> {
        let few = few.map(|few| few_labels(protocol, data, few, on_progress)).transpose();
        Ok(Self {
            protocol: protocol.clone(),
            report: evaluate(protocol, data, on_progress)?,
            few_labels: few?.unwrap_or_default(),
        })
    }
}
