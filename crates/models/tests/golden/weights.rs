//! Weights of the networks whose layers are normalized by their inputs alone.

use tch::Tensor;

use crate::golden::uniform;

/// The tensor called `name`, as the generator makes it.
pub fn weights(name: &str, shape: &[i64]) -> Tensor {
    let rule: Box<dyn Fn(f64) -> f64> = match *shape {
        [_, ref inputs @ ..] if [1, 3].contains(&inputs.len()) => {
            let bound = (3.0 / inputs.iter().product::<i64>() as f64).sqrt();
            Box::new(move |u: f64| u * bound)
        }
        [_] if name.ends_with(".weight") => Box::new(|u: f64| 1.0 + 0.25 * u),
        _ => Box::new(|u: f64| 0.25 * u),
    };
    let drawn = uniform(name, shape.iter().product::<i64>() as usize);
    let values: Vec<f32> = drawn.into_iter().map(|u| rule(u) as f32).collect();
    Tensor::from_slice(&values).view(shape)
}
