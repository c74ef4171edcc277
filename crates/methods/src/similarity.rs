//! Formulas that several objectives share.

use tch::{Kind, Reduction, Tensor};

/// Rows scaled to unit length, with the *squared* norm bounded from below at 1e-12.
///
/// # Shapes
/// `[n, d]` -> `[n, d]`
pub(crate) fn normalize(x: &Tensor) -> Tensor {
    let squared = x
        .square()
        .sum_dim_intlist([-1i64].as_slice(), true, x.kind());
    x * squared.clamp_min(1e-12).rsqrt()
}

/// Cross-entropy of each row of `logits` with its own index as the class, a value a row.
///
/// # Shapes
/// `[n, m]` with `m >= n` -> `[n]`
pub(crate) fn diagonal_cross_entropy(logits: &Tensor) -> Tensor {
    let classes = Tensor::arange(logits.size()[0], (Kind::Int64, logits.device()));
    logits.cross_entropy_loss(&classes, None::<Tensor>, Reduction::None, -100, 0.0)
}

/// Cross-entropy of predicted probabilities against target probabilities, a value a row.
///
/// Each prediction is divided by its row's sum, then clipped to `[1e-7, 1 - 1e-7]`; no gradient flows
/// where the clip acts. This is Keras' `categorical_crossentropy` on probabilities.
///
/// # Shapes
/// `target`, `prediction` `[n, d]` -> `[n]`
pub(crate) fn clipped_cross_entropy(target: &Tensor, prediction: &Tensor) -> Tensor {
    let row = [-1i64].as_slice();
    let sum = prediction.sum_dim_intlist(row, true, prediction.kind());
    let clipped = (prediction / sum).clamp(1e-7, 1.0 - 1e-7);
    -(target * clipped.log()).sum_dim_intlist(row, false, prediction.kind())
}
