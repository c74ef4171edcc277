//! What the bits of a run depend on beside configuration and data.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A part of a run that one process trained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentRecord {
    /// Steps that were done before.
    pub from_step: u64,
    /// When it started, in UTC (RFC 3339).
    pub started_at: String,
    /// What it ran on.
    pub environment: EnvironmentRecord,
}

/// Program and machine, as far as the bits of results depend on them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnvironmentRecord {
    /// Version of the program.
    pub version: String,
    /// Source revision that it was built from.
    pub revision: String,
    /// Version of libtorch.
    pub libtorch: String,
    /// The device.
    pub device: String,
    /// Kind of processor.
    pub processor: String,
    /// Instruction set of libtorch's own kernels (`ATEN_CPU_CAPABILITY`).
    pub cpu_capability: String,
    /// Threads of libtorch, in each process.
    pub threads: usize,
    /// Processes that trained together.
    #[serde(default = "one")]
    pub ranks: usize,
    /// Environment variables of oneDNN, MKL and OpenMP that are set and change rounding.
    pub variables: BTreeMap<String, String>,
}

/// The processes of a run of an older version.
fn one() -> usize {
    1
}

impl EnvironmentRecord {
    /// In what `other` differs, so that its results may have other bits: name, value here, value
    /// there.
    pub fn differences(&self, other: &Self) -> Vec<(String, String, String)> {
        let fields = |of: &Self| {
            let named = [
                ("program", format!("{} ({})", of.version, of.revision)),
                ("libtorch", of.libtorch.clone()),
                ("device", of.device.clone()),
                ("processor", of.processor.clone()),
                ("cpu_capability", of.cpu_capability.clone()),
                ("libtorch threads", of.threads.to_string()),
                ("ranks", of.ranks.to_string()),
            ];
            let named = named.map(|(name, value)| (name.to_owned(), value));
            named.into_iter().chain(of.variables.clone()).collect::<BTreeMap<_, _>>()
        };
        let (here, there) = (fields(self), fields(other));
        let names: BTreeSet<_> = here.keys().chain(there.keys()).collect();
        let unset = "not set".to_owned();
        names
            .into_iter()
            .map(|name| (name, here.get(name).unwrap_or(&unset), there.get(name).unwrap_or(&unset)))
            .filter(|(_, here, there)| here != there)
            .map(|(name, here, there)| (name.clone(), here.clone(), there.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_differ_by_name() {
        let here = EnvironmentRecord {
            version: "1".to_owned(),
            revision: "abc".to_owned(),
            libtorch: "2.11.0".to_owned(),
            device: "cpu".to_owned(),
            processor: "EPYC".to_owned(),
            cpu_capability: "AVX2".to_owned(),
            threads: 2,
            ranks: 1,
            variables: [("MKL_CBWR".to_owned(), "COMPATIBLE".to_owned())].into(),
        };
        assert_eq!(here.differences(&here), []);
        let mut there = here.clone();
        there.threads = 1;
        there.variables = [("ONEDNN_MAX_CPU_ISA".to_owned(), "AVX2".to_owned())].into();
        let found = here.differences(&there);
        let found: Vec<_> =
            found.iter().map(|(name, a, b)| [name.as_str(), a.as_str(), b.as_str()]).collect();
        assert_eq!(
            found,
            [
                ["MKL_CBWR", "COMPATIBLE", "not set"],
                ["ONEDNN_MAX_CPU_ISA", "not set", "AVX2"],
                ["libtorch threads", "2", "1"],
            ]
        );
    }
}
