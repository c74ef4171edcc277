use tch::{Device, Kind};

use super::*;
use crate::{Conv2d, Linear, WeightRng, WeightStream};

#[test]
fn layers_read_the_flat_buffer_and_gradients_follow_its_order() {
    let mut store = VarStore::new(Device::Cpu);
    store.set_kind(Kind::Double);
    let rng = WeightRng { seed: 3, stream: WeightStream::Student };
    let conv = Conv2d::new(&(store.root() / "conv"), rng, (3, 5), (3, 2), Kind::Double);
    let dense = Linear::new(&(store.root() / "dense"), rng, 20, 4, Kind::Double);
    let images = Tensor::arange(150, (Kind::Double, Device::Cpu)).sin().view([2, 3, 5, 5]);
    let forward = || dense.forward(&conv.forward(&images).relu().flatten(1, -1));
    let before = forward();
    let parameters = FlatParameters::flatten(&store);
    assert_eq!(parameters.flat().size(), [3 * 5 * 9 + 5 + 20 * 4 + 4]);
    assert_eq!(before, forward());

    let gradient = parameters.gradient(&forward().square().sum(Kind::Double));
    // A step along one coordinate changes the loss as the gradient says.
    for index in [0, 17, 100, 137, 200, 223] {
        let loss = || forward().square().sum(Kind::Double).double_value(&[]);
        let mut weight = parameters.flat().get(index);
        let old = weight.double_value(&[]);
        let _ = no_grad(|| weight.fill_(old + 1e-6));
        let up = loss();
        let _ = no_grad(|| weight.fill_(old - 1e-6));
        let slope = (up - loss()) / 2e-6;
        let _ = no_grad(|| weight.fill_(old));
        let expected = gradient.double_value(&[index]);
        assert!((slope - expected).abs() < 1e-6 * expected.abs().max(1.0), "{slope} {expected}");
    }
}

#[test]
fn first_weights_share_memory_and_a_gradient_goes_on_through_an_input() {
    let mut store = VarStore::new(Device::Cpu);
    store.set_kind(Kind::Double);
    let rng = WeightRng { seed: 3, stream: WeightStream::Student };
    let dense = |name: &str, sizes: (i64, i64)| {
        let path = store.root() / name;
        Linear::new(&path, rng, sizes.0, sizes.1, Kind::Double)
    };
    let (one, two) = (dense("one", (3, 4)), dense("two", (4, 2)));
    let parameters = FlatParameters::flatten(&store);
    let first = parameters.first("one.");
    assert_eq!(first.flat().size(), [3 * 4 + 4]);
    assert_eq!(first.flat().data_ptr(), parameters.flat().data_ptr());
    let x = Tensor::arange(15, (Kind::Double, Device::Cpu)).view([5, 3]);
    let end = |x: &Tensor| two.forward(x).square().sum(Kind::Double);
    let whole = parameters.gradient(&end(&one.forward(&x)));
    // The same in two halves, at what the first layer gives.
    let cut = one.forward(&x).detach().set_requires_grad(true);
    let (gradient, upstream) = parameters.gradient_with(&end(&cut), &[&cut]);
    let mut before = gradient.narrow(0, 0, first.flat().size()[0]);
    assert_eq!(before.abs().max().double_value(&[]), 0.0);
    before += first.gradient(&(one.forward(&x) * &upstream[0]).sum(Kind::Double));
    let off = (gradient - whole).abs().max().double_value(&[]);
    assert!(off < 1e-12, "{off}");
}

#[test]
#[should_panic(expected = "weights of b")]
fn weights_behind_others_are_not_the_first() {
    let store = VarStore::new(Device::Cpu);
    for name in ["a", "b"] {
        let _ = store.root().zeros(name, &[2]);
    }
    let _ = FlatParameters::flatten(&store).first("b");
}

#[test]
fn named_parts_have_the_shapes_of_the_parameters() {
    let store = VarStore::new(Device::Cpu);
    let rng = WeightRng { seed: 3, stream: WeightStream::Student };
    Conv2d::new(&(store.root() / "conv"), rng, (3, 5), (3, 2), Kind::Float);
    let parameters = FlatParameters::flatten(&store);
    let named = parameters.named(parameters.flat());
    assert_eq!(named[1].0, "conv.bias");
    assert_eq!(named[0].0, "conv.weight");
    assert_eq!(named[0].1, store.variables()["conv.weight"]);
    assert_eq!(named[0].1.size(), [5, 3, 3, 3]);
}
