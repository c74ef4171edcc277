//! Steps that a GPU repeats as a whole (`train.cuda_graph`).

use methods::GraphCapture;
use models::cuda::{ComputeStream, CudaError, CudaGraph, GraphMemory};
use optim::StepCount;
use tch::Device;

use crate::learner::{Learner, StepMetrics};
use crate::session::input::{Input, Uploaded};
use crate::{Config, ConfigError, Error};

/// Steps on batches of one size before one is captured: libraries set up what they need for it.
const EAGER_STEPS: u32 = 3;

/// Refuses `train.cuda_graph` where no step can be captured.
pub(crate) fn check(config: &Config, learner: &Learner) -> Result<(), ConfigError> {
    if !config.train.cuda_graph {
        return Ok(());
    }
    let why = match (learner.student.store.device(), learner.graph_capture()) {
        (Device::Cuda(_), GraphCapture::Never(why)) => why,
        (Device::Cuda(_), _) => return Ok(()),
        _ => "there is no GPU to train on",
    };
    Err(ConfigError::Range {
        key: "train.cuda_graph".to_owned(),
        expected: format!("false where {why}"),
        found: "true".to_owned(),
    })
}

/// One training step.
pub(crate) fn eager(
    learner: &mut Learner,
    input: &Input,
    uploaded: Uploaded,
    count: StepCount,
) -> Result<StepMetrics, Error> {
    learner.begin_step(count, uploaded.counts[0]);
    run(learner, input, uploaded)
}

/// What of a step follows `begin_step`.
fn run(learner: &mut Learner, input: &Input, uploaded: Uploaded) -> Result<StepMetrics, Error> {
    let batch = input.batch(&uploaded);
    drop(uploaded);
    learner.profiler.lap(|secs| &mut secs.copy);
    Ok(learner.run_step(&batch)?)
}

/// The CUDA graphs of a run's steps, one for each size of batches: these differ by an image at
/// most.
#[derive(Debug)]
pub(crate) struct StepGraphs {
    /// First, as what they computed lies in `memory`.
    sizes: Vec<BatchSize>,
    memory: GraphMemory,
    gpu: usize,
    /// Everything of the run is computed on it.
    _stream: ComputeStream,
}

/// Batches of one size.
#[derive(Debug)]
struct BatchSize {
    counts: [i64; 2],
    eager: u32,
    captured: Option<Captured>,
}

/// A step as a graph.
#[derive(Debug)]
struct Captured {
    graph: CudaGraph,
    /// What it reads.
    input: Uploaded,
    /// What it writes, beside the state of the learner.
    metrics: StepMetrics,
}

impl StepGraphs {
    /// Where a run asks for graphs and no stage of its steps is waited for. This thread computes on
    /// a stream of its own from then on.
    pub fn of(config: &Config, learner: &Learner) -> Result<Option<Self>, CudaError> {
        match learner.student.store.device() {
            Device::Cuda(gpu) if config.train.cuda_graph && !learner.profiler.is_exact() => {
                let (memory, stream) = (GraphMemory::default(), ComputeStream::enter(gpu)?);
                Ok(Some(Self { sizes: Vec::new(), memory, gpu, _stream: stream }))
            }
            _ => Ok(None),
        }
    }

    /// One training step, with the bits of [`eager`]. Its metrics hold until the next one.
    pub fn step(
        &mut self,
        learner: &mut Learner,
        input: &Input,
        uploaded: Uploaded,
        count: StepCount,
    ) -> Result<StepMetrics, Error> {
        let size = match self.sizes.iter().position(|size| size.counts == uploaded.counts) {
            Some(index) => &mut self.sizes[index],
            None => {
                let counts = uploaded.counts;
                self.sizes.push(BatchSize { counts, eager: 0, captured: None });
                self.sizes.last_mut().expect("just added")
            }
        };
        learner.begin_step(count, uploaded.counts[0]);
        if learner.graph_capture() != GraphCapture::Now {
            return run(learner, input, uploaded);
        }
        if size.captured.is_none() && size.eager < EAGER_STEPS {
            size.eager += 1;
            return run(learner, input, uploaded);
        }
        let captured = match &mut size.captured {
            Some(captured) => captured,
            none => {
                let own = uploaded.alike();
                let work = || learner.run_step(&input.batch(&own));
                let (graph, metrics) = CudaGraph::capture(self.gpu, &mut self.memory, work)?;
                none.insert(Captured { graph, input: own, metrics: metrics? })
            }
        };
        captured.input.copy_from(&uploaded);
        learner.profiler.lap(|secs| &mut secs.copy);
        captured.graph.replay()?;
        learner.profiler.lap(|secs| &mut secs.forward);
        Ok(captured.metrics.shallow_clone())
    }
}
