//! Reading `metrics.jsonl`.

use serde_json::Value;

use crate::Place;

/// What an epoch line says of time and of a GPU's memory, which no two runs share.
const TIMES: [&str; 7] = [
    "images_per_sec",
    "data_wait",
    "train_secs",
    "eval_secs",
    "health_secs",
    "step_secs",
    "peak_gpu_memory_bytes",
];

impl Place {
    /// The lines of the `metrics.jsonl` of a run.
    #[track_caller]
    pub fn metrics(&self, run: &str) -> Vec<Value> {
        let text = String::from_utf8(self.read(&format!("{run}/metrics.jsonl"))).expect("UTF-8");
        assert!(text.is_empty() || text.ends_with('\n'), "a line is cut off");
        text.lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
            })
            .collect()
    }

    /// The same without what depends on the machine's speed.
    #[track_caller]
    pub fn timeless_metrics(&self, run: &str) -> Vec<Value> {
        let mut lines = self.metrics(run);
        for line in &mut lines {
            let line = line.as_object_mut().expect("an object a line");
            line.retain(|key, _| !TIMES.contains(&key.as_str()));
        }
        lines
    }

    /// The steps that have a line, in the order of the lines.
    #[track_caller]
    pub fn logged_steps(&self, run: &str) -> Vec<u64> {
        let lines = self.metrics(run);
        let steps = lines.iter().filter(|line| line["kind"] == "step");
        steps.map(|line| line["step"].as_u64().expect("a number")).collect()
    }

    /// The losses of the steps, as bits.
    #[track_caller]
    pub fn losses(&self, run: &str) -> Vec<u64> {
        let lines = self.metrics(run);
        let steps = lines.iter().filter(|line| line["kind"] == "step");
        steps.map(|line| line["loss"].as_f64().expect("a number").to_bits()).collect()
    }
}
