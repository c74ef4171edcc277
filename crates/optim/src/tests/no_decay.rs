//! Which weights are decayed.

use models::FlatParameters;
use tch::nn::VarStore;
use tch::{Device, Kind};

use crate::no_decay::decay_mask;

#[test]
fn biases_norms_and_tokens_are_excluded_in_the_order_of_the_parameters() {
    let store = VarStore::new(Device::Cpu);
    let shapes: [(&str, &[i64]); 6] = [
        ("weight", &[2, 2]),
        ("bias", &[2]),
        ("cls_token", &[1, 1, 2]),
        ("kernel", &[1, 2, 1, 1]),
        ("pos_embed", &[1, 1, 2]),
        ("pos_embed_scale", &[2, 1]),
    ];
    for (name, shape) in shapes {
        let _ = (store.root() / "encoder").zeros(name, shape);
    }
    let parameters = FlatParameters::flatten(&store);
    let mask = |exclude| {
        let mask = decay_mask(&parameters, exclude);
        assert_eq!(mask.kind(), Kind::Float);
        Vec::<f32>::try_from(mask).unwrap()
    };
    let expected = [1., 1., 1., 1., 0., 0., 0., 0., 1., 1., 0., 0., 1., 1.];
    assert_eq!(mask(true), expected);
    assert_eq!(mask(false), [1.0; 14]);
}
