//! The head against DINOv2's (set K).

use golden::{Tensors, cases, difference, largest};
use tch::nn::VarStore;
use tch::{Device, no_grad};

use super::*;
use crate::{FlatParameters, WeightStream};

/// DINOv2's names of the head's tensors.
const NAMES: [(&str, &str); 8] = [
    ("dense1.weight", "mlp.0.weight"),
    ("dense1.bias", "mlp.0.bias"),
    ("dense2.weight", "mlp.2.weight"),
    ("dense2.bias", "mlp.2.bias"),
    ("dense3.weight", "mlp.4.weight"),
    ("dense3.bias", "mlp.4.bias"),
    ("gains", "weight_g"),
    ("prototypes", "last_layer.weight_v"),
];

#[test]
fn golden_outputs_and_gradients_match_set_k() {
    let tensors = Tensors::open("k_dinov2.safetensors");
    let mut checked = 0;
    for case in cases("k_dinov2.json", "DINOHead") {
        let inputs: Vec<&str> =
            case["inputs"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        let wanted = case["gradients_wrt"].as_array().unwrap();
        for (kind, tolerance) in [(Kind::Double, 1e-9), (Kind::Float, 1e-5)] {
            let mut store = VarStore::new(Device::Cpu);
            store.set_kind(kind);
            let config = DinoHeadConfig {
                hidden_dims: vec![20, 20],
                bottleneck_dim: 8,
                output_dim: 24,
                norm_last_layer: false,
            };
            let rng = WeightRng { seed: 0, stream: WeightStream::Student };
            let head = DinoHead::new(&config, &store.root(), rng, 12, kind).unwrap();
            assert!(store.variables()["gains"].equal(&Tensor::ones([24], (kind, Device::Cpu))));
            for (own, theirs) in NAMES {
                let mut own = store.variables()[own].shallow_clone();
                let gains = |name: &&&str| theirs == "weight_g" && name.ends_with("_g");
                let name = inputs.iter().find(|name| name.ends_with(theirs) || gains(name));
                no_grad(|| own.copy_(&tensors.get(name.unwrap()).view_as(&own)));
            }
            let parameters = FlatParameters::flatten(&store);
            let get = |name: &str| tensors.get(name).to_kind(kind).copy();
            let x = get("head_input").set_requires_grad(true);
            let output = head.forward(&x);
            let expected = tensors.get(case["output"].as_str().unwrap());
            let off = difference(&output, expected);
            assert!(off <= tolerance, "{} {kind:?}: {off}", case["form"]);
            let value = (output * get("head_cotangent")).sum(kind);
            let (gradient, of_input) = parameters.gradient_with(&value, &[&x]);
            let named = parameters.named(&gradient);
            for (number, name) in (1..).zip(wanted) {
                let name = name.as_str().unwrap();
                let is = |(own, _): &&(String, Tensor)| {
                    let (_, theirs) = NAMES.iter().find(|(ours, _)| ours == own).unwrap();
                    name.ends_with(theirs) || *theirs == "weight_g" && name.ends_with("_g")
                };
                let found = match name {
                    "head_input" => &of_input[0],
                    _ => &named.iter().find(is).unwrap().1,
                };
                let expected = tensors.get(case[format!("grad{number}")].as_str().unwrap());
                let bound = match (kind, expected.kind()) {
                    (Kind::Double, Kind::Double) => 1e-8,
                    (Kind::Double, _) => 2e-7,
                    _ => 2e-5,
                };
                let off = difference(found, &expected.view_as(found)) / largest(expected);
                assert!(off <= bound, "{} {kind:?}: {name} off by {off}", case["form"]);
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 4);
}
