mod timm_golden;

use tch::nn::VarStore;
use tch::{Device, no_grad};

use super::*;
use crate::{DropPathKey, EncoderConfig, Normalize, WeightRng, WeightStream};

const RNG: WeightRng = WeightRng { seed: 3, stream: WeightStream::Student };

fn tiny(patch: i64, image: i64) -> VitConfig {
    VitConfig::new(VitSize::Tiny, patch, image)
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
    let patch = "encoder.vit.patch_size: expected 8, 12, 14 or 16, found";
    assert!(refused(tiny(0, 96)).starts_with(patch));
    assert!(refused(tiny(32, 96)).starts_with(patch));
    for (side, image) in [(16, 0), (16, -16), (16, 100), (8, 1 << 40)] {
        let error = refused(tiny(side, image));
        assert!(error.starts_with("encoder.vit.img_size: "), "{error}");
    }
}

#[test]
fn drop_path_acts_in_the_students_passes_alone_and_whatever_is_encoded_together() {
    let shape = VitShape { embed_dim: 12, num_heads: 2, depth: 3 };
    let plain = VitConfig::new(VitSize::Custom(shape), 8, 16);
    let drop_path = Some(DropPathConfig { rate: 0.5, rule: DropPathRule::Uniform });
    let (_store, dropping) = built(VitConfig { drop_path, ..plain.clone() }, Kind::Float);
    let (_other, plain) = built(plain, Kind::Float);
    let images = images(16, 16);
    let key = |first| DropPathKey { seed: 1, step: 2, first };
    let forward =
        |encoder: &dyn Encoder, images: &Tensor, mode| no_grad(|| encoder.forward(images, mode));
    for mode in [Mode::Train, Mode::Eval] {
        let whole = forward(&*dropping, &images, mode);
        assert_eq!(whole, forward(&*plain, &images, Mode::Eval));
    }
    let dropped = forward(&*dropping, &images, Mode::DropPath(key(0)));
    assert_ne!(dropped, forward(&*plain, &images, Mode::DropPath(key(0))));
    assert_eq!(dropped, forward(&*dropping, &images, Mode::DropPath(key(0))));
    let part = forward(&*dropping, &images.narrow(0, 5, 4), Mode::DropPath(key(5)));
    let off = (part - dropped.narrow(0, 5, 4)).abs().max();
    assert!(off.double_value(&[]) < 1e-5, "{off}");
}

#[test]
fn names_are_timms_with_layer_scale_registers_and_mean_pooling() {
    let config = VitConfig {
        layer_scale: Some(1e-5),
        register_tokens: 4,
        no_embed_class: true,
        pool: VitPool::Avg,
        ..tiny(14, 56)
    };
    let (store, _) = built(config, Kind::Float);
    let named = store.variables();
    for (name, shape) in [
        ("reg_token", &[1, 4, 192][..]),
        ("pos_embed", &[1, 16, 192]),
        ("blocks.11.ls1.gamma", &[192]),
        ("blocks.0.ls2.gamma", &[192]),
        ("fc_norm.weight", &[192]),
    ] {
        assert_eq!(named[name].size(), shape, "{name}");
    }
    assert!(!named.contains_key("norm.weight"));
    let gamma = &named["blocks.3.ls1.gamma"];
    assert_eq!((gamma - 1e-5).abs().max().double_value(&[]), 0.0);
}

#[test]
fn numbers_out_of_range_are_refused() {
    let store = VarStore::new(Device::Cpu);
    let refused = |settings: &str| {
        let text = format!(r#"{{"size": "tiny", "patch_size": 8, "img_size": 32, {settings}}}"#);
        let config: VitConfig = serde_json::from_str(&text).unwrap();
        let built = EncoderConfig::Vit(config).build(&store.root(), RNG, 32, Kind::Float);
        built.unwrap_err().to_string()
    };
    for (settings, says) in [
        (r#""layer_scale": 0"#, "layer_scale: expected null or a positive number, found 0"),
        (r#""register_tokens": -1"#, "register_tokens: expected a number from 0 to 64, found -1"),
        (
            r#""drop_path": {"rate": 1, "rule": "linear"}"#,
            "drop_path.rate: expected a number from 0, below 1, found 1",
        ),
        (
            r#""normalize": [[0, 0, 0], [1, 0, 1]]"#,
            "normalize: expected finite means and positive standard deviations, found [0.0, 0.0, \
             0.0] and [1.0, 0.0, 1.0]",
        ),
    ] {
        assert_eq!(refused(settings), format!("encoder.vit.{says}"));
    }
    let shape = VitShape { embed_dim: 12, num_heads: 5, depth: 3 };
    let config = EncoderConfig::Vit(VitConfig::new(VitSize::Custom(shape), 8, 16));
    let error = config.build(&store.root(), RNG, 32, Kind::Float).unwrap_err().to_string();
    assert!(error.starts_with("encoder.vit.size.custom: expected positive numbers"), "{error}");
}

#[test]
fn pixels_are_normalized_inside() {
    let config = tiny(8, 32);
    let (_store, plain) = built(config.clone(), Kind::Float);
    let numbers = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]];
    for normalize in [Normalize::IMAGENET, Normalize::Channels(numbers)] {
        let (_store, inside) = built(VitConfig { normalize, ..config.clone() }, Kind::Float);
        let images = images(2, 32);
        let [mean, std] = numbers.map(|numbers| Tensor::from_slice(&numbers).view([1, 3, 1, 1]));
        let before = ((&images - mean) / std).to_kind(Kind::Float);
        let expected = no_grad(|| plain.forward(&before, Mode::Eval));
        let found = no_grad(|| inside.forward(&images, Mode::Eval));
        close_to(&found, &expected);
        let tokens = no_grad(|| inside.forward_tokens(&images, Mode::Eval)).unwrap();
        close_to(&tokens.features, &expected);
    }
}

fn close_to(found: &Tensor, expected: &Tensor) {
    let off = (found - expected).abs().max().double_value(&[]);
    assert!(off < 1e-5, "{off}");
}
