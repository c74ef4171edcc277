//! Reads the reference vectors that golden tests compare with.
//!
//! The folder is `tests/reference`, or the one that `TWINVIEW_REFERENCE` names. Tests walk the JSON
//! files and look tensors up by the names that stand there. For tests only: whatever is missing
//! panics.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::Value;
use tch::{CModule, Device, Kind, Tensor, no_grad};

/// The largest relative error of rounding to float32, 2^-24.
const ROUNDING: f64 = 1.0 / (1 << 24) as f64;

/// The path of a file of the reference set.
pub fn path(name: &str) -> PathBuf {
    let folder = std::env::var_os("TWINVIEW_REFERENCE").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../reference")),
        PathBuf::from,
    );
    folder.join(name)
}

/// A JSON file of the reference set.
pub fn json(name: &str) -> Value {
    let path = path(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The cases of a JSON file of the reference set that are of the kind `loss`; there are some.
pub fn cases(name: &str, loss: &str) -> Vec<Value> {
    let reference = json(name);
    let cases = reference["cases"].as_array().unwrap_or_else(|| panic!("{name}: no cases")).iter();
    let cases: Vec<_> = cases.filter(|case| case["loss"] == loss).cloned().collect();
    assert!(!cases.is_empty(), "{name}: no cases of {loss}");
    cases
}

/// A safetensors file of the reference set.
#[derive(Debug)]
pub struct Tensors(HashMap<String, Tensor>);

impl Tensors {
    /// Reads `name`.
    pub fn open(name: &str) -> Self {
        let path = path(name);
        let named = Tensor::read_safetensors(&path);
        Self(named.unwrap_or_else(|e| panic!("{}: {e}", path.display())).into_iter().collect())
    }

    /// Whether there is a tensor called `name`.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The tensor called `name`.
    pub fn get(&self, name: &str) -> &Tensor {
        self.0.get(name).unwrap_or_else(|| panic!("no tensor {name} in the reference"))
    }

    /// The tensors whose names start with `prefix`, with the rest of their names.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Tensor)> {
        self.0.iter().filter_map(move |(name, tensor)| Some((name.strip_prefix(prefix)?, tensor)))
    }
}

/// `text` with the path of a TorchScript file in place of `$torchscript`. The file is beside the
/// test program; its network takes floats of any size and gives six features, means of parts of an
/// image.
pub fn with_teacher(text: &str) -> String {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let path = PATH.get_or_init(|| {
        let program = std::env::current_exe().expect("the path of the test program");
        let folder = program.parent().expect("a program is in a folder");
        // Several programs may write it at once.
        let own = folder.join(format!("teacher-{}.pt", std::process::id()));
        let shared = folder.join("teacher.pt");
        let mut forward = |inputs: &[Tensor]| {
            let means = inputs[0].adaptive_avg_pool2d([1, 2]).flatten(1, 3);
            vec![(means - 0.5) * 10.0]
        };
        let example = Tensor::zeros([3, 3, 8, 8], (Kind::Float, Device::Cpu));
        let module = CModule::create_by_tracing("Teacher", "forward", &[example], &mut forward);
        let module = module.expect("a traced network");
        module.save(&own).unwrap_or_else(|e| panic!("{}: {e}", own.display()));
        std::fs::rename(&own, &shared).unwrap_or_else(|e| panic!("{}: {e}", shared.display()));
        shared
    });
    text.replace("$torchscript", path.to_str().expect("a path in UTF-8"))
}

/// The largest absolute difference of two tensors of one shape.
pub fn difference(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.size(), b.size());
    no_grad(|| (a.to_kind(Kind::Double) - b.to_kind(Kind::Double)).abs().max().double_value(&[]))
}

/// The largest absolute entry.
pub fn largest(a: &Tensor) -> f64 {
    a.to_kind(Kind::Double).abs().max().double_value(&[])
}

/// Expects the gradient of a case, `grad1` or its largest entry alone, within `tolerance` of the
/// largest entry.
#[track_caller]
pub fn assert_gradient(
    what: &str,
    gradient: &Tensor,
    case: &Value,
    tensors: &Tensors,
    tolerance: f64,
) {
    let most = case["grad1_max_abs"].as_f64().expect("the largest entry");
    let Some(name) = case["grad1"].as_str() else {
        let off = (largest(gradient) - most).abs() / most;
        assert!(off <= tolerance.max(1e-7), "{what}: largest gradient off by {off}");
        return;
    };
    let expected = tensors.get(name);
    // What is stored in float32 is rounded.
    let tolerance = match (gradient.kind(), expected.kind()) {
        (Kind::Double, Kind::Float) => 2e-7,
        _ => tolerance,
    };
    let off = difference(gradient, expected) / most;
    assert!(off <= tolerance, "{what}: gradient off by {off}");
}

/// The columns of a matrix, each divided by its length.
pub fn unit_columns(x: &Tensor) -> Tensor {
    x / x.square().sum_dim_intlist([0i64].as_slice(), true, x.kind()).sqrt()
}

/// `x` with every entry changed by up to `ulps` roundings to float32 (each a relative 2^-24), up or
/// down; every `draw` gives other changes.
pub fn perturbed(x: &Tensor, ulps: f64, draw: u64) -> Tensor {
    let entries = Tensor::arange(x.numel() as i64, (Kind::Double, Device::Cpu));
    let noise = ((entries * 12.9898 + (draw + 1) as f64 * 78.233).sin() * 43_758.545_3).frac();
    x + x * noise.view_as(x).to_kind(x.kind()) * (ulps * ROUNDING)
}
