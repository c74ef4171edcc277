//! Linear classifiers trained side by side on the same features, each with a learning rate of its
//! own: one pass of the encoder serves them all.
//!
//! Each is multinomial logistic regression from weights 0 by SGD with momentum. The gradient of the
//! mean cross-entropy is written out: `(softmax - one-hot)^T x / n`.

use tch::{Kind, Tensor, no_grad};

use crate::Predictions;

/// Decay of the velocity.
const MOMENTUM: f64 = 0.9;

/// `h` classifiers.
#[derive(Debug)]
pub struct LinearSweep {
    /// `[h, classes, features + 1]`: weights, and the bias in the last column.
    weights: Tensor,
    velocity: Tensor,
    /// `[h, 1, 1]`.
    rates: Tensor,
}

impl LinearSweep {
    /// Classifiers of `features` numbers, one for each of `rates`, on the device of `like`.
    pub fn new(rates: &[f64], classes: usize, features: i64, like: &Tensor) -> Self {
        let heads = rates.len() as i64;
        let zeros =
            || Tensor::zeros([heads, classes as i64, features + 1], (Kind::Float, like.device()));
        let rates: Vec<f32> = rates.iter().map(|&rate| rate as f32).collect();
        Self {
            weights: zeros(),
            velocity: zeros(),
            rates: Tensor::from_slice(&rates).view([heads, 1, 1]).to_device(like.device()),
        }
    }

    /// One step of all, each with `share` of its learning rate.
    ///
    /// # Shapes
    /// `x`: `[n, features]`, float32; `labels`: `[n]`, int64, n at least 1.
    pub fn step(&mut self, x: &Tensor, labels: &Tensor, share: f64) {
        no_grad(|| {
            let x = with_one(x);
            let classes = self.weights.size()[1];
            let target = labels.one_hot(classes).to_kind(Kind::Float);
            let error = (self.logits(&x).softmax(-1, Kind::Float) - target) / x.size()[0] as f64;
            let gradient = error.transpose(1, 2).matmul(&x);
            let _ = self.velocity.g_mul_scalar_(MOMENTUM);
            self.velocity += gradient;
            self.weights -= &self.velocity * (&self.rates * share);
        });
    }

    /// `[h, n, classes]` of `x` `[n, features + 1]`.
    fn logits(&self, x: &Tensor) -> Tensor {
        x.unsqueeze(0).matmul(&self.weights.transpose(1, 2))
    }

    /// The likeliest classes of `x` `[n, features]` by each classifier.
    pub fn rank(&self, x: &Tensor) -> Vec<Predictions> {
        let logits = no_grad(|| self.logits(&with_one(x)));
        let classes: Vec<i64> = (0..self.weights.size()[1]).collect();
        logits.unbind(0).iter().map(|logits| Predictions::rank(logits, &classes)).collect()
    }
}

/// `x` `[n, features]` with a column of ones, for the bias.
fn with_one(x: &Tensor) -> Tensor {
    Tensor::cat(&[x, &x.new_ones([x.size()[0], 1], (x.kind(), x.device()))], 1)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Reduction};

    use super::*;

    fn data() -> (Tensor, Tensor) {
        let x = Tensor::arange(60, (Kind::Float, Device::Cpu)).sin().view([12, 5]);
        let labels: Vec<i64> = (0..12).map(|row| row % 3).collect();
        (x, Tensor::from_slice(&labels))
    }

    /// The same classifier by automatic differentiation.
    fn reference(rate: f64, steps: usize) -> Tensor {
        let (x, labels) = data();
        let x = with_one(&x);
        let mut weights = Tensor::zeros([3, 6], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let mut velocity = weights.zeros_like();
        for step in 0..steps {
            let logits = x.matmul(&weights.tr());
            let loss =
                logits.cross_entropy_loss(&labels, None::<Tensor>, Reduction::Mean, -100, 0.0);
            let gradient = Tensor::run_backward(&[&loss], &[&weights], false, false).remove(0);
            no_grad(|| {
                velocity = &velocity * MOMENTUM + gradient;
                weights -= &velocity * (rate / (step + 1) as f64);
            });
        }
        weights.detach()
    }

    #[test]
    fn each_learns_as_if_it_were_alone() {
        let (x, labels) = data();
        let rates = [0.01, 0.3];
        let mut heads = LinearSweep::new(&rates, 3, 5, &x);
        for step in 0..20 {
            heads.step(&x, &labels, 1.0 / f64::from(step + 1));
        }
        for (head, rate) in (0..).zip(rates) {
            let off = (heads.weights.get(head) - reference(rate, 20)).abs().max();
            assert!(off.double_value(&[]) < 1e-5, "{rate}: off by {off:?}");
        }
        let predictions = heads.rank(&x);
        assert_eq!((predictions.len(), predictions[0].len()), (2, 12));
    }

    #[test]
    fn separable_classes_are_learned() {
        let x = Tensor::eye(4, (Kind::Float, Device::Cpu));
        let labels = Tensor::from_slice(&[2i64, 0, 1, 0]);
        let mut heads = LinearSweep::new(&[1.0], 3, 4, &x);
        for _ in 0..50 {
            heads.step(&x, &labels, 1.0);
        }
        assert_eq!(heads.rank(&x)[0].best().collect::<Vec<_>>(), [2, 0, 1, 0]);
    }
}
