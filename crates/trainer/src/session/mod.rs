//! A run from its first step to its last: plan, learner and loader together.

pub(crate) mod best;
mod environment;
mod epoch_end;
pub(crate) mod estimate;
mod input;
pub(crate) mod observer;
pub(crate) mod outcome;
mod ranks;
mod restore;
pub(crate) mod resume;
pub(crate) mod run_folder;
mod run_lock;
pub(crate) mod setup;
mod step_graphs;
mod tensorboard;

use std::cell::OnceCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use dataset::{Dataset, Store};
use group::Group;
use loader::{LoaderConfig, Position, ViewBlock};
use methods::MethodConfig;
use models::{ToTensor, device_name};
use optim::StepCount;
use run::{BatchRecord, Criterion, EpochRecord, FORMAT, StepRecord, Summary, ThreadCounts, file};
use tch::Kind;

use crate::checkpoint::initial_weights;
use crate::checkpoint::{self, Header};
use crate::learner::networks::DTypes;
use crate::learner::{BuildMethod, Learner, LearnerOptions};
use crate::measures::clock::Clock;
use crate::measures::epoch_metrics::Pending;
use crate::measures::knn_monitor::KnnMonitor;
use crate::measures::memory;
use crate::measures::resident::ResidentSplit;
use crate::measures::step_profile::Profiler;
use crate::session::environment::new_run_id;
use crate::session::input::Input;
use crate::session::observer::{EpochCount, EpochProgress, Observer};
use crate::session::outcome::{EarlyStop, Outcome};
use crate::session::ranks::{Wishes, first_does};
use crate::session::run_folder::RunFolder;
use crate::session::setup::{
    Provenance, block_mask, data_record, hold_out, libtorch_threads, plan,
};
use crate::session::step_graphs::StepGraphs;
use crate::session::tensorboard::EventFile;
use crate::{BestBy, Config, ConfigError, Error, RunRecord};

/// How long the numbers of steps may stay on the device.
const FLUSH_EVERY: Duration = Duration::from_secs(2);

/// A run that was checked and can start: nothing on disk was changed yet.
#[derive(Debug)]
pub struct Trainer {
    record: RunRecord,
    /// Images that only measure: those held out from `train`, and the test split.
    validation: Option<ResidentSplit>,
    test: Option<ResidentSplit>,
    knn: Option<KnnMonitor>,
    plan: LoaderConfig,
    learner: Learner,
    to_tensor: ToTensor,
    /// What health is measured on; made when it first is, so that no start waits for it.
    sample: OnceCell<ViewBlock>,
    header: Header,
    total_steps: u64,
    /// The processes that train together.
    group: Rc<Group>,
}

/// What rank 0 writes while it trains.
struct Files {
    folder: RunFolder,
    events: EventFile,
}

impl Files {
    /// Writes on rank 0, where there are `files`; the others wait for it.
    fn write(
        files: &mut Option<Self>,
        group: &Group,
        work: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        first_does(group, || files.as_mut().map_or(Ok(()), work)).map(|_| ())
    }

    /// The folder of the run.
    fn folder(files: &Option<Self>) -> Option<&RunFolder> {
        files.as_ref().map(|files| &files.folder)
    }
}

impl Trainer {
    /// Checks everything that can be wrong before the first step, and builds what learns.
    ///
    /// # Errors
    /// [`Error`]; all of them are usage errors.
    pub fn prepare(config: Config, data: Dataset, origin: Provenance) -> Result<Self, Error> {
        Self::prepare_with(config, data, origin, &MethodConfig::build)
    }

    /// The same, with the method that `build` makes of the configuration: how a program trains by a
    /// method of its own, which the configuration calls `{"own": {...}}`.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare), and what `build` refuses.
    pub fn prepare_with(
        mut config: Config,
        data: Dataset,
        origin: Provenance,
        build: BuildMethod,
    ) -> Result<Self, Error> {
        config.validate()?;
        config.pin_teacher()?;
        // Recorded as it is, so that the run is resumed with it; the square, where nothing was
        // said, as runs were before there was a choice.
        if config.data.store.is_some() || data.store() != Store::Square {
            config.data.store = Some(data.store());
        }
        let device = config.train.device.open()?;
        // Recorded as it was found, so that the run goes on in it wherever it is resumed.
        config.train.precision = config.train.precision.on(device);
        if !config.train.precision.is_on(device) {
            let (key, found) = ("train.precision".to_owned(), config.train.precision.to_string());
            let expected = format!("auto, f32 or bf16 on {}", device_name(device));
            return Err(ConfigError::Range { key, expected, found }.into());
        }
        let (rest, validation) = hold_out(config.checkpoint.best, &data);
        let mut plan = plan(&config, &rest, device);
        plan.validate().map_err(Error::LoaderConfig)?;
        let steps_per_epoch = plan.steps_per_epoch() as u32;
        let knn = KnnMonitor::new(data.train.as_ref(), validation.as_ref(), &plan);
        let [unlabeled, labeled] = plan.images_per_batch();
        let dtypes = DTypes { master: Kind::Float, compute: config.train.precision.kind(device) };
        let classes = data.train.as_ref().map(|_| data.class_names.len() as i64);
        let task = LearnerOptions { classes, device, dtypes };
        let learner = Learner::with_method(&config, task, build)?;
        step_graphs::check(&config, &learner)?;
        plan.mask = block_mask(&config, learner.student.encoder.patch_size());
        plan.validate().map_err(Error::LoaderConfig)?;
        let epochs = u64::from(config.train.epochs) * u64::from(steps_per_epoch);
        let total_steps = config.train.max_steps.map_or(epochs, |steps| steps.min(epochs));
        let record = RunRecord {
            format: FORMAT,
            started_at: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            version: origin.version,
            revision: origin.revision,
            device: device_name(device),
            threads: ThreadCounts { libtorch: libtorch_threads(device), workers: plan.workers },
            data: data_record(&data, validation.as_ref(), origin.data),
            batch: BatchRecord { unlabeled, labeled, steps_per_epoch },
            init: None,
            initial_knn: None,
            run_id: String::new(),
            has_checkpoint: false,
            segments: Vec::new(),
            config,
        };
        let header = Header::start(record.revision.clone(), record.config.fingerprint());
        let to_tensor = ToTensor::new(device);
        let side = record.config.image_size;
        let [validation, test] = ResidentSplit::new([validation, data.test], side, device);
        Ok(Self {
            record,
            validation,
            test,
            knn,
            plan,
            learner,
            to_tensor,
            sample: OnceCell::new(),
            header,
            total_steps,
            group: Rc::new(Group::alone()),
        })
    }

    /// Waits for the device after every part of a step, so that [`EpochRecord::step_secs`] is exact
    /// on a GPU too; this slows training.
    pub fn profile(&mut self) {
        let device = self.learner.student.store.device();
        self.learner.profiler = Profiler::new(device, true);
    }

    /// Sets the first weights of the encoder to those in `file` or in the finished run `file`, by
    /// their names in `encoder.safetensors`, in torchvision's, timm's, DINOv2's and Hugging Face's
    /// networks. A teacher's encoder begins with them too.
    ///
    /// # Errors
    /// [`Error::Damaged`] where they aren't weights of such an encoder.
    pub fn begin_from(&mut self, file: &Path) -> Result<(), Error> {
        let encoder = &self.record.config.encoder;
        let loaded = initial_weights::begin_from(file, &self.learner, encoder);
        self.record.init =
            Some(loaded.map_err(|error| initial_weights::explain(error, file, encoder))?);
        Ok(())
    }

    /// Makes a new folder for the run; of several processes rank 0 does, and the others have
    /// `None`. Nothing stays behind on failure.
    ///
    /// # Errors
    /// [`Error::RunExists`] where one is there, [`Error::Folder`] where it can't be made.
    pub fn create(&mut self, path: &Path) -> Result<Option<RunFolder>, Error> {
        let group = Rc::clone(&self.group);
        let folder = first_does(&group, || {
            self.record.run_id = new_run_id();
            self.begin_segment();
            RunFolder::create(path, &self.record, &self.learner.student)
        })?;
        self.share_state()?;
        Ok(folder)
    }

    /// What `config.json` says of this run.
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// Steps done, of all steps.
    pub fn steps(&self) -> StepCount {
        StepCount { step: self.header.step, total: self.total_steps }
    }

    /// What the best epoch is chosen by.
    fn criterion(&self) -> Option<Criterion> {
        self.record.config.checkpoint.best.map(|best| match best {
            BestBy::ValProbeAcc { .. } if self.validation.is_some() => Criterion::ValProbeAcc,
            BestBy::EffectiveRank | BestBy::ValProbeAcc { .. } => Criterion::EffectiveRank,
        })
    }

    /// Why the run is over before its last step, if it is. A function of the last checkpoint, so
    /// that a run that is resumed stops where one that never was does.
    pub fn stopped_early(&self) -> Option<EarlyStop> {
        let (patience, criterion) = (self.record.config.train.patience?, self.criterion()?);
        let best = self.header.history.best;
        let stale = self.header.epoch - best.map_or(0, |best| best.epoch.min(self.header.epoch));
        let between = self.header.step_in_epoch == 0 && self.header.step < self.total_steps;
        (between && stale >= patience).then_some(EarlyStop {
            epochs: self.header.epoch,
            criterion,
            best,
        })
    }

    /// Trains until all steps are done, patience is over, or `stop` is set, on any rank; then the
    /// step under way is finished and saved. `folder` is that of [`create`](Self::create) or
    /// [`resume`](Self::resume).
    ///
    /// # Errors
    /// [`Error`]; the last checkpoint stays loadable.
    pub fn train(
        mut self,
        folder: Option<RunFolder>,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<Outcome, Error> {
        let device = self.to_tensor.device();
        memory::reset_peak(device);
        self.record.config.train.precision.apply();
        let group = Rc::clone(&self.group);
        let files = first_does(&group, || folder.map(|folder| self.open(folder)).transpose())?;
        let mut files = files.flatten();
        let position = Position { epoch: self.header.epoch, step: self.header.step_in_epoch };
        let mut graphs = StepGraphs::of(&self.record.config, &self.learner)?;
        let mut input = Input::start(&self.plan, position, device)?;
        let mut clock = Clock::start(self.header.step);
        let mut pending = Pending::default();
        let (mut saved, mut flushed) = (Instant::now(), Instant::now());
        while self.header.step < self.total_steps && self.stopped_early().is_none() {
            self.learner.profiler.begin();
            let uploaded = input.next()?;
            if let Some(error) = input.slow_copies() {
                observer.slow_copies(&error.to_string());
            }
            self.learner.profiler.lap(|secs| &mut secs.wait);
            let count = self.count_at(self.header.step);
            let measured = match &mut graphs {
                Some(graphs) => graphs.step(&mut self.learner, &input, uploaded, count)?,
                None => step_graphs::eager(&mut self.learner, &input, uploaded, count)?,
            };
            input.look_ahead();
            pending.push(&measured)?;
            self.header.step += 1;
            self.header.step_in_epoch += 1;
            let last = self.header.step == self.total_steps;
            let whole = self.header.step_in_epoch == self.record.batch.steps_per_epoch;
            let wishes = Wishes {
                stop: stop.load(Ordering::Relaxed),
                save: observer.wants_checkpoint() || self.checkpoint_due(whole, saved.elapsed()),
                flush: pending.len() as u64 >= self.record.config.train.log_every
                    || flushed.elapsed() >= FLUSH_EVERY,
            };
            let wishes = wishes.of_all(&group)?;
            let stopping = wishes.stop;
            let saving = stopping || wishes.save || last;
            let first = self.header.step == clock.first_step + 1;
            if first || wishes.flush || whole || saving {
                // A GPU's newest step is under way: it is waited for only where it must be.
                let left = usize::from(device.is_cuda() && !(first || whole || saving));
                self.flush(&mut pending, left, &mut files)?;
                flushed = Instant::now();
                clock.wait_secs = input.wait_secs();
                observer.progress(&self.progress(&clock));
            }
            let mut improved = false;
            if whole || last {
                let report = self.end_epoch(&mut clock, last)?;
                Files::write(&mut files, &group, |files| {
                    files.folder.log(std::slice::from_ref(&report))?;
                    files.events.epoch(&report)
                })?;
                observer.epoch(&report);
                let folder = Files::folder(&files);
                let collapsed = self.check_health(&report, folder, observer);
                let regressed = self.check_regression(&report, folder, observer);
                improved = self.begin_epoch(&report, whole);
                if let Some(error) = collapsed.or(regressed) {
                    return Err(error);
                }
            }
            let ended = last || self.stopped_early().is_some();
            if saving || improved || ended {
                self.save(&mut files, &clock)?;
                saved = Instant::now();
            }
            if stopping && !ended {
                return Ok(Outcome::Interrupted);
            }
        }
        self.header.train_secs += clock.trained();
        Files::write(&mut files, &group, |Files { folder, .. }| {
            folder.export_encoder(&self.learner, &self.record)?;
            folder.summarize(&self.summary(folder.path()))
        })?;
        Ok(match self.stopped_early() {
            Some(stop) => Outcome::StoppedEarly(stop),
            None => Outcome::Finished,
        })
    }

    /// Opens what is written beside the folder's own files; a run that goes on is not finished.
    fn open(&self, folder: RunFolder) -> Result<Files, Error> {
        let mut events = EventFile::create(folder.path(), self.header.step)?;
        if self.header.step == 0 {
            events.augmentation(&self.plan)?;
        }
        if self.header.step < self.total_steps && self.stopped_early().is_none() {
            folder.reopen()?;
        }
        Ok(Files { folder, events })
    }

    /// Logs the numbers of pending steps but the newest `left`.
    fn flush(
        &mut self,
        pending: &mut Pending,
        left: usize,
        files: &mut Option<Files>,
    ) -> Result<(), Error> {
        let first = self.header.step + 1 - pending.len() as u64;
        let numbers = pending.take(left)?;
        let mut lines = Vec::with_capacity(numbers.len());
        for (step, numbers) in (first..).zip(&numbers) {
            for (what, value) in
                [("the loss", numbers.loss), ("the gradient", numbers.gradient_norm)]
            {
                if !value.is_finite() {
                    return Err(diverged(Files::folder(files), what, step, value));
                }
            }
            self.header.metrics.add(numbers);
            let epoch = self.header.epoch + 1;
            let lr = self.learning_rate_of(step - 1);
            lines.push(StepRecord { step, epoch, loss: numbers.loss, lr });
        }
        Files::write(files, &self.group, |files| files.folder.log(&lines))
    }

    fn progress(&self, clock: &Clock) -> EpochProgress {
        let metrics = &self.header.metrics;
        let done = self.header.step - clock.first_step;
        let secs = clock.begun.elapsed().as_secs_f64();
        let epochs = self.total_steps.div_ceil(u64::from(self.record.batch.steps_per_epoch));
        EpochProgress {
            epoch: EpochCount { epoch: self.header.epoch + 1, total: epochs as u32 },
            step: self.steps(),
            loss: metrics.mean_loss(),
            contrastive_acc: metrics.contrastive_acc(),
            correlation_acc: metrics.correlation_acc(),
            probe_acc: metrics.probe_acc(),
            images_per_sec: done as f64 * self.images() / clock.trained(),
            data_wait: clock.wait_secs / clock.trained(),
            remaining_secs: (self.total_steps - self.header.step) as f64 * secs / done as f64,
        }
    }

    fn count_at(&self, step: u64) -> StepCount {
        StepCount { step, total: self.total_steps }
    }

    /// The step size that was used in `step`, from 0.
    fn learning_rate_of(&self, step: u64) -> f64 {
        let progress = self.count_at(step);
        self.learner.optimizer.lr(progress)
    }

    /// Images of a batch, in the mean.
    fn images(&self) -> f64 {
        self.plan.images_per_epoch() as f64 / f64::from(self.record.batch.steps_per_epoch)
    }

    /// Moves on to the next epoch; keeps what the summary needs. Whether the epoch was the best so
    /// far.
    fn begin_epoch(&mut self, report: &EpochRecord, whole: bool) -> bool {
        let criterion = self.criterion();
        let improved = self.header.history.add(report, criterion);
        if whole {
            self.header.epoch += 1;
            self.header.step_in_epoch = 0;
            self.header.metrics = Default::default();
        }
        improved
    }

    /// Whether the step that was just done is to be followed by a checkpoint; it ended an epoch
    /// where it was the `whole`.
    fn checkpoint_due(&self, whole: bool, since: Duration) -> bool {
        let every = &self.record.config.checkpoint;
        let epochs = whole && (self.header.epoch + 1).is_multiple_of(every.every_epochs);
        let steps = every.every_steps > 0 && self.header.step.is_multiple_of(every.every_steps);
        let minutes =
            every.every_minutes > 0.0 && since.as_secs_f64() >= 60.0 * every.every_minutes;
        epochs || steps || minutes
    }

    fn save(&mut self, files: &mut Option<Files>, clock: &Clock) -> Result<(), Error> {
        // An update that overflows shows in the next loss, which is after this checkpoint.
        if let Some(value) = checkpoint::not_finite(&self.learner) {
            let folder = Files::folder(files);
            return Err(diverged(folder, "a weight", self.header.step, value));
        }
        let probe = self.learner.probe.as_ref().map_or(0, |probe| probe.optimizer.steps());
        let header = Header {
            optimizer_steps: [self.learner.optimizer.steps(), probe],
            train_secs: self.header.train_secs + clock.trained(),
            run: Some(self.record.run_id.clone()),
            data: Some(self.record.data.fingerprint.clone()),
            init: self.record.init.as_ref().map(|init| init.sha256.clone()),
            ..self.header.clone()
        };
        let keep = self.record.config.checkpoint.keep_last;
        Files::write(files, &self.group, |files| {
            files.folder.checkpoint(&self.learner, &header, keep)
        })
    }

    fn summary(&self, folder: &Path) -> Summary {
        Summary {
            run: folder.to_owned(),
            version: self.record.version.clone(),
            revision: self.record.revision.clone(),
            device: self.record.device.clone(),
            steps: self.header.step,
            epochs: self.header.epoch,
            train_secs: self.header.train_secs,
            peak_memory_bytes: memory::peak_bytes(),
            peak_gpu_memory_bytes: memory::peak_gpu_bytes(self.to_tensor.device()),
            images_per_sec: self.header.step as f64 * self.images() / self.header.train_secs,
            stopped_early: self.stopped_early().is_some(),
            history: self.header.history.clone(),
        }
    }
}

/// The error of a number that is not finite.
fn diverged(folder: Option<&RunFolder>, what: &'static str, step: u64, value: f64) -> Error {
    let saved = folder.is_some_and(|folder| {
        let saved = checkpoint::all(&folder.path().join(file::CHECKPOINTS));
        saved.is_ok_and(|saved| !saved.is_empty())
    });
    Error::Diverged { what, step, value, saved }
}
