//! What the bits of a run depend on beside its configuration and data.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::{env, fs};

use run::EnvironmentRecord;

use crate::RunRecord;

/// The environment of this process, one of `ranks` that train the run that `record` describes.
pub fn environment(record: &RunRecord, ranks: usize) -> EnvironmentRecord {
    EnvironmentRecord {
        version: record.version.clone(),
        revision: record.revision.clone(),
        libtorch: models::libtorch_version().unwrap_or_else(|| "unknown".to_owned()),
        device: record.device.clone(),
        processor: processor().unwrap_or_else(|| "unknown".to_owned()),
        cpu_capability: models::cpu_capability().unwrap_or_else(|| "unknown".to_owned()),
        threads: record.threads.libtorch,
        ranks,
        variables: variables(env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        })),
    }
}

/// A name that no other run has, in 32 hexadecimal digits.
pub fn new_run_id() -> String {
    // Keyed anew by the system each time.
    let random = || RandomState::new().build_hasher().finish();
    let pid = u64::from(std::process::id());
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(pid);
    format!("{:016x}{:016x}", random() ^ pid, hasher.finish())
}

/// The kind of processor.
fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Those of `all` that choose kernels or the order of sums; threads are recorded by their number.
fn variables(all: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let of_kernels = |name: &str| {
        let families = ["ONEDNN_", "DNNL_", "MKL_", "MKLDNN_", "KMP_", "CUBLAS_"];
        // They choose messages or numbers of threads.
        let others = ["VERBOSE", "NUM_THREADS", "AFFINITY", "WARNINGS", "BLOCKTIME"];
        name == "NVIDIA_TF32_OVERRIDE"
            || name == "ATEN_CPU_CAPABILITY"
            || families.iter().any(|family| name.starts_with(family))
                && !others.iter().any(|other| name.contains(other))
    };
    all.filter(|(name, _)| of_kernels(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_change_rounding_are_recorded() {
        let set = ["MKL_CBWR", "ONEDNN_MAX_CPU_ISA", "MKL_NUM_THREADS", "ONEDNN_VERBOSE", "HOME"];
        let set = set.map(|name| (name.to_owned(), "x".to_owned()));
        let found = variables(set.into_iter());
        let names: Vec<_> = found.keys().map(String::as_str).collect();
        assert_eq!(names, ["MKL_CBWR", "ONEDNN_MAX_CPU_ISA"]);
    }

    #[test]
    fn run_ids_differ() {
        let [a, b] = [new_run_id(), new_run_id()];
        assert!(a != b && a.len() == 32 && a.chars().all(|c| c.is_ascii_hexdigit()));
    }
}
