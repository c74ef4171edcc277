//! Lists and opens data sets, with a progress bar; the default data set.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dataset::{
    Dataset, FileSurvey, FolderLabels, JobProgress, ListedDataset, OpenOptions, Store, StoreChoice,
    SyntheticSpec,
};
use run::DataSource;
use trainer::RunRecord;

use crate::app::failure::Failure;
use crate::app::job_progress::JobDisplay;
use crate::app::stop_flag::{self, Listening};

/// The default data set.
const DEFAULT: &str = "data/stl10_binary";

/// The built-in synthetic set.
const BUILT_IN: SyntheticSpec =
    SyntheticSpec { unlabeled: 8_000, train: 2_000, test: 2_000, size: 96, seed: 0 };

/// Shows the progress of opening or writing a set, until `stop` is set.
pub fn bar(stop: &Arc<AtomicBool>) -> impl Fn(JobProgress) -> ControlFlow<()> + Sync + use<> {
    let (display, stop) = (JobDisplay::new(), stop.clone());
    move |progress: JobProgress| {
        if stop.load(Ordering::Relaxed) {
            return ControlFlow::Break(());
        }
        display.show(progress);
        ControlFlow::Continue(())
    }
}

/// A data set that was found and counted: what can be wrong is checked against its
/// [`outline`](Self::outline) before minutes are spent on decoding images.
pub struct Listed {
    listed: ListedDataset,
    source: DataSource,
    image_size: usize,
}

/// Lists the set of `source`, which has paths.
pub fn list(source: &DataSource, image_size: usize) -> Result<Listed, Failure> {
    let options = OpenOptions {
        image_size,
        labels: FolderLabels::of_argument(&source.labels),
        ..OpenOptions::default()
    };
    // What is left out is told when the set is opened.
    let left_out: Option<&(dyn Fn(&str) + Sync)> =
        if source.skip_bad { Some(&|_| {}) } else { None };
    let listed = dataset::list(&source.paths, &OpenOptions { left_out, ..options })?;
    Ok(Listed { listed, source: source.clone(), image_size })
}

impl Listed {
    /// The set without its pixels.
    pub fn outline(&self) -> &Dataset {
        self.listed.outline()
    }

    /// The outline, where opening for a store takes long.
    pub fn undecoded(&self, store: Store) -> Option<&Dataset> {
        (!self.listed.is_decoded(store)).then(|| self.outline())
    }

    /// The store that was `asked` for, or else the one that suits the images, with a line that says
    /// so: for when nothing more can be refused.
    pub fn choose_store(&self, asked: Option<Store>) -> (Store, Option<String>) {
        if let Some(store) = asked {
            return (store, None);
        }
        let StoreChoice { store, reason } = self.listed.choose_store(self.image_size);
        let line = format!("crops are taken from the whole images (--store {store}): {reason}");
        (store, (store != Store::Square).then_some(line))
    }

    /// Opens the set, for evaluation.
    pub fn open(&self) -> Result<Dataset, Failure> {
        self.open_with(Store::Square)
    }

    /// Opens the set, for training on views from a store.
    pub fn open_with(&self, store: Store) -> Result<Dataset, Failure> {
        Ok(self.open_store(store)?.0)
    }

    /// What the files of its folders are; of an open set with the copies among them.
    pub fn survey(&self) -> Option<FileSurvey> {
        self.listed.survey()
    }

    /// Opens the set; with a line for each image that is left out.
    pub fn open_skipping(&self) -> Result<(Dataset, Vec<String>), Failure> {
        self.open_store(Store::Square)
    }

    fn open_store(&self, store: Store) -> Result<(Dataset, Vec<String>), Failure> {
        let left_out = Mutex::new(Vec::new());
        let note = |line: &str| {
            tracing::warn!("skipped {line}");
            let mut left_out = left_out.lock().unwrap_or_else(PoisonError::into_inner);
            left_out.push(line.to_owned());
        };
        let listening = Listening::begin(stop_flag::DECODING)?;
        let progress = bar(&listening.flag);
        let options = OpenOptions {
            image_size: self.image_size,
            store,
            labels: FolderLabels::of_argument(&self.source.labels),
            progress: &progress,
            left_out: if self.source.skip_bad { Some(&note) } else { None },
            ..OpenOptions::default()
        };
        let set = self.listed.open(&options).map_err(|error| match error {
            dataset::Error::Interrupted => Failure::interrupted_decoding(),
            error => error.into(),
        })?;
        listening.end()?;
        Ok((set, left_out.into_inner().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Opens the set of `source` for evaluation; without paths the built-in one.
pub fn open(source: &DataSource, image_size: usize) -> Result<Dataset, Failure> {
    open_with(source, image_size, Store::Square)
}

/// The same for training on views from a store.
pub fn open_with(source: &DataSource, image_size: usize, store: Store) -> Result<Dataset, Failure> {
    match source.paths.is_empty() {
        true => built_in(),
        false => list(source, image_size)?.open_with(store),
    }
}

/// The source with absolute paths, by which it is found from any folder.
pub fn absolute(source: &DataSource) -> Result<DataSource, Failure> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let paths: Vec<PathBuf> = source.paths.iter().map(|path| absolute(path)).collect();
    let labels = match FolderLabels::of_argument(&source.labels) {
        FolderLabels::File(file) => absolute(&file).to_string_lossy().into_owned(),
        _ => source.labels.clone(),
    };
    if let Some(odd) = paths.iter().find(|path| path.to_str().is_none()) {
        return Err(Failure::usage(format!(
            "{}: expected a path in UTF-8, found other bytes",
            odd.display()
        )));
    }
    Ok(DataSource { paths, labels, skip_bad: source.skip_bad })
}

/// Where the set of `source` is, for messages.
pub fn place(source: &DataSource) -> String {
    match source.paths.as_slice() {
        [] => "the built-in set".to_owned(),
        paths => paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "),
    }
}

/// The source of a command without a run: `source`, or else the default one; without paths for the
/// built-in set.
pub fn or_default(source: DataSource) -> Result<DataSource, Failure> {
    let default = Path::new(DEFAULT);
    if !source.paths.is_empty() {
        return Ok(source);
    }
    if default.exists() {
        return Ok(DataSource { paths: vec![default.to_owned()], ..source });
    }
    if source.labels != DataSource::default().labels {
        return Err(Failure::usage("--labels: expected --data, whose images they are of"));
    }
    tracing::warn!(
        "{DEFAULT} not found (`cargo xtask download-stl10` fetches STL-10): using the built-in synthetic set"
    );
    Ok(source)
}

/// The built-in synthetic set, for the run in `folder`, which names no folder. A run of another
/// program may have been trained on images that only that program has.
pub fn built_in_of(folder: &Path, record: &RunRecord) -> Result<Dataset, Failure> {
    let set = built_in()?;
    if set.fingerprint() == record.data.fingerprint {
        return Ok(set);
    }
    Err(Failure::usage(format!(
        "{}: expected a run on the built-in set, found one on {} without a folder (--data sets one)",
        folder.display(),
        record.data.kind
    )))
}

/// The built-in synthetic set.
pub fn built_in() -> Result<Dataset, Failure> {
    Ok(dataset::synthetic(&BUILT_IN)?)
}
