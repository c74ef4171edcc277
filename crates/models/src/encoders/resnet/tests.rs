//! Normalization in training and evaluation. Numbers are compared with torchvision's in
//! `tests/resnet_golden.rs`.

use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad};

use super::*;
use crate::{EncoderConfig, FlatParameters, WeightStream, buffers};

fn build(depth: i64, norm: ResNetNorm, compute: Kind) -> (VarStore, Box<dyn Encoder>) {
    let store = VarStore::new(Device::Cpu);
    let rng = WeightRng { seed: 0, stream: WeightStream::Student };
    let config = EncoderConfig::ResNet(ResNetConfig::new(depth, Stem::ImageNet, norm));
    let encoder = config.build(&store.root(), rng, 32, compute).expect("an encoder");
    (store, encoder)
}

/// Different images of noise. Of 64 pixels four positions are left, so that one image has a
/// variance.
fn images(count: i64) -> Tensor {
    let pixels = Tensor::arange(count * 3 * 64 * 64, (Kind::Double, Device::Cpu));
    let pixels = ((pixels * 12.9898).sin() * 43_758.545_3).frac().abs();
    pixels.view([count, 64, 64, 3]).to_kind(Kind::Float).permute([0, 3, 1, 2])
}

fn off(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[]) / b.abs().max().double_value(&[])
}

/// How far the features of an image are from those that it has in a batch.
fn dependence(encoder: &dyn Encoder, mode: Mode) -> f64 {
    let images = images(4);
    no_grad(|| {
        let together = encoder.forward(&images, mode);
        let alone = encoder.forward(&images.narrow(0, 1, 1), mode);
        off(&alone, &together.narrow(0, 1, 1))
    })
}

fn copies(store: &VarStore) -> Vec<Tensor> {
    buffers(store).iter().map(|(_, tensor)| tensor.copy()).collect()
}

#[test]
fn only_batch_normalization_in_training_mixes_images_and_changes_state() {
    for norm in [ResNetNorm::Batch, ResNetNorm::Group, ResNetNorm::None] {
        let (store, encoder) = build(18, norm, Kind::Float);
        let batch = norm == ResNetNorm::Batch;
        assert_eq!(encoder.uses_batch_statistics(), batch);
        // Twenty layers of three numbers each.
        assert_eq!(buffers(&store).len(), if batch { 20 * 3 } else { 0 });
        let before = copies(&store);
        let training = dependence(&*encoder, Mode::Train);
        assert_eq!(training > 0.1, batch, "{norm:?}: {training}");
        let after = copies(&store);
        let moved = before.iter().zip(&after).filter(|(a, b)| a != b).count();
        assert_eq!(moved, after.len(), "{norm:?}");
        let reading = dependence(&*encoder, Mode::Eval);
        assert!(reading < 1e-4, "{norm:?}: {reading}");
        assert_eq!(copies(&store), after, "{norm:?}");
    }
}

#[test]
fn running_statistics_come_to_those_of_the_batch() {
    let (store, encoder) = build(18, ResNetNorm::Batch, Kind::Float);
    let images = images(8);
    no_grad(|| {
        let trained = encoder.forward(&images, Mode::Train);
        let early = off(&encoder.forward(&images, Mode::Eval), &trained);
        for _ in 0..60 {
            let _ = encoder.forward(&images, Mode::Train);
        }
        let late = off(&encoder.forward(&images, Mode::Eval), &trained);
        // What is left is that the running variance is unbiased.
        assert!(late < 0.75 * early, "{early} {late}");
    });
    let named = store.variables();
    assert_eq!(named["bn1.num_batches_tracked"].int64_value(&[]), 61);
}

#[test]
fn without_normalization_blocks_start_as_their_shortcuts_and_can_leave_that() {
    let (store, encoder) = build(50, ResNetNorm::None, Kind::Float);
    let parameters = FlatParameters::flatten(&store);
    let loss = || encoder.forward(&images(2), Mode::Train).square().mean(Kind::Float);
    let before = loss();
    let gradient = parameters.gradient(&before);
    let named = parameters.named(&gradient);
    let largest = |part: &str| {
        let found = named.iter().filter(|(name, _)| name.ends_with(part));
        let found: Vec<f64> = found.map(|(_, g)| g.abs().max().double_value(&[])).collect();
        assert!(!found.is_empty(), "{part}");
        found
    };
    assert_eq!(largest(".scale").len(), 16);
    assert!(largest(".scale").iter().all(|&gradient| gradient > 0.0));
    // The branches come in once their factors have left 0.
    assert!(largest(".conv3.weight").iter().all(|&gradient| gradient == 0.0));
    let before = before.double_value(&[]);
    assert!(before.is_finite() && before > 0.0, "{before}");
    // A step along the gradient that changes the loss to first order by a hundredth.
    let step = 0.01 * before / gradient.square().sum(Kind::Float).double_value(&[]);
    no_grad(|| {
        let mut weights = parameters.flat().shallow_clone();
        weights -= gradient * step;
    });
    let after = loss().double_value(&[]);
    assert!(after < before && after > 0.97 * before, "{before} {after}");
}

#[test]
fn in_bfloat16_weights_statistics_and_features_stay_single_precision() {
    for norm in [ResNetNorm::Batch, ResNetNorm::Group, ResNetNorm::None] {
        let (store, encoder) = build(18, norm, Kind::BFloat16);
        let (_, exact) = build(18, norm, Kind::Float);
        let parameters = FlatParameters::flatten(&store);
        let features = encoder.forward(&images(8), Mode::Train);
        assert_eq!(features.kind(), Kind::Float);
        let off = off(&features, &exact.forward(&images(8), Mode::Train));
        assert!(off > 0.0 && off < 0.15, "{norm:?}: {off}");
        let gradient = parameters.gradient(&features.square().sum(Kind::Float));
        assert_eq!(gradient.kind(), Kind::Float);
        let length = gradient.norm().double_value(&[]);
        assert!(length > 0.0 && length.is_finite(), "{norm:?}: {length}");
        for (name, buffer) in buffers(&store) {
            let count = name.ends_with("num_batches_tracked");
            let expected = if count { Kind::Int64 } else { Kind::Float };
            assert_eq!(buffer.kind(), expected, "{name}");
        }
    }
}

#[test]
fn maps_and_weights_lie_channels_last() {
    let store = VarStore::new(Device::Cpu);
    let rng = WeightRng { seed: 0, stream: WeightStream::Student };
    let config = ResNetConfig::new(18, Stem::Small, ResNetNorm::Batch);
    let network = ResNet::new(&config, &store.root(), rng, Kind::Float).unwrap();
    FlatParameters::flatten(&store);
    for name in ["conv1.weight", "layer2.0.conv1.weight"] {
        assert_eq!(store.variables()[name].stride()[1], 1, "{name}");
    }
    let stem = network.stem.forward(&images(2), Mode::Train);
    let block = network.blocks[0].forward(&stem, Mode::Train);
    assert_eq!((stem.stride()[1], block.stride()[1]), (1, 1));
}

#[test]
fn images_of_any_side_give_features() {
    let (_, encoder) = build(18, ResNetNorm::Batch, Kind::Float);
    assert_eq!(encoder.input_sizes(), InputSizes::from(1));
    for side in [1, 7, 40] {
        let images = Tensor::zeros([2, 3, side, side], (Kind::Float, Device::Cpu));
        assert_eq!(encoder.forward(&images, Mode::Eval).size(), [2, 512]);
    }
}

#[test]
fn other_depths_are_refused() {
    let store = VarStore::new(Device::Cpu);
    let rng = WeightRng { seed: 0, stream: WeightStream::Student };
    let config = ResNetConfig::new(20, Stem::Small, ResNetNorm::Batch);
    let error = ResNet::new(&config, &store.root(), rng, Kind::Float).unwrap_err();
    assert_eq!(error.to_string(), "encoder.resnet.depth: expected 18, 34 or 50, found 20");
}
