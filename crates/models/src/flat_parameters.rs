//! The trainable weights of a network in one flat buffer.

use std::collections::HashMap;

use tch::nn::VarStore;
use tch::{Tensor, no_grad};

/// The trainable weights of one variable store in one flat tensor.
///
/// The tensors of the layers become views of [`flat`](Self::flat), in the order in which they were
/// registered. Weights of convolutions are in channels-last order.
#[derive(Debug)]
pub struct FlatParameters {
    flat: Tensor,
    names: Vec<String>,
    tensors: Vec<Tensor>,
}

impl FlatParameters {
    /// Moves the trainable weights of `store` into one buffer.
    pub fn flatten(store: &VarStore) -> Self {
        let mut tensors = store.trainable_variables();
        let by_address: HashMap<_, _> = store
            .variables()
            .into_iter()
            .map(|(name, tensor)| (tensor.data_ptr() as usize, name))
            .collect();
        let names = tensors
            .iter()
            .map(|tensor| by_address[&(tensor.data_ptr() as usize)].clone())
            .collect();
        let shapes: Vec<_> = tensors.iter().map(Tensor::size).collect();
        let flat = no_grad(|| {
            let parts: Vec<_> = tensors.iter().map(in_memory_order).collect();
            let flat = if parts.is_empty() {
                Tensor::zeros([0], (store.kind(), store.device()))
            } else {
                Tensor::cat(&parts, 0)
            };
            for (tensor, view) in tensors.iter_mut().zip(split(&flat, &shapes)) {
                tensor.set_data(&view);
            }
            flat
        });
        Self { flat, names, tensors }
    }

    /// All weights, `[number of weights]`. Changing it in place changes the layers.
    pub fn flat(&self) -> &Tensor {
        &self.flat
    }

    /// Whether there is nothing to train.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// The gradient of the scalar `loss` with respect to [`flat`](Self::flat), `[number of
    /// weights]`; 0 for weights that `loss` does not depend on. Frees the graph.
    pub fn gradient(&self, loss: &Tensor) -> Tensor {
        self.flat_gradient(&Tensor::run_backward(&[loss], &self.tensors, false, false))
    }

    /// As [`gradient`](Self::gradient), and the gradient with respect to `input`, in its shape.
    /// `input` requires a gradient, and `loss` was computed from it.
    pub fn gradient_with(&self, loss: &Tensor, input: &Tensor) -> (Tensor, Tensor) {
        let inputs: Vec<&Tensor> = self.tensors.iter().chain([input]).collect();
        let mut gradients = Tensor::run_backward(&[loss], &inputs, false, false);
        let last = gradients.pop().expect("a gradient for every input");
        (self.flat_gradient(&gradients), defined(&last, input))
    }

    /// The leading weights whose names begin with `prefix`, as a view.
    ///
    /// # Panics
    /// If such weights follow others.
    pub fn first(&self, prefix: &str) -> Self {
        let fits = |name: &&String| name.starts_with(prefix);
        let count = self.names.iter().take_while(fits).count();
        let all = self.names.iter().filter(fits).count();
        assert_eq!(count, all, "weights of {prefix} that come first, and all");
        let tensors = &self.tensors[..count];
        let length = tensors.iter().map(|tensor| tensor.numel() as i64).sum();
        Self {
            flat: self.flat.narrow(0, 0, length),
            names: self.names[..count].to_vec(),
            tensors: tensors.iter().map(Tensor::shallow_clone).collect(),
        }
    }

    /// One gradient a weight, side by side.
    fn flat_gradient(&self, gradients: &[Tensor]) -> Tensor {
        let parts: Vec<Tensor> = gradients
            .iter()
            .zip(&self.tensors)
            .map(|(gradient, tensor)| in_memory_order(&defined(gradient, tensor)))
            .collect();
        Tensor::cat(&parts, 0)
    }

    /// The parts of `flat`, any tensor in the order of [`flat`](Self::flat), by parameter name.
    /// They are views, with the shapes of the parameters.
    pub fn named(&self, flat: &Tensor) -> Vec<(String, Tensor)> {
        let shapes: Vec<_> = self.tensors.iter().map(Tensor::size).collect();
        self.names.iter().cloned().zip(split(flat, &shapes)).collect()
    }
}

/// The tensors of `store` that are saved but not trained (queues, centers), sorted by name.
pub fn buffers(store: &VarStore) -> Vec<(String, Tensor)> {
    let mut named: Vec<_> =
        store.variables().into_iter().filter(|(_, tensor)| !tensor.requires_grad()).collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    named
}

/// The gradient of `tensor`, zeros where the loss doesn't depend on it.
fn defined(gradient: &Tensor, tensor: &Tensor) -> Tensor {
    if gradient.defined() { gradient.shallow_clone() } else { tensor.zeros_like() }
}

/// One dimension, convolution weights as (output, row, column, input).
fn in_memory_order(tensor: &Tensor) -> Tensor {
    match tensor.dim() {
        4 => tensor.permute([0, 2, 3, 1]).reshape([-1]),
        _ => tensor.reshape([-1]),
    }
}

/// Views of consecutive parts of `flat` with the given shapes: the inverse of `in_memory_order`.
fn split(flat: &Tensor, shapes: &[Vec<i64>]) -> Vec<Tensor> {
    let mut start = 0;
    let mut part = |shape: &Vec<i64>| {
        let count = shape.iter().product();
        let part = flat.narrow(0, start, count);
        start += count;
        match shape[..] {
            [o, i, h, w] => part.view([o, h, w, i]).permute([0, 3, 1, 2]),
            _ => part.view(&shape[..]),
        }
    };
    shapes.iter().map(&mut part).collect()
}

#[cfg(test)]
mod tests {
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
            assert!(
                (slope - expected).abs() < 1e-6 * expected.abs().max(1.0),
                "{slope} {expected}"
            );
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
        let (gradient, upstream) = parameters.gradient_with(&end(&cut), &cut);
        let mut before = gradient.narrow(0, 0, first.flat().size()[0]);
        assert_eq!(before.abs().max().double_value(&[]), 0.0);
        before += first.gradient(&(one.forward(&x) * upstream).sum(Kind::Double));
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
}
