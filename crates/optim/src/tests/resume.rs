//! A restored optimizer continues bit-identically.

use serde_json::json;
use tch::{Tensor, no_grad};

use super::{all_optimizers, small};
use crate::{Optimizer, StepCount};

const TOTAL: u64 = 6;

#[test]
fn a_restored_optimizer_continues_with_the_same_bits() {
    let lr = json!({"warmup_cosine": {"start": 0.0, "peak": 0.01, "end": 0.001, "warmup_fraction": 0.4}});
    for config in all_optimizers(lr, 0.01) {
        let (whole, parts) = (small(), small());
        let step = |optimizer: &mut Optimizer, parameters: &_, step: u64| {
            let gradient = (small().flat().detach() * (step + 1) as f64).sin();
            optimizer.step(parameters, &gradient, StepCount { step, total: TOTAL });
        };
        let mut uninterrupted = Optimizer::new(&config, &whole);
        (0..TOTAL).for_each(|number| step(&mut uninterrupted, &whole, number));

        let mut first = Optimizer::new(&config, &parts);
        (0..TOTAL / 2).for_each(|number| step(&mut first, &parts, number));
        let mut second = Optimizer::new(&config, &parts);
        for ((name, saved), (_, mut restored)) in
            first.state(&parts).iter().zip(second.state(&parts))
        {
            assert!(saved.abs().max().double_value(&[]) > 0.0, "{config:?}: {name}");
            no_grad(|| restored.copy_(saved));
        }
        second.resume(first.steps());
        (TOTAL / 2..TOTAL).for_each(|number| step(&mut second, &parts, number));

        assert_eq!(second.steps(), TOTAL);
        assert!(whole.flat() == parts.flat(), "{config:?}");
        let state = |optimizer: &Optimizer, parameters: &_| -> Vec<(String, Tensor)> {
            optimizer.state(parameters)
        };
        assert!(state(&uninterrupted, &whole) == state(&second, &parts), "{config:?}");
    }
}
