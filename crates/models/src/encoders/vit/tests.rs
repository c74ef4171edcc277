use tch::nn::VarStore;
use tch::{Device, no_grad};

use super::*;
use crate::{EncoderConfig, WeightStream};

const RNG: WeightRng = WeightRng { seed: 3, stream: WeightStream::Student };

fn tiny(patch: i64, image: i64) -> VitConfig {
    VitConfig { size: VitSize::Tiny, patch_size: patch, img_size: image }
}

fn built(config: VitConfig, compute: Kind) -> (VarStore, Box<dyn Encoder>) {
    let store = VarStore::new(Device::Cpu);
    let encoder = EncoderConfig::Vit(config).build(&store.root(), RNG, 32, compute);
    (store, encoder.unwrap())
}

fn images(count: i64, side: i64) -> Tensor {
    let pixels = Tensor::arange(count * 3 * side * side, (Kind::Float, Device::Cpu));
    (pixels * 0.7).sin().view([count, 3, side, side]) * 0.5 + 0.5
}

#[test]
fn an_image_is_encoded_on_its_own_and_at_any_side_of_whole_patches() {
    let (_store, encoder) = built(tiny(8, 32), Kind::Float);
    let sides = encoder.input_sizes();
    assert_eq!(sides, InputSizes::multiples_of(8));
    assert!(sides.contain(8) && sides.contain(96) && !sides.contain(0) && !sides.contain(33));
    for side in [8, 32, 40] {
        let images = images(3, side);
        let together = no_grad(|| encoder.forward(&images, Mode::Train));
        assert_eq!(together.size(), [3, encoder.feature_size()]);
        let alone = no_grad(|| encoder.forward(&images.narrow(0, 1, 1), Mode::Eval));
        let off = (together.narrow(0, 1, 1) - alone).abs().max();
        assert!(off.double_value(&[]) < 1e-4, "{side}: {off}");
    }
}

#[test]
fn where_a_patch_lies_makes_a_difference() {
    let (_store, encoder) = built(tiny(16, 32), Kind::Float);
    let image = images(1, 32);
    let turned = image.roll([16], [3]);
    let features = no_grad(|| encoder.forward(&Tensor::cat(&[image, turned], 0), Mode::Eval));
    let off = (features.get(0) - features.get(1)).abs().max();
    assert!(off.double_value(&[]) > 1e-4, "{off}");
}

#[test]
fn in_half_precision_features_are_alike_and_weights_stay() {
    let (store, whole) = built(tiny(8, 32), Kind::Float);
    let (_other, half) = built(tiny(8, 32), Kind::BFloat16);
    let images = images(4, 32);
    let [whole, half] = [whole, half].map(|encoder| {
        let features = no_grad(|| encoder.forward(&images, Mode::Eval));
        assert_eq!(features.kind(), Kind::Float);
        features
    });
    let likeness = Tensor::cosine_similarity(&whole, &half, 1, 1e-8).min();
    assert!(likeness.double_value(&[]) > 0.999, "{likeness}");
    assert!(store.variables().values().all(|t| t.kind() == Kind::Float));
}

#[test]
fn initial_weights_spread_as_timm_draws_them() {
    let (store, _) = built(tiny(16, 96), Kind::Float);
    let named = store.variables();
    let spread = |name: &str| named[name].std(false).double_value(&[]);
    let patch = 1.0 / (3.0 * 256.0f64).sqrt() / 3.0f64.sqrt();
    for (name, expected) in [
        ("pos_embed", 0.02),
        ("blocks.3.attn.qkv.weight", 0.02),
        ("blocks.11.mlp.fc2.weight", 0.02),
        ("cls_token", 1e-6),
        ("patch_embed.proj.weight", patch),
        ("blocks.0.mlp.fc1.bias", 0.0),
    ] {
        let found = spread(name);
        let close = (found - expected).abs() <= 0.15 * expected;
        assert!(close, "{name}: {found}, not {expected}");
    }
}

#[test]
fn what_can_not_be_cut_into_patches_is_refused() {
    let store = VarStore::new(Device::Cpu);
    let refused = |config: VitConfig| {
        let built = EncoderConfig::Vit(config).build(&store.root(), RNG, 96, Kind::Float);
        built.unwrap_err().to_string()
    };
    let patch = "encoder.vit.patch_size: expected 8, 12 or 16, found";
    assert!(refused(tiny(0, 96)).starts_with(patch));
    assert!(refused(tiny(32, 96)).starts_with(patch));
    for (side, image) in [(16, 0), (16, -16), (16, 100), (8, 1 << 40)] {
        let error = refused(tiny(side, image));
        assert!(error.starts_with("encoder.vit.img_size: "), "{error}");
    }
}
