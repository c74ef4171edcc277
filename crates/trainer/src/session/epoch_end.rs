//! What is measured at the end of an epoch.

use std::ops::ControlFlow;
use std::time::Instant;

use dataset::Split;
use loader::ViewBlock;
use run::{EpochRecord, InitialKnn};
use tch::{Kind, Tensor, no_grad};

use super::Trainer;
use crate::measures::clock::Clock;
use crate::measures::health::{self, SAMPLE};
use crate::measures::knn_monitor::KnnMonitor;
use crate::measures::memory;
use crate::measures::resident::ResidentSplit;
use crate::session::observer::Observer;
use crate::session::ranks::from_first;
use crate::session::run_folder::RunFolder;
use crate::{Error, OnCollapse, OnRegression};

/// Images in a forward pass.
const EVAL_BATCH: usize = 256;

/// Told of each number of images that was encoded; breaks to end that.
type Watch<'a> = Option<&'a mut dyn FnMut(usize) -> ControlFlow<()>>;

impl Trainer {
    /// Measures at the end of an epoch, which may be the `last`. Several processes encode the
    /// images together, and have the record of rank 0.
    ///
    /// # Errors
    /// [`Error::Loader`] where files of the set have changed, [`Error::RanksDiffer`].
    pub(super) fn end_epoch(
        &mut self,
        clock: &mut Clock,
        last: bool,
    ) -> Result<EpochRecord, Error> {
        let train_secs = clock.epoch_secs();
        let data_wait = (clock.wait_secs - clock.epoch_wait_secs) / train_secs;
        let begun = Instant::now();
        self.check_weights()?;
        let step_secs = self.learner.profiler.take();
        let score = |split: &Option<ResidentSplit>| match split {
            Some(split) => self.probe_on(split),
            None => Ok(None),
        };
        let (validation, test) = (score(&self.validation)?, score(&self.test)?);
        let val_knn_acc = self.knn_after_epoch(last)?;
        let metrics = &self.header.metrics;
        let record = || {
            let looked = Instant::now();
            let health = health::measure(&self.learner, self.sample(), &self.to_tensor);
            let health_secs = looked.elapsed().as_secs_f64();
            EpochRecord {
                epoch: self.header.epoch + 1,
                step: self.header.step,
                loss: metrics.mean_loss(),
                contrastive_acc: metrics.contrastive_acc(),
                correlation_acc: metrics.correlation_acc(),
                probe_loss: metrics.probe_loss(),
                probe_acc: metrics.probe_acc(),
                val_knn_acc,
                val_probe_loss: validation.map(|[loss, _]| loss),
                val_probe_acc: validation.map(|[_, accuracy]| accuracy),
                test_probe_loss: test.map(|[loss, _]| loss),
                test_probe_acc: test.map(|[_, accuracy]| accuracy),
                lr: self.learning_rate_of(self.header.step - 1),
                teacher_momentum: self
                    .learner
                    .teacher_momentum()
                    .map(|momentum| momentum.at(self.count_at(self.header.step - 1))),
                gradient_norm: metrics.mean_gradient_norm(),
                health,
                images_per_sec: clock.epoch_steps(self.header.step) as f64 * self.images()
                    / train_secs,
                data_wait,
                train_secs,
                step_secs,
                health_secs,
                eval_secs: begun.elapsed().as_secs_f64(),
                peak_gpu_memory_bytes: memory::peak_gpu_bytes(self.to_tensor.device()),
            }
        };
        let report = from_first(&self.group, self.group.is_first().then(record))?;
        clock.next_epoch(self.header.step, begun.elapsed().as_secs_f64());
        Ok(report)
    }

    /// What health is measured on.
    fn sample(&self) -> &ViewBlock {
        let plan = &self.plan;
        self.sample.get_or_init(|| {
            loader::fixed_views(&plan.unlabeled, &plan.views[..2], plan.seed, SAMPLE)
        })
    }

    /// Counts epochs that look like collapse; an error where there were as many as the
    /// configuration allows.
    pub(super) fn check_health(
        &mut self,
        report: &EpochRecord,
        folder: Option<&RunFolder>,
        observer: &mut dyn Observer,
    ) -> Option<Error> {
        let config = &self.record.config.health;
        let features = self.learner.student.encoder.feature_size();
        let Some(collapse_reason) = config.collapse_reason(&report.health, features) else {
            self.header.collapse_warnings = 0;
            return None;
        };
        self.header.collapse_warnings += 1;
        observer.collapse_warning(report.epoch, &collapse_reason);
        let checks = self.header.collapse_warnings;
        let stops = config.on_collapse == OnCollapse::Stop && checks >= config.patience;
        let saved = folder.is_some_and(RunFolder::has_healthy_checkpoint);
        stops.then_some(Error::Collapsed { step: report.step, checks, collapse_reason, saved })
    }

    /// Compares an epoch with the weights that the run began with; an error where it is worse by
    /// more than the interval, and the configuration says so.
    pub(super) fn check_regression(
        &self,
        report: &EpochRecord,
        folder: Option<&RunFolder>,
        observer: &mut dyn Observer,
    ) -> Option<Error> {
        let reason = self.record.initial_knn?.regression(report.val_knn_acc?)?;
        observer.regression_warning(report.epoch, &reason);
        let stops = self.record.config.health.on_regression == OnRegression::Stop;
        let saved = folder.is_some_and(RunFolder::has_healthy_checkpoint);
        stops.then_some(Error::Regressed { step: report.step, reason, saved })
    }

    /// Measures the kNN accuracy of weights from a file, before the first step; does nothing with
    /// other weights or without labels. `progress` has the number of images that are encoded, and
    /// of all; where it breaks, on any rank, measuring ends.
    ///
    /// # Errors
    /// [`Error::Interrupted`], [`Error::Loader`] where files of the set have changed.
    pub fn measure_initial(
        &mut self,
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let Some(knn) = self.knn.as_ref().filter(|_| self.record.init.is_some()) else {
            return Ok(());
        };
        self.record.config.train.precision.apply();
        let (mut done, total) = (0, knn.images());
        let mut watch = |images| {
            done += images;
            progress(done, total)
        };
        let accuracy = self.knn_accuracy(knn, Some(&mut watch))?;
        self.record.initial_knn = Some(InitialKnn { accuracy, images: knn.asked() as u64 });
        Ok(())
    }

    /// Mean cross-entropy and accuracy of the probe on a split that it isn't trained on.
    ///
    /// # Errors
    /// [`Error::Loader`] where files of the split have changed.
    fn probe_on(&self, resident: &ResidentSplit) -> Result<Option<[f64; 2]>, Error> {
        let split = &resident.split;
        let (Some(probe), Some(labels)) = (self.learner.probe.as_ref(), split.labels()) else {
            return Ok(None);
        };
        let labels: Vec<i64> = labels.iter().map(|&label| i64::from(label)).collect();
        let labels = self.to_tensor.labels(&labels);
        // Summed on the device, and waited for once.
        let mut sums = Tensor::zeros([2], (Kind::Double, labels.device()));
        let mut done = 0;
        self.encode(split, Some(resident), None, |features| {
            let images = features.size()[0];
            let score = probe.score(features, &labels.narrow(0, done, images));
            let score = [score.loss_sum, score.correct].map(|sum| sum.to_kind(Kind::Double));
            sums += Tensor::stack(&score, 0);
            done += images;
        })?;
        let [loss, correct] = [0, 1].map(|of| sums.double_value(&[of]) / done as f64);
        Ok((done > 0).then_some([loss, correct]))
    }

    /// Accuracy of a vote of the nearest labeled images, where it is due after this epoch: after
    /// each where the run began with weights from a file, which it is compared with.
    ///
    /// # Errors
    /// [`Error::Loader`] where files of the set have changed.
    fn knn_after_epoch(&self, last: bool) -> Result<Option<f64>, Error> {
        let compared = self.record.initial_knn.is_some();
        let due = |knn: &&KnnMonitor| compared || knn.is_due(self.header.epoch + 1, last);
        self.knn.as_ref().filter(due).map(|knn| self.knn_accuracy(knn, None)).transpose()
    }

    /// Accuracy of a vote of the nearest labeled images.
    ///
    /// # Errors
    /// Those of [`encode`](Self::encode).
    fn knn_accuracy(&self, knn: &KnnMonitor, mut watch: Watch<'_>) -> Result<f64, Error> {
        let mut labeled = |split: &Split| -> Result<(Tensor, Tensor), Error> {
            let mut blocks = Vec::new();
            let watch: Watch<'_> = match &mut watch {
                Some(watch) => Some(&mut **watch),
                None => None,
            };
            self.encode(split, None, watch, |features| blocks.push(features.shallow_clone()))?;
            let labels = split.labels().unwrap_or_default();
            let labels: Vec<i64> = labels.iter().map(|&label| i64::from(label)).collect();
            Ok((Tensor::cat(&blocks, 0), self.to_tensor.labels(&labels)))
        };
        let (bank, labels) = labeled(&knn.bank)?;
        let vote = knn.vote;
        Ok(match &knn.queries {
            Some(queries) => {
                let (queries, expected) = labeled(queries)?;
                vote.accuracy((&bank, &labels), (&queries, &expected))
            }
            None => vote.leave_one_out_accuracy(&bank, &labels),
        })
    }

    /// Hands the frozen features of the images of a split on, some images at a time, in order. Of
    /// several processes each encodes a block in turn, and has the features of all. The bytes of
    /// what is `resident` are read once.
    ///
    /// # Errors
    /// [`Error::Loader`] where files of the split have changed, [`Error::Interrupted`].
    fn encode(
        &self,
        split: &Split,
        resident: Option<&ResidentSplit>,
        mut watch: Watch<'_>,
        mut take: impl FnMut(&Tensor),
    ) -> Result<(), Error> {
        let (networks, side) = (self.learner.eval_networks(), self.record.config.image_size);
        let upload = |block: Result<ViewBlock, loader::Error>| {
            let block = block.map_err(Error::Loader)?;
            let (counts, side) = ([block.images, 1], [block.height, block.width]);
            Ok::<_, Error>(self.to_tensor.upload(&block.bytes, counts, side))
        };
        let mut read =
            loader::sequential_blocks(split, side, EVAL_BATCH, self.plan.shard).map(upload);
        let kept = resident.and_then(ResidentSplit::kept);
        let resident = resident.filter(|resident| resident.stays && kept.is_none());
        let mut own = 0;
        let mut next = || {
            own += 1;
            match &kept {
                Some(kept) => kept.get(own - 1).map(|bytes| Ok(bytes.shallow_clone())),
                None => read.next(),
            }
        };
        let mut to_keep = Vec::new();
        let ranks = self.group.size();
        for first in (0..split.len()).step_by(EVAL_BATCH * ranks) {
            let images =
                |rank: usize| split.len().saturating_sub(first + rank * EVAL_BATCH).min(EVAL_BATCH);
            let counts: Vec<usize> = (0..ranks).map(images).collect();
            let features = match next().transpose()? {
                Some(bytes) => {
                    let features = no_grad(|| networks.features(&self.to_tensor.convert(&bytes)));
                    to_keep.extend(resident.is_some().then_some(bytes));
                    features
                }
                None => {
                    let shape = [0, networks.encoder.feature_size()];
                    Tensor::zeros(shape, (networks.store.kind(), networks.store.device()))
                }
            };
            let features = no_grad(|| self.group.gather_rows(&features, 1, &counts))?;
            features.split(EVAL_BATCH as i64, 0).iter().for_each(&mut take);
            if let Some(watch) = &mut watch {
                let stop = watch(counts.iter().sum()).is_break();
                if self.group.any(&[stop])?[0] {
                    return Err(Error::Interrupted);
                }
            }
        }
        if let Some(resident) = resident {
            resident.keep(to_keep);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::measures::resident::ResidentSplit;
    use crate::tests::batch_statistics::{config, small_trainer};

    #[test]
    fn images_that_stay_on_the_device_are_read_once_and_score_the_same() {
        let mut trainer = small_trainer(config("simclr", "batch", None));
        let read = trainer.probe_on(trainer.test.as_ref().unwrap()).unwrap().unwrap();
        let kept = |trainer: &super::Trainer| trainer.test.as_ref().and_then(ResidentSplit::kept);
        assert!(kept(&trainer).is_none(), "a processor reads them where they are");
        trainer.test.as_mut().unwrap().stays = true;
        for _ in 0..2 {
            let scored = trainer.probe_on(trainer.test.as_ref().unwrap()).unwrap().unwrap();
            assert_eq!(scored, read);
        }
        let images: i64 = kept(&trainer).unwrap().iter().map(|block| block.size()[0]).sum();
        assert_eq!(images as usize, trainer.test.unwrap().split.len());
    }
}
