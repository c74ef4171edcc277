use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

const FLOAT: ScriptInput = ScriptInput::Named(NamedInput::Float);
const U8: ScriptInput = ScriptInput::Named(NamedInput::U8);
const SIDE: i64 = 16;

/// Writes what `forward` makes of floats as TorchScript.
fn traced(folder: &TempDir, forward: impl Fn(&Tensor) -> Vec<Tensor>) -> PathBuf {
    let path = folder.path().join("network.pt");
    let example = Tensor::zeros([3, 3, SIDE, SIDE], (Kind::Float, Device::Cpu));
    let mut forward = |inputs: &[Tensor]| forward(&inputs[0]);
    let module = CModule::create_by_tracing("Network", "forward", &[example], &mut forward);
    module.unwrap().save(&path).unwrap();
    path
}

fn open(path: &Path, pixels: ScriptInput) -> Result<ScriptNetwork, ScriptError> {
    ScriptNetwork::open(path, pixels, SIDE, Device::Cpu, Kind::Float)
}

fn means(x: &Tensor) -> Tensor {
    x.to_kind(Kind::Float).mean_dim([2i64, 3].as_slice(), false, Kind::Float)
}

#[test]
fn pixels_are_given_as_the_network_takes_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = traced(&folder, |x| vec![means(x)]);
    let images = Tensor::ones([40, 3, SIDE, SIDE], (Kind::Float, Device::Cpu)) * 0.4;
    let named = |name| ScriptInput::Named(name);
    for (pixels, expected) in [
        (U8, [102.0; 3]),
        (named(NamedInput::Float), [0.4; 3]),
        (
            named(NamedInput::ImageNet),
            [(0.4 - 0.485) / 0.229, (0.4 - 0.456) / 0.224, (0.4 - 0.406) / 0.225],
        ),
        (ScriptInput::Channels([[0.5, 0.4, 0.2], [0.5, 1.0, 0.1]]), [-0.2, 0.0, 2.0]),
    ] {
        let network = open(&path, pixels).unwrap();
        assert_eq!(network.feature_size(), 3);
        let features = network.features(&images);
        assert_eq!(features.size(), [40, 3]);
        let off = features - Tensor::from_slice(&expected).to_kind(Kind::Float).view([1, 3]);
        assert!(off.abs().max().double_value(&[]) < 1e-4, "{pixels:?}");
    }
}

#[test]
fn what_is_no_network_of_features_is_refused_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.pt");
    std::fs::write(&other, "weights").unwrap();
    let refused = |path: &Path, pixels, says: [&str; 2]| {
        let error = open(path, pixels).unwrap_err().to_string();
        assert!(says.iter().all(|says| error.contains(says)) && !error.contains('\n'), "{error}");
    };
    let missing = folder.path().join("missing.pt");
    refused(&missing, FLOAT, ["expected a TorchScript file, found", "missing.pt\": No such file"]);
    refused(&other, FLOAT, ["expected a TorchScript file, as torch.jit.save", "other.pt"]);
    let tuple = Path::new("tests/fixtures/tuple.pt");
    refused(tuple, FLOAT, ["expected a network that returns a tensor, found", "a tuple"]);
    type Forward = fn(&Tensor) -> Vec<Tensor>;
    let cases: [(Forward, ScriptInput, [&str; 2]); 4] = [
        (|x| vec![x * 1.0], FLOAT, ["features [images, size]", "Float [2, 3, 16, 16]"]),
        (|x| vec![means(x) / 0.0], FLOAT, ["expected finite features", "inf"]),
        (|x| vec![means(x) * 0.0 + 1.0], FLOAT, ["differ between images", "the same"]),
        (
            |x| vec![x.avg_pool2d([SIDE], [1], [0], false, true, 1).flatten(1, 3)],
            U8,
            ["images of image_size as teacher_input", "fails: "],
        ),
    ];
    for (forward, pixels, says) in cases {
        refused(&traced(&folder, forward), pixels, says);
    }
}

#[test]
fn a_network_of_floats_inside_works_in_any_kind() {
    let folder = tempfile::tempdir().unwrap();
    let path = traced(&folder, |x| vec![means(x)]);
    for compute in [Kind::Float, Kind::Double, Kind::BFloat16] {
        let network = ScriptNetwork::open(&path, FLOAT, SIDE, Device::Cpu, compute).unwrap();
        let images = Tensor::ones([2, 3, SIDE, SIDE], (Kind::Double, Device::Cpu));
        assert_eq!(network.features(&images).kind(), Kind::Double, "{compute:?}");
    }
}
