//! The loader: batches of views, an epoch at a time, from any position.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

use loader::{LoaderConfig, Position, Recycler, Shard};
use pyo3::exceptions::{PyKeyError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use sha2::{Digest, Sha256};

use crate::array::Array;
use crate::dataset_class::{Dataset, SIGNAL_INTERVAL, Split};
use crate::error::{of_loader, unexpected, value_error};
use crate::fork_guard::ForkGuard;
use crate::memory::{DType, Owner};
use crate::pooled_batch::PooledBatch;
use crate::recipe_class::Recipe;
use crate::render::targets;

/// Changes with what a state dict holds.
const VERSION: u32 = 1;

/// One step's worth of views.
#[pyclass(frozen, module = "twinview", get_all)]
pub struct Batch {
    /// The epoch, from 0.
    epoch: u32,
    /// The step inside the epoch, from 0.
    step: u32,
    /// Views, one array for each size: uint8 `[B, V, 3, H, W]`.
    views: Py<PyTuple>,
    /// Classes, int64 `[B]`; -1 for an image without one.
    labels: Py<Array>,
    /// Which images these are, int64 `[B]`.
    indices: Py<Array>,
}

#[pymethods]
impl Batch {
    /// Number of images.
    fn __len__(&self) -> usize {
        self.indices.get().sizes()[0]
    }

    fn __repr__(&self) -> String {
        let Batch { epoch, step, .. } = self;
        format!("twinview.Batch({} images, epoch={epoch}, step={step})", self.__len__())
    }
}

/// Batches of views of the images of a split or a dataset.
///
/// A `for` loop runs through one epoch, the next loop through the next one. What a batch holds is a
/// function of data, recipe, seed, epoch and step, whatever `workers` and `prefetch` are; the parts
/// of the ranks, one after the other, are the batch of one process. `batch_size` counts the images
/// of all ranks together. Batches of an epoch differ by one image at most; with `drop_last` all
/// have `batch_size`, and an epoch leaves some images out. `workers` 0 takes all cores.
///
/// Of a dataset, the images are those that `twinview pretrain` trains on: unlabeled ones, then the
/// labeled ones of `train`, whose indices follow those of the unlabeled ones.
#[pyclass(frozen, module = "twinview")]
pub struct Loader {
    plan: LoaderConfig,
    recipe: Py<Recipe>,
    fingerprint: String,
    state: Mutex<State>,
    process: ForkGuard,
}

/// What changes.
struct State {
    /// The threads, once there is somebody who waits for them.
    running: Option<loader::Loader>,
    /// Where the next batch is.
    next: Position,
    /// Whether an iterator has taken some, but not all batches of the epoch.
    is_inside: bool,
    /// Number of the last iterator.
    iterator: u64,
    is_closed: bool,
}

impl Loader {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn steps(&self) -> u32 {
        self.plan.steps_per_epoch() as u32
    }

    fn check(&self) -> PyResult<()> {
        self.process.check()
    }

    /// Makes `position` the next one. The threads that were underway to another one end.
    fn move_to(&self, py: Python<'_>, position: Position) -> PyResult<()> {
        py.detach(|| {
            let mut state = self.lock();
            if state.is_closed {
                return Err(closed());
            }
            state.is_inside = false;
            if state.next != position {
                state.next = position;
                state.running = None;
            }
            Ok(())
        })
    }

    /// The next batch for the iterator of this number, or for the loader itself; `None` at the end
    /// of the iterator's epoch.
    fn next(
        &self,
        py: Python<'_>,
        iterator: Option<(u64, u32)>,
    ) -> PyResult<Option<(loader::Batch, Recycler)>> {
        self.check()?;
        loop {
            let waited = py.detach(|| {
                let mut state = self.lock();
                if state.is_closed {
                    return Err(closed());
                }
                if let Some((number, epoch)) = iterator {
                    if state.iterator != number {
                        return Err(PyRuntimeError::new_err(
                            "this iterator has ended: a newer one of the same loader was started",
                        ));
                    }
                    if state.next.epoch != epoch {
                        return Ok(Waited::End);
                    }
                }
                let State { running, next, is_inside, .. } = &mut *state;
                let threads = match running {
                    Some(threads) => threads,
                    None => {
                        let plan = self.plan.clone();
                        let started = loader::Loader::start(plan, *next);
                        running.insert(started.map_err(|error| of_loader(&error))?)
                    }
                };
                let batch = threads.next_within(SIGNAL_INTERVAL);
                let Some(batch) = batch.map_err(|error| of_loader(&error))? else {
                    return Ok(Waited::Nothing);
                };
                let recycler = threads.recycler();
                next.step += 1;
                *is_inside = true;
                if next.step == self.steps() {
                    *next = Position { epoch: next.epoch.wrapping_add(1), step: 0 };
                    *is_inside = false;
                }
                Ok(Waited::Batch(batch, recycler))
            })?;
            match waited {
                Waited::Batch(batch, recycler) => return Ok(Some((batch, recycler))),
                Waited::End => return Ok(None),
                Waited::Nothing => py.check_signals()?,
            }
        }
    }

    /// Arrays of a batch's memory.
    fn arrays(
        &self,
        py: Python<'_>,
        mut batch: loader::Batch,
        recycler: Recycler,
    ) -> PyResult<Batch> {
        let (epoch, step, numbers) = (batch.epoch, batch.step, self.numbers(py, &batch)?);
        let blocks: Vec<(*mut u8, [usize; 5])> = batch
            .blocks
            .iter_mut()
            .map(|block| {
                let shape = [block.images, block.views, 3, block.height, block.width];
                (block.bytes.as_mut_ptr(), shape)
            })
            .collect();
        let owner: Owner = Arc::new(PooledBatch::new(batch, recycler));
        let views = blocks.into_iter().map(|(data, shape)| {
            Bound::new(py, Array::new(owner.clone(), data, DType::U8, &shape))
        });
        let views = PyTuple::new(py, views.collect::<PyResult<Vec<_>>>()?)?.unbind();
        let [labels, indices] = numbers;
        Ok(Batch { epoch, step, views, labels, indices })
    }

    /// Labels and indices of a batch.
    fn numbers(&self, py: Python<'_>, batch: &loader::Batch) -> PyResult<[Py<Array>; 2]> {
        let unlabeled = batch.indices.len() - batch.labels.len();
        let mut labels = vec![-1; unlabeled];
        labels.extend_from_slice(&batch.labels);
        let labels = Py::new(py, Array::of_numbers(labels))?;
        Ok([labels, Py::new(py, Array::of_numbers(batch.indices.clone()))?])
    }

    /// What must be equal for a state to make sense, beside version and position.
    fn identity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let recipe = Sha256::digest(self.recipe.get().json());
        let identity = PyDict::new(py);
        identity.set_item("seed", self.plan.seed)?;
        identity.set_item("batch_size", self.plan.batch_size)?;
        identity.set_item("drop_last", self.plan.drop_last)?;
        identity.set_item("recipe", files::hex(&recipe[..16]))?;
        identity.set_item("data", &self.fingerprint)?;
        Ok(identity)
    }
}

/// How waiting has ended.
enum Waited {
    Batch(loader::Batch, Recycler),
    End,
    Nothing,
}

fn closed() -> PyErr {
    value_error("the loader is closed")
}

#[pymethods]
impl Loader {
    #[new]
    #[pyo3(signature = (
        data, recipe, batch_size, *, seed=0, workers=0, prefetch=2, rank=0, world_size=1,
        drop_last=false
    ))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments")]
    fn new(
        data: &Bound<'_, PyAny>,
        recipe: Py<Recipe>,
        batch_size: usize,
        seed: u64,
        workers: usize,
        prefetch: usize,
        rank: usize,
        world_size: usize,
        drop_last: bool,
    ) -> PyResult<Loader> {
        let (unlabeled, labeled) = if let Ok(split) = data.cast::<Split>() {
            let split = split.get().inner();
            (split.without_labels(), split.labels().map(|_| split.clone()))
        } else if let Ok(set) = data.cast::<Dataset>() {
            let set = set.get().inner();
            (set.unlabeled.clone(), set.train.clone().filter(|train| train.labels().is_some()))
        } else {
            let found = data.get_type().name()?;
            return Err(unexpected("data", "a twinview.Split or twinview.Dataset", found));
        };
        let cores = || available_parallelism().map_or(1, usize::from);
        let plan = LoaderConfig {
            seed,
            unlabeled,
            labeled,
            batch_size,
            drop_last,
            shard: Shard { rank, world_size },
            views: recipe.get().views().to_vec(),
            mask: None,
            probe: None,
            workers: if workers == 0 { cores() } else { workers },
            prefetch,
        };
        plan.validate().map_err(|error| of_loader(&error))?;
        let mut fingerprint = plan.unlabeled.sample_fingerprint();
        if let Some(labeled) = &plan.labeled {
            fingerprint += &labeled.sample_fingerprint();
        }
        let next = Position { epoch: 0, step: 0 };
        let state = State { running: None, next, is_inside: false, iterator: 0, is_closed: false };
        let process = ForkGuard::new();
        Ok(Loader { plan, recipe, fingerprint, state: Mutex::new(state), process })
    }

    /// Batches of an epoch.
    fn __len__(&self) -> usize {
        self.plan.steps_per_epoch()
    }

    /// The epoch of the next batch, from 0.
    #[getter]
    fn epoch(&self, py: Python<'_>) -> PyResult<u32> {
        self.check()?;
        Ok(py.detach(|| self.lock().next.epoch))
    }

    /// The step of the next batch inside its epoch, from 0.
    #[getter]
    fn step(&self, py: Python<'_>) -> PyResult<u32> {
        self.check()?;
        Ok(py.detach(|| self.lock().next.step))
    }

    /// The rest of the epoch after `load_state_dict`, else a whole one: that of `epoch`, or the one
    /// after where an earlier iterator was left before its end.
    fn __iter__(slf: &Bound<'_, Self>) -> PyResult<LoaderIterator> {
        let (py, loader) = (slf.py(), slf.get());
        loader.check()?;
        let (number, next, is_inside) = py.detach(|| {
            let mut state = loader.lock();
            state.iterator += 1;
            (state.iterator, state.next, state.is_inside)
        });
        let next = match is_inside {
            true => Position { epoch: next.epoch.wrapping_add(1), step: 0 },
            false => next,
        };
        loader.move_to(py, next)?;
        Ok(LoaderIterator { loader: slf.clone().unbind(), number, epoch: next.epoch })
    }

    /// Writes the views of the next batch into `out`: one array, or a list with one for each size
    /// of views, uint8 `[B, V, 3, H, W]` with at least as many images as the batch. Epochs follow
    /// one another without end. Returns a batch whose `views` are the arrays of `out`; where it has
    /// fewer images than they have room for, the rest stays as it was.
    fn next_into(&self, out: &Bound<'_, PyAny>) -> PyResult<Batch> {
        let py = out.py();
        let most = self.plan.largest_batch();
        let (objects, mut arrays) = targets(out, self.recipe.get(), Some(most))?;
        let mut slices = Vec::new();
        for array in &mut arrays {
            slices.push(array.as_mut("out")?);
        }
        let Some((batch, recycler)) = self.next(py, None)? else {
            return Err(PyRuntimeError::new_err("the loader has ended"));
        };
        let [labels, indices] = self.numbers(py, &batch)?;
        let (epoch, step) = (batch.epoch, batch.step);
        py.detach(|| {
            for (block, out) in batch.blocks.iter().zip(slices) {
                out[..block.bytes.len()].copy_from_slice(&block.bytes);
            }
            recycler.recycle(batch);
        });
        let views = PyTuple::new(py, objects)?.unbind();
        Ok(Batch { epoch, step, views, labels, indices })
    }

    /// Makes the first batch of `epoch` the next one.
    fn set_epoch(&self, py: Python<'_>, epoch: u32) -> PyResult<()> {
        self.check()?;
        self.move_to(py, Position { epoch, step: 0 })
    }

    /// The position, and what it belongs to: equal for all ranks and numbers of workers.
    fn state_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.check()?;
        let next = py.detach(|| self.lock().next);
        let state = PyDict::new(py);
        state.set_item("version", VERSION)?;
        state.set_item("epoch", next.epoch)?;
        state.set_item("step", next.step)?;
        state.update(self.identity(py)?.as_mapping())?;
        Ok(state)
    }

    /// Continues where `state_dict` was called, at once, with any number of workers and ranks.
    fn load_state_dict(&self, py: Python<'_>, state: &Bound<'_, PyDict>) -> PyResult<()> {
        self.check()?;
        let get = |key: &str| {
            state.get_item(key)?.ok_or_else(|| PyKeyError::new_err(format!("state_dict: {key}")))
        };
        let version = get("version")?;
        if !version.eq(VERSION)? {
            return Err(unexpected("state_dict: version", VERSION, version.str()?));
        }
        for (key, expected) in self.identity(py)? {
            let key: String = key.extract()?;
            let found = get(&key)?;
            if !found.eq(&expected)? {
                let name = format!("state_dict: {key}");
                return Err(unexpected(&name, expected.str()?, found.str()?));
            }
        }
        let number = |key: &str| -> PyResult<u32> {
            let value = get(key)?;
            value.extract().map_err(|_| {
                let name = format!("state_dict: {key}");
                let found = value.str().map_or_else(|_| "another".into(), |text| text.to_string());
                unexpected(&name, "a number from 0", found)
            })
        };
        let position = Position { epoch: number("epoch")?, step: number("step")? };
        if position.step >= self.steps() {
            let expected = format!("a number below {}", self.steps());
            return Err(unexpected("state_dict: step", expected, position.step));
        }
        self.move_to(py, position)
    }

    /// Ends the threads. Batches that were taken stay valid.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.check()?;
        py.detach(|| {
            let mut state = self.lock();
            state.is_closed = true;
            state.running = None;
        });
        Ok(())
    }

    fn __enter__<'py>(slf: Bound<'py, Self>) -> Bound<'py, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __repr__(&self) -> String {
        let LoaderConfig { batch_size, seed, .. } = self.plan;
        let steps = self.steps();
        format!("twinview.Loader({steps} batches of {batch_size} an epoch, seed={seed})")
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = state.running.take() else { return };
        if !self.process.is_here() {
            // Its threads are not in this process: there is nothing to wait for.
            std::mem::forget(running);
            return;
        }
        // Not with Python's lock, which a thread may need to let go of a borrowed array.
        let mut running = Some(running);
        Python::try_attach(|py| py.detach(|| running = None));
    }
}

/// The batches of one epoch.
#[pyclass(frozen, module = "twinview")]
pub struct LoaderIterator {
    loader: Py<Loader>,
    number: u64,
    epoch: u32,
}

#[pymethods]
impl LoaderIterator {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Batch>> {
        let loader = self.loader.get();
        let next = loader.next(py, Some((self.number, self.epoch)))?;
        next.map(|(batch, recycler)| loader.arrays(py, batch, recycler)).transpose()
    }
}
