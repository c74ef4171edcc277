//! Small networks against timm's and DINOv2's own code (set L).

use golden::{Tensors, cases, difference, largest};
use serde_json::Value;

use super::*;
use crate::FlatParameters;

const CASES: &str = "l_vit.json";
const TENSORS: &str = "l_vit.safetensors";

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_else(|| panic!("{key} of {case}"))
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value}"))
}

/// The network of a case, with the weights of `file`.
fn network(case: &Value, file: &str, pool: VitPool, kind: Kind) -> (VarStore, Vit) {
    let about = &case["architecture"];
    let weights = Tensors::open(file);
    let shape = VitShape {
        embed_dim: number(&about["embed_dim"]),
        num_heads: number(&about["num_heads"]),
        depth: number(&about["depth"]),
    };
    let registers = number(&case["registers"]);
    let config = VitConfig {
        layer_scale: weights.has("blocks.0.ls1.gamma").then_some(1e-5),
        register_tokens: registers,
        no_embed_class: registers > 0,
        pool,
        ..VitConfig::new(VitSize::Custom(shape), number(&about["patch"]), number(&about["image"]))
    };
    let mut store = VarStore::new(Device::Cpu);
    store.set_kind(kind);
    let network = Vit::new(&config, &store.root(), RNG, kind).unwrap();
    let without_bias = case["options"]["qkv_bias"] == false;
    for (name, mut own) in store.variables() {
        // The reference has the weights of `fc_norm` under the name of the other.
        let weight = weights.get(&name.replace("fc_norm", "norm"));
        assert_eq!(weight.size(), own.size(), "{name}");
        no_grad(|| own.copy_(weight));
        if without_bias && name.ends_with("qkv.bias") {
            let _ = no_grad(|| own.zero_());
        }
    }
    (store, network)
}

fn inputs(tensors: &Tensors, case: &Value, kind: Kind) -> Tensor {
    let [height, width] = ["height", "width"].map(|key| number(&case[key]));
    let image = tensors.get("image").to_kind(kind);
    (image.narrow(2, 0, height).narrow(3, 0, width) - 128.0) / 64.0
}

/// Expects a tensor within `tolerance` of the largest entry.
fn close(what: &str, found: &Tensor, expected: &Tensor, tolerance: f64) {
    let off = difference(found, expected) / largest(expected).max(1.0);
    assert!(off <= tolerance, "{what}: off by {off}");
}

#[test]
fn golden_features_tokens_and_gradients_match_timm() {
    let tensors = Tensors::open(TENSORS);
    let mut checked = 0;
    for case in cases(CASES, "ViT_timm") {
        let pool = match text(&case, "pool") {
            "token" => VitPool::Token,
            "avg" => VitPool::Avg,
            // Another order, which timm has as an option and this program doesn't.
            _ => continue,
        };
        for (kind, tolerance) in [(Kind::Double, 1e-10), (Kind::Float, 1e-5)] {
            let (store, network) = network(&case, text(&case, "weights"), pool, kind);
            let parameters = FlatParameters::flatten(&store);
            let images = inputs(&tensors, &case, kind);
            let encoded = network.encode_images(&images, Mode::Train);
            let tokens = match pool {
                VitPool::Token => network.norm.forward(&encoded),
                VitPool::Avg => encoded.shallow_clone(),
            };
            let features = network.tokens(&encoded).features;
            let what = format!("{} {kind:?}", text(&case, "name"));
            close(&what, &features, tensors.get(text(&case, "features")), tolerance);
            close(&what, &tokens, tensors.get(text(&case, "tokens")), tolerance);
            close(&what, &network.forward(&images, Mode::Eval), &features, 1e-6);
            let both = network.forward_tokens(&images, Mode::Eval).unwrap();
            close(&what, &both.features, &features, 1e-6);
            close(&what, &both.patches, &tokens.slice(1, network.prefix, None, 1), 1e-6);
            let cotangent = |name: &str| tensors.get(name).to_kind(kind);
            let of_tokens = cotangent("cotangent_tokens").narrow(1, 0, tokens.size()[1]);
            let value = (&features * cotangent("cotangent_features")).sum(kind)
                + (&tokens * of_tokens).sum(kind);
            let expected = case["value"].as_f64().unwrap();
            let off = (value.double_value(&[]) - expected).abs();
            assert!(off <= 10.0 * tolerance * expected.abs().max(1.0), "{what}: value {value}");
            let gradient = parameters.gradient(&value);
            let named = parameters.named(&gradient);
            for (name, key) in case["gradients"].as_object().unwrap() {
                let own = |(own, _): &&(String, Tensor)| own.replace("fc_norm", "norm") == *name;
                let (_, found) = named.iter().find(own).unwrap();
                let expected = tensors.get(key.as_str().unwrap());
                let off = difference(found, expected) / largest(expected);
                assert!(off <= tolerance, "{what}: gradient of {name} off by {off}");
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 32, "cases, each in two kinds");
}

#[test]
fn golden_position_embeddings_match_timm() {
    let tensors = Tensors::open(TENSORS);
    for case in cases(CASES, "ViT_resample") {
        let grid = |key: &str| [number(&case[key][0]), number(&case[key][1])];
        let (old, new) = (grid("old"), grid("new"));
        let input = tensors.get(text(&case, "input")).to_kind(Kind::Double);
        let patches = resample_positions(&input.slice(1, 1, None, 1), old, new);
        let expected = tensors.get(text(&case, "timm")).slice(1, 1, None, 1);
        let tolerance = if expected.kind() == Kind::Double { 1e-10 } else { 1e-6 };
        close(text(&case, "name"), &patches, &expected, tolerance);
    }
}

#[test]
fn golden_drop_path_matches_timm() {
    let tensors = Tensors::open(TENSORS);
    for case in cases(CASES, "drop_path_rates") {
        for rates in case["rates"].as_array().unwrap() {
            for (rule, key) in
                [(DropPathRule::Linear, "linear"), (DropPathRule::Uniform, "uniform")]
            {
                let config = DropPathConfig { rate: rates["rate"].as_f64().unwrap(), rule };
                let found = config.rates(number(&rates["depth"]));
                let expected: Vec<f64> = serde_json::from_value(rates[key].clone()).unwrap();
                assert_eq!(found.len(), expected.len());
                for (found, expected) in found.iter().zip(&expected) {
                    assert!((found - expected).abs() < 1e-12, "{config:?}: {found}");
                }
            }
        }
    }
    for case in cases(CASES, "drop_path_forward") {
        let kind = Kind::Double;
        let (_store, network) = network(&case, text(&case, "weights"), VitPool::Token, kind);
        let keep = tensors.get(text(&case, "keep")).to_kind(kind);
        let rates: Vec<f64> = serde_json::from_value(case["per_block"].clone()).unwrap();
        let rates: Vec<f64> = rates.iter().flat_map(|rate| [*rate; 2]).collect();
        let rates = Tensor::from_slice(&rates).view([-1, 1]);
        let kept = keep / (&rates * -1.0 + 1.0);
        let kept = kept.where_self(&rates.gt(0.0), &rates.ones_like());
        let images = inputs(&tensors, &case, kind);
        let encoded = network.encode(&network.embed(&images), network.grid(&images), Some(&kept));
        let tokens = network.norm.forward(&encoded);
        close(text(&case, "name"), &tokens, tensors.get(text(&case, "tokens")), 1e-10);
    }
}
