//! The format of a run folder, and the names of its files.

/// The format of run folders that this version writes and reads. Raised when a record, a key or a
/// checkpoint changes its meaning.
pub const FORMAT: u32 = 2;

/// The configuration and what it became on this machine and data: a
/// [`RunRecord`](crate::RunRecord).
pub const CONFIG: &str = "config.json";
/// One JSON object a line: a [`StepRecord`](crate::StepRecord) a step, an
/// [`EpochRecord`](crate::EpochRecord) an epoch.
pub const METRICS: &str = "metrics.jsonl";
/// The log: a copy of what was written to stderr.
pub const LOG: &str = "log.txt";
/// The result of a finished run: a [`Summary`](crate::Summary).
pub const SUMMARY: &str = "summary.json";
/// The encoder of a finished run.
pub const ENCODER: &str = "encoder.safetensors";
/// The weights that the encoder began with, where they came from a file.
pub const INIT_WEIGHTS: &str = "initial.safetensors";
/// Who uses the folder, where the file system has no locks.
pub const LOCK: &str = "lock.json";
/// The folder of the checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";
/// Scores of the encoder: an [`EvaluationRecord`](crate::EvaluationRecord).
pub const EVALUATION: &str = "evaluation.json";
/// Training images and augmented views of them.
pub const AUGMENTATION: &str = "augmentation.png";
/// Test images and their nearest training images.
pub const NEIGHBORS: &str = "neighbors.png";

/// The start of the name of a TensorBoard event file.
const TENSORBOARD: &str = "events.out.tfevents.";

/// The name of the checkpoint after `step` steps; names sort by step.
pub fn checkpoint(step: u64) -> String {
    format!("step-{step:09}.safetensors")
}

/// Whether a file called `name` is a checkpoint.
pub fn is_checkpoint(name: &str) -> bool {
    name.starts_with("step-") && name.ends_with(".safetensors")
}

/// The name of a TensorBoard event file begun `secs` seconds after 1970 by the process `pid`.
pub fn tensorboard(secs: u64, pid: u32) -> String {
    format!("{TENSORBOARD}{secs:010}.{pid}")
}

/// A file and what is in it, for the documentation.
pub(crate) struct FileInfo {
    pub name: &'static str,
    pub content: &'static str,
}

/// Every file, in the order in which they are described.
pub(crate) const ALL: &[FileInfo] = &[
    FileInfo {
        name: CONFIG,
        content: "The whole configuration, and what it became here: version, device, data, batch. \
                  Written at the start.",
    },
    FileInfo {
        name: METRICS,
        content: "One JSON object a line: one for every step, one for every epoch.",
    },
    FileInfo {
        name: "events.out.tfevents.*",
        content: "The metrics of every epoch and a picture of augmented views, for TensorBoard.",
    },
    FileInfo {
        name: "checkpoints/step-*.safetensors",
        content: "Weights, teacher, optimizer state, method state and the position in the data. \
                  The newest `checkpoint.keep_last` are kept, the best epoch's, and the newest from \
                  before training looked collapsed. One that can't be read on `--resume` is renamed \
                  to `*.damaged`.",
    },
    FileInfo {
        name: ENCODER,
        content: "The encoder alone, the teacher's where there is one. Written at the end; its \
                  metadata names architecture and input.",
    },
    FileInfo {
        name: INIT_WEIGHTS,
        content: "The weights that the encoder began with. Only where they came from a file.",
    },
    FileInfo { name: SUMMARY, content: "The result of the run. Written at the end." },
    FileInfo { name: LOG, content: "The messages of the run, which stderr has too." },
    FileInfo {
        name: LOCK,
        content: "Host and process that train the run. Only on file systems without locks.",
    },
    FileInfo {
        name: EVALUATION,
        content: "Scores of the encoder. Written by `twinview compare`, and by `twinview evaluate \
                  --out`.",
    },
    FileInfo {
        name: AUGMENTATION,
        content: "Training images, each with augmented views. Written by `twinview compare`.",
    },
    FileInfo {
        name: NEIGHBORS,
        content: "Test images, each with its nearest training images. Written by `twinview \
                  compare`.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_sort_by_step() {
        let [early, late] = [checkpoint(99), checkpoint(100)];
        assert!(early < late && is_checkpoint(&early));
        assert!(!is_checkpoint("encoder.safetensors"));
    }

    #[test]
    fn an_event_file_is_called_as_tensorboard_expects() {
        assert_eq!(tensorboard(1_700_000_000, 7), "events.out.tfevents.1700000000.7");
    }
}
