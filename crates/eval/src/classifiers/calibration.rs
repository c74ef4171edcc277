//! Calibration: how far the confidence of a classifier can be trusted.
//!
//! # Reference
//! C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural networks",
//! 2017.

use tch::{Kind, Tensor, no_grad};

/// Bins of the expected calibration error.
const BINS: usize = 15;
/// Temperatures are sought between 1 / `WIDEST` and `WIDEST`.
const WIDEST: f64 = 100.0;

/// The temperature that logits are to be divided by, so that their softmax is as likely as can be
/// with these `targets`.
///
/// A share of 1 / (images + 2) of each target goes to the other classes, as J. Platt does for two
/// ("Probabilistic outputs for support vector machines", 1999): however few images all have the
/// right class, none becomes certain.
///
/// # Shapes
/// `logits`: `[images, classes]`, float64; `targets`: `[images]`, int64, columns of the logits.
///
/// # Panics
/// If there are no images, or fewer than two classes.
pub fn fit_temperature(logits: &Tensor, targets: &Tensor) -> f64 {
    let [images, classes] = [0, 1].map(|axis| logits.size()[axis]);
    assert!(images > 0 && classes > 1, "logits of images and classes");
    let others = 1.0 / ((images + 2) as f64 * (classes - 1) as f64);
    no_grad(|| {
        let one_hot = Tensor::zeros_like(logits).scatter_value(1, &targets.unsqueeze(1), 1.0);
        let shares = one_hot * (1.0 - classes as f64 * others) + others;
        let expected = (shares * logits).sum(Kind::Double).double_value(&[]);
        // Of the cross-entropy by 1 / temperature, in which it is convex.
        let slope = |inverse: f64| {
            let p = (logits * inverse).softmax(1, Kind::Double);
            (p * logits).sum(Kind::Double).double_value(&[]) - expected
        };
        let (mut low, mut high) = (-WIDEST.ln(), WIDEST.ln());
        while high - low > 1e-9 {
            let middle = f64::midpoint(low, high);
            if slope(middle.exp()) < 0.0 { low = middle } else { high = middle }
        }
        (-f64::midpoint(low, high)).exp()
    })
}

/// The expected calibration error: the mean difference of confidence and accuracy over 15 equally
/// wide bins of confidence, weighted by the images in them. 0..=1; 0 for no images.
///
/// `confidences` are the probabilities of the predicted classes, `correct` says which of these are
/// the true ones.
///
/// # Panics
/// If the two have different lengths.
pub fn expected_calibration_error(confidences: &[f64], correct: &[bool]) -> f64 {
    assert_eq!(confidences.len(), correct.len(), "one confidence a prediction");
    // Confidence less correct predictions.
    let mut gaps = [0.0; BINS];
    for (&confidence, &correct) in confidences.iter().zip(correct) {
        let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        gaps[bin] += confidence - f64::from(u8::from(correct));
    }
    let sum: f64 = gaps.iter().map(|gap: &f64| gap.abs()).sum();
    sum / confidences.len().max(1) as f64
}

#[cfg(test)]
mod tests;
