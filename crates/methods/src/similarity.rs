//! Formulas that several methods share.

use tch::{Kind, Reduction, Tensor, no_grad};

use crate::Variant;

/// The smallest variance that a column is divided by. Below it a column counts as constant: it
/// becomes 0, not not-a-number.
const LEAST_VARIANCE: f64 = 1e-8;

/// Rows scaled to unit length, with the *squared* norm bounded from below at 1e-12.
///
/// # Shapes
/// `[n, d]` -> `[n, d]`
pub(crate) fn normalize(x: &Tensor) -> Tensor {
    let squared = x.square().sum_dim_intlist([-1i64].as_slice(), true, x.kind());
    x * squared.clamp_min(1e-12).rsqrt()
}

/// Columns with mean 0 and population variance 1; constant ones become 0.
///
/// # Shapes
/// `[n, d]` -> `[n, d]`
pub(crate) fn standardize(x: &Tensor) -> Tensor {
    let (centered, variance) = centered(x);
    centered * variance.clamp_min(LEAST_VARIANCE).rsqrt()
}

/// Columns less their means `[n, d]`, and their population variances `[1, d]`.
pub(crate) fn centered(x: &Tensor) -> (Tensor, Tensor) {
    let batch = [0i64].as_slice();
    let centered = x - x.mean_dim(batch, true, x.kind());
    let variance = centered.square().mean_dim(batch, true, x.kind());
    (centered, variance)
}

/// The sum of `square((C_ii - 1))` over the diagonal of a matrix, and that of
/// `square(C_ij - target)` over all other entries.
///
/// # Shapes
/// `[d, d]` -> two scalars
pub(crate) fn diagonal_and_rest(matrix: &Tensor, target: f64) -> (Tensor, Tensor) {
    let kind = matrix.kind();
    let diagonal = matrix.diagonal(0, 0, 1);
    let on = (&diagonal - 1.0).square().sum(kind);
    let rest = (matrix - target).square().sum(kind) - (diagonal - target).square().sum(kind);
    (on, rest)
}

/// The redundancy-reduction loss: `on`, the sum over the diagonal, plus `lambda` times `rest`, the
/// sum over the other entries of a `dimension` x `dimension` matrix. In the seed form both are
/// averages over their entries.
///
/// # Shapes
/// two scalars -> scalar
pub(crate) fn redundancy(
    variant: Variant,
    on: Tensor,
    rest: Tensor,
    lambda: f64,
    dimension: i64,
) -> Tensor {
    let d = dimension as f64;
    match variant {
        Variant::Seed => on / d + rest * (lambda / (d * (d - 1.0).max(1.0))),
        Variant::Paper => on + rest * lambda,
    }
}

/// Mean cosine similarity of the rows of `prediction` and `target`, with a stop-gradient on
/// `target`.
///
/// # Shapes
/// `[B, d]`, `[B, d]` -> scalar
pub(crate) fn mean_cosine(prediction: &Tensor, target: &Tensor) -> Tensor {
    let kind = prediction.kind();
    let products = normalize(prediction) * normalize(target).detach();
    products.sum_dim_intlist([-1i64].as_slice(), false, kind).mean(kind)
}

/// Mean squared distance of all views to the mean of the first `centered` ones; that mean has a
/// gradient too.
///
/// # Shapes
/// `views` `[V, B, d]` -> scalar
pub(crate) fn distance_to_center(views: &Tensor, centered: i64) -> Tensor {
    let (kind, views_dim) = (views.kind(), [0i64].as_slice());
    let center = views.narrow(0, 0, centered).mean_dim(views_dim, true, kind);
    (views - center).square().mean(kind)
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
/// Each prediction is divided by its row's sum, then clipped to `[1e-7, 1 - 1e-7]`; no gradient
/// flows where the clip acts. This is Keras' `categorical_crossentropy` on probabilities.
///
/// # Shapes
/// `target`, `prediction` `[n, d]` -> `[n]`
pub(crate) fn clipped_cross_entropy(target: &Tensor, prediction: &Tensor) -> Tensor {
    let row = [-1i64].as_slice();
    let sum = prediction.sum_dim_intlist(row, true, prediction.kind());
    let clipped = (prediction / sum).clamp(1e-7, 1.0 - 1e-7);
    -(target * clipped.log()).sum_dim_intlist(row, false, prediction.kind())
}

/// Mean cross-entropy of the softmax of `logits` against target probabilities, a scalar.
///
/// # Shapes
/// `target`, `logits` `[n, d]` -> scalar
pub(crate) fn soft_cross_entropy(target: &Tensor, logits: &Tensor) -> Tensor {
    let kind = logits.kind();
    let terms = target * logits.log_softmax(-1, kind);
    -terms.sum_dim_intlist([-1i64].as_slice(), false, kind).mean(kind)
}

/// A square matrix with its diagonal at minus infinity.
pub(crate) fn without_diagonal(matrix: &Tensor) -> Tensor {
    let own = Tensor::eye(matrix.size()[0], (Kind::Bool, matrix.device()));
    matrix.masked_fill(&own, f64::NEG_INFINITY)
}

/// NT-Xent, the normalized temperature-scaled cross-entropy of SimCLR.
///
/// Seen as classification: each of the `2B` views asks which of the other `2B - 1` views shows the
/// same image. The cosine similarities with all of them, divided by the temperature, are the
/// logits `[B, 2B]` of each direction (the entry of a view with itself is masked by minus
/// infinity); the class is the index of the other view of the image. Cross-entropy then pulls the
/// positive pair together and pushes all others apart, those hardest that are most similar: the
/// lower the temperature, the more the nearest negatives count. Larger batches give more
/// negatives, hence a harder and more useful task.
///
/// # Shapes
/// unit rows `a`, `b` `[B, d]` -> scalar
///
/// # Reference
/// Chen et al. 2020, arXiv 2002.05709, equation 1.
pub(crate) fn nt_xent(a: &Tensor, b: &Tensor, temperature: f64) -> Tensor {
    let cross = a.matmul(&b.tr()) / temperature;
    let own = |x: &Tensor| without_diagonal(&(x.matmul(&x.tr()) / temperature));
    // Row i: [the other view's B images | the same view's, i masked]; the positive is column i.
    let rows = Tensor::cat(&[cross.shallow_clone(), own(a)], 1); // [B, 2B]
    let columns = Tensor::cat(&[cross.tr(), own(b)], 1);
    diagonal_cross_entropy(&rows).mean(a.kind()) / 2.0
        + diagonal_cross_entropy(&columns).mean(a.kind()) / 2.0
}

/// Sinkhorn-Knopp: soft assignments (codes) of `n` images to `K` prototypes that use every
/// prototype equally.
///
/// If each image simply chose its most similar prototype, all could choose the same one: a
/// collapse. So the scores are taken as an optimal transport problem: maximize the similarity under
/// the constraint that every prototype gets an equal share of the batch. With an entropy term of
/// weight `epsilon`, the solution is `exp(scores / epsilon)` with scaled rows and columns, found by
/// alternating two steps: divide each column by its sum (equal prototypes), then each row by its
/// sum (an image's assignments sum to 1). Rows come last and are exact; columns are nearly equal
/// after a few iterations. A smaller `epsilon` gives sharper codes. Computed with logarithms, so
/// that no exponential underflows and no image loses its codes, however small `epsilon` is.
///
/// # Shapes
/// `scaled`, scores over `epsilon`, `[n, K]` -> `[n, K]`
///
/// # Reference
/// Cuturi 2013, arXiv 1306.0895, algorithm 1.
pub(crate) fn sinkhorn(scaled: &Tensor, iterations: u32) -> Tensor {
    let mut log_codes = scaled.shallow_clone();
    for _ in 0..iterations {
        for across in [0i64, 1] {
            log_codes = &log_codes - log_codes.logsumexp([across].as_slice(), true);
        }
    }
    log_codes.exp()
}

/// The Kozachenko-Leonenko estimator of differential entropy, negated: minus the mean logarithm of
/// the distances of unit rows to their nearest neighbors, which spreads features out.
///
/// # Shapes
/// `[B, d]` -> scalar
///
/// # Reference
/// Sablayrolles et al. 2018, arXiv 1806.03198, section 3.3, with DINOv2's constants.
pub(crate) fn koleo(features: &Tensor) -> Tensor {
    let unit = normalize(features);
    let nearest = no_grad(|| {
        let mut products = unit.matmul(&unit.tr());
        let _ = products.fill_diagonal_(-1.0, false);
        products.argmax(-1, false)
    });
    let apart = &unit - unit.index_select(0, &nearest) + 1e-8;
    let squared = apart.square().sum_dim_intlist([-1i64].as_slice(), false, unit.kind());
    -(squared.sqrt() + 1e-8).log().mean(unit.kind())
}
