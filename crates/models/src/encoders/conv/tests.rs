use tch::{Device, nn::VarStore};

use super::*;
use crate::{EncoderConfig, MlpConfig, Norm, ProjectionConfig, WeightStream};

const RNG: WeightRng = WeightRng { seed: 0, stream: WeightStream::Student };

fn build(side: i64, store: &VarStore) -> Result<Box<dyn Encoder>, ModelError> {
    EncoderConfig::Conv(ConvConfig { width: 128, layers: 4, pool: Pool::Flatten }).build(
        &(store.root() / "encoder"),
        RNG,
        side,
        Kind::Float,
    )
}

#[test]
fn seed_encoder_and_head_have_889_088_parameters() {
    let store = VarStore::new(Device::Cpu);
    let encoder = build(96, &store).unwrap();
    let head = ProjectionConfig::Mlp(MlpConfig {
        hidden_dims: vec![128],
        output_dim: 128,
        norm: Norm::None,
    });
    head.build(&(store.root() / "projection"), RNG, encoder.feature_size(), Kind::Float).unwrap();
    let count: usize = store.trainable_variables().iter().map(Tensor::numel).sum();
    assert_eq!(count, 889_088);
}

#[test]
fn names_are_the_checkpoints_schema() {
    let store = VarStore::new(Device::Cpu);
    build(96, &store).unwrap();
    let mut names: Vec<_> = store.variables().into_keys().collect();
    names.sort();
    let expected: Vec<_> = ["conv1", "conv2", "conv3", "conv4", "dense"]
        .iter()
        .flat_map(|layer| ["bias", "weight"].map(|tensor| format!("encoder.{layer}.{tensor}")))
        .collect();
    assert_eq!(names, expected);
}

#[test]
fn a_mean_over_positions_takes_any_side() {
    let store = VarStore::new(Device::Cpu);
    let config = ConvConfig { width: 8, layers: 4, pool: Pool::Mean };
    let config = EncoderConfig::Conv(config);
    let encoder = config.build(&store.root(), RNG, 96, Kind::Float).unwrap();
    assert_eq!(encoder.input_sizes(), InputSizes::from(31));
    for side in [31, 48, 96] {
        let images = Tensor::zeros([2, 3, side, side], (Kind::Float, Device::Cpu));
        assert_eq!(encoder.forward(&images, Mode::Eval).size(), [2, 8]);
    }
}

#[test]
fn too_small_images_are_refused_with_the_least_size() {
    let store = VarStore::new(Device::Cpu);
    let error = build(30, &store).unwrap_err().to_string();
    assert!(error.contains("at least 31 pixels, found 30"), "{error}");
    let store = VarStore::new(Device::Cpu);
    let encoder = build(31, &store).unwrap();
    assert_eq!(encoder.input_sizes(), InputSizes::only(31));
    let images = Tensor::zeros([2, 3, 31, 31], (Kind::Float, Device::Cpu));
    assert_eq!(encoder.forward(&images, Mode::Eval).size(), [2, 128]);
}
