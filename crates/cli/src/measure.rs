//! A run, the set it is measured on, and the features that its encoder gives there.

use std::path::Path;

use dataset::{Dataset, Sheet};
use eval::{Features, Protocol, Report};
use models::DeviceChoice;
use serde_json::{Map, Value, json};
use trainer::{Frozen, Weights};

use crate::data;
use crate::failure::Failure;

/// Images in a forward pass.
const BATCH: usize = 256;

/// See the module.
pub struct Measurement {
    /// The encoder.
    pub frozen: Frozen,
    set: Dataset,
    place: String,
    train: Features,
    test: Features,
}

impl Measurement {
    /// Opens the run in `folder`, and the set in `data` or else the run's, and extracts features.
    pub fn open(
        folder: &Path,
        data: Option<&Path>,
        weights: Weights,
        device: DeviceChoice,
    ) -> Result<Self, Failure> {
        let frozen = Frozen::open(folder, weights, device)?;
        let path = data.or(frozen.record.data.path.as_deref());
        let set = match path {
            Some(path) => data::open(path, frozen.record.config.image_size)?,
            None => data::built_in_of(folder, &frozen.record)?,
        };
        let place = path.map_or("the built-in set".to_owned(), |path| {
            path.display().to_string()
        });
        let of_set = |error: eval::Error| Failure::usage(format!("{place}: {error}"));
        let (train, test) = eval::labelled_splits(&set).map_err(of_set)?;
        let extract = |split, name| {
            eval::extract_labelled(split, name, frozen.side(), BATCH, &|block| {
                frozen.encode(block)
            })
        };
        let train = extract(train, "train").map_err(of_set)?;
        let test = extract(test, "test").map_err(of_set)?;
        Ok(Self {
            frozen,
            set,
            place,
            train,
            test,
        })
    }

    fn failure(&self, error: eval::Error) -> Failure {
        Failure::usage(format!("{}: {error}", self.place))
    }

    /// Measures by each of the protocols.
    pub fn reports(&self, protocols: &[Protocol]) -> Result<Vec<(&'static str, Report)>, Failure> {
        let measure = |protocol: &Protocol| {
            tracing::info!("measuring by {}", protocol.name());
            let report = eval::evaluate(protocol, &self.train, &self.test, &self.set.folds);
            Ok((
                protocol.name(),
                report.map_err(|error| self.failure(error))?,
            ))
        };
        protocols.iter().map(measure).collect()
    }

    /// What was measured, as JSON.
    pub fn document(&self, run: &Path, reports: &[(&'static str, Report)]) -> Value {
        let protocols: Map<String, Value> = reports
            .iter()
            .map(|(name, report)| {
                let value = serde_json::to_value(report).expect("a report is valid JSON");
                let mut value = value[*name].clone();
                value["accuracy"] = json!(report.accuracy());
                (name.to_string(), value)
            })
            .collect();
        let [epoch, step] = self.frozen.trained;
        json!({
            "run": run,
            "method": self.frozen.record.config.method.name(),
            "untrained": step == 0,
            "epoch": epoch,
            "step": step,
            "split": "test",
            "data": {
                "kind": self.set.kind, "fingerprint": self.set.fingerprint(),
                "class_names": self.set.class_names,
            },
            "protocols": protocols,
        })
    }

    /// A sheet of up to `rows` evenly spaced test images, one a row, each followed by its `k` nearest
    /// training images.
    pub fn neighbors(&self, rows: usize, k: usize) -> Result<Sheet, Failure> {
        let (train, test) =
            eval::labelled_splits(&self.set).map_err(|error| self.failure(error))?;
        let queries = test.evenly_spaced(rows);
        let found = eval::nearest(&self.train, &self.test, &queries, k);
        let found = found.map_err(|error| self.failure(error))?;
        let (width, height) = (
            train.width().max(test.width()),
            train.height().max(test.height()),
        );
        let mut sheet = Sheet::new(1 + k, queries.len(), width, height);
        let mut scratch = Vec::new();
        for (row, (query, nearest)) in queries.iter().zip(&found).enumerate() {
            let planes = test.image(*query).row_major(&mut scratch);
            sheet.place([0, row], planes, test.width(), test.height());
            for (column, &index) in nearest.iter().enumerate() {
                let planes = train.image(index).row_major(&mut scratch);
                sheet.place([column + 1, row], planes, train.width(), train.height());
            }
        }
        Ok(sheet)
    }
}
