//! Multinomial logistic regression with a quadratic penalty, to the optimum.
//!
//! Minimizes `C * sum_i CE_i + |W|^2 / 2` over weights `W` and free intercepts `b`. The problem is
//! solved in the basis of the features' principal components after their mean is taken away.
//! Neither changes the optimum (a rotation keeps `|W|`, and the mean moves into the intercepts),
//! and both make the Hessian nearly diagonal, so that L-BFGS with that diagonal needs few steps
//! even for strongly correlated features.

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor, no_grad};

use crate::classifiers::lbfgs::{self, Stop};
use crate::features::to_vec;
use crate::{Error, Features, Predictions, Result, StandardScaler};

/// How exactly to solve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogisticSettings {
    /// The gradient's norm to stop at, as a share of max(1, norm of the weights). The penalty makes
    /// the objective strongly convex with modulus 1, so this bounds the weights' relative error as
    /// well.
    pub tolerance: f64,
    /// Upper bound of the number of L-BFGS iterations.
    pub max_iterations: usize,
}

impl Default for LogisticSettings {
    fn default() -> Self {
        Self { tolerance: 1e-5, max_iterations: 2000 }
    }
}

/// A linear classifier: the class with the largest `W x + b`.
#[derive(Debug)]
pub struct Model {
    /// Weights `W`, `[classes, features]`, float64.
    pub coef: Tensor,
    /// Intercepts `b`, `[classes]`, float64, shifted to mean 0.
    pub intercept: Tensor,
    /// The label that each row stands for, ascending: only labels that occur in training have one.
    pub labels: Vec<i64>,
}

impl Model {
    /// `W x + b`.
    ///
    /// # Shapes
    /// `x`: `[images, features]`, any float kind; the result is `[images, classes]`, float64.
    pub fn logits(&self, x: &Tensor) -> Tensor {
        no_grad(|| self.intercept.addmm(&x.to_kind(Kind::Double), &self.coef.tr()))
    }

    /// The predicted labels, one a row of `x`.
    pub fn predict(&self, x: &Tensor) -> Vec<i64> {
        let best =
            Vec::<i64>::try_from(&self.logits(x).argmax(1, false)).expect("a vector of int64");
        best.into_iter().map(|row| self.labels[row as usize]).collect()
    }

    /// The likeliest labels of each row of `x`.
    pub fn rank(&self, x: &Tensor) -> Predictions {
        Predictions::rank(&self.logits(x), &self.labels)
    }
}

/// A solved problem.
#[derive(Debug)]
pub struct Fit {
    /// The classifier.
    pub model: Model,
    /// Value of the objective.
    pub objective: f64,
    /// Euclidean norm of its gradient.
    pub gradient_norm: f64,
    /// L-BFGS iterations.
    pub iterations: usize,
    /// Evaluations of objective and gradient.
    pub evaluations: usize,
    /// Whether the gradient reached the tolerance.
    pub converged: bool,
    /// The solution in the problem's own basis, to start another `C` from.
    theta: Vec<f64>,
}

/// Training images, prepared once for any number of `C`.
#[derive(Debug)]
pub struct LogisticProblem {
    /// Centered and rotated features and a column of ones, `[images, components + 1]`, float64.
    design: Tensor,
    /// Row of the class of each image, `[1, images]`, int64.
    targets: Tensor,
    labels: Vec<i64>,
    /// `[1, features]` and `[features, components]`: a row of the design is
    /// `(x - mean) * rotation`. There are as many components as features, or images if fewer.
    mean: Tensor,
    rotation: Tensor,
    /// Sum of squares of each column of the design.
    column_squares: Vec<f64>,
}

impl LogisticProblem {
    /// Prepares `x` and `labels`.
    ///
    /// # Shapes
    /// `x`: `[images, features]`, a float kind, finite; `labels`: `[images]`, int64.
    ///
    /// # Errors
    /// [`Error::TooFewClasses`] where fewer than two different labels occur, [`Error::Mismatch`]
    /// where the shapes do not fit.
    pub fn new(x: &Tensor, labels: &Tensor) -> Result<Self> {
        if x.dim() != 2 || labels.size() != [x.size()[0]] {
            return Err(Error::Mismatch {
                what: "shape of the labels",
                expected: format!("one for each row of {:?}", x.size()),
                found: format!("{:?}", labels.size()),
            });
        }
        let host = Vec::<i64>::try_from(labels).expect("labels are a vector of int64");
        let mut present = host.clone();
        present.sort_unstable();
        present.dedup();
        if present.len() < 2 {
            return Err(Error::TooFewClasses { found: present.len() });
        }
        let rows: Vec<i64> = host
            .iter()
            .map(|label| present.partition_point(|other| other < label) as i64)
            .collect();
        let targets = Tensor::from_slice(&rows).to_device(x.device()).unsqueeze(0);
        Ok(no_grad(|| Self::rotated(x, targets, present)))
    }

    /// The regression on standardized features, and the scaling that standardizes them.
    ///
    /// # Errors
    /// [`Error::TooFewClasses`], as [`new`](Self::new).
    pub fn standardized(features: &Features) -> Result<(StandardScaler, Self)> {
        let scaler = StandardScaler::fit(features.x());
        let problem = Self::new(&scaler.apply(features.x()), features.labels())?;
        Ok((scaler, problem))
    }

    fn rotated(x: &Tensor, targets: Tensor, labels: Vec<i64>) -> Self {
        let x = x.to_kind(Kind::Double);
        let mean = x.mean_dim([0i64].as_slice(), true, None);
        let centered = x - &mean;
        let rotation = principal_axes(&centered);
        let ones = Tensor::ones([centered.size()[0], 1], (Kind::Double, centered.device()));
        let design = Tensor::cat(&[centered.matmul(&rotation), ones], 1);
        let column_squares =
            to_vec(&design.square().sum_dim_intlist([0i64].as_slice(), false, None));
        Self { design, targets, labels, mean, rotation, column_squares }
    }

    /// The row of the weights that stands for `label`.
    ///
    /// # Panics
    /// If it does not occur in training.
    pub(crate) fn column_of(&self, label: i64) -> usize {
        self.labels.binary_search(&label).expect("a label that occurs in training")
    }

    /// Solves for one `C`, where given from the solution for another.
    ///
    /// # Errors
    /// [`Error::BadSetting`] where `c` is not a positive number.
    pub fn fit(&self, c: f64, start: Option<&Fit>, settings: &LogisticSettings) -> Result<Fit> {
        if !(c > 0.0 && c.is_finite()) {
            return Err(Error::BadSetting {
                name: "c",
                expected: "a positive number",
                found: c.to_string(),
            });
        }
        let size = self.labels.len() * self.column_squares.len();
        let start = start.map_or_else(|| vec![0.0; size], |fit| fit.theta.clone());
        let stop = Stop { tolerance: settings.tolerance, iterations: settings.max_iterations };
        let found = lbfgs::minimize(
            |theta| self.objective(theta, c),
            start,
            &self.inverse_diagonal(c),
            stop,
        );
        Ok(Fit {
            model: self.model(&found.x),
            objective: found.value,
            gradient_norm: found.gradient_norm,
            iterations: found.iterations,
            evaluations: found.evaluations,
            converged: found.converged,
            theta: found.x,
        })
    }

    /// Value and gradient at `theta`: `[classes, features + 1]`, row by row.
    fn objective(&self, theta: &[f64], c: f64) -> (f64, Vec<f64>) {
        no_grad(|| {
            let (classes, columns) = (self.labels.len() as i64, self.column_squares.len() as i64);
            let theta = self.upload(theta).view([classes, columns]);
            let log_p = theta.matmul(&self.design.tr()).log_softmax(0, Kind::Double);
            let cross_entropy = -log_p.gather(0, &self.targets, false).sum(Kind::Double);
            let mut residual = log_p.exp();
            let _ = residual.scatter_add_(
                0,
                &self.targets,
                &-self.targets.ones_like().to_kind(Kind::Double),
            );
            let penalized = theta.copy();
            let _ = penalized.narrow(1, columns - 1, 1).zero_();
            let gradient = residual.matmul(&self.design) * c + &penalized;
            let value = cross_entropy * c + penalized.square().sum(Kind::Double) * 0.5;
            (value.double_value(&[]), to_vec(&gradient.view([-1])))
        })
    }

    /// Inverse of the Hessian's diagonal where all classes are equally likely.
    fn inverse_diagonal(&self, c: f64) -> Vec<f64> {
        let classes = self.labels.len() as f64;
        let curvature = c * (1.0 - 1.0 / classes) / classes;
        let last = self.column_squares.len() - 1;
        let columns = self.column_squares.iter().enumerate();
        let row: Vec<f64> = columns
            .map(|(column, squares)| {
                let penalty = if column == last { 0.0 } else { 1.0 };
                1.0 / (curvature * squares + penalty)
            })
            .collect();
        row.repeat(self.labels.len())
    }

    /// The solution for features as they were given.
    fn model(&self, theta: &[f64]) -> Model {
        no_grad(|| {
            let columns = self.column_squares.len() as i64;
            let theta = self.upload(theta).view([-1, columns]);
            let coef = theta.narrow(1, 0, columns - 1).matmul(&self.rotation.tr());
            let intercept = theta.select(1, columns - 1) - coef.matmul(&self.mean.view([-1]));
            let intercept = &intercept - intercept.mean(Kind::Double);
            Model { coef, intercept, labels: self.labels.clone() }
        })
    }

    fn upload(&self, values: &[f64]) -> Tensor {
        Tensor::from_slice(values).to_device(self.design.device())
    }
}

/// An orthonormal basis of the space that the rows of `centered` span, along the axes of their
/// covariance.
///
/// The optimal weights lie in that space. With fewer images than features it has fewer dimensions:
/// they are split off first, exactly, by an orthogonal decomposition.
///
/// # Shapes
/// `[images, features]` -> `[features, min(images, features)]`.
fn principal_axes(centered: &Tensor) -> Tensor {
    let size = centered.size();
    let basis = (size[0] < size[1]).then(|| {
        let transposed = centered.tr().to_device(Device::Cpu);
        Tensor::linalg_qr(&transposed, "reduced").0.to_device(centered.device())
    });
    let inside = basis.as_ref().map(|basis| centered.matmul(basis));
    let inside = inside.as_ref().unwrap_or(centered);
    let gram = inside.tr().matmul(inside).to_device(Device::Cpu);
    let axes = gram.linalg_eigh("L").1.to_device(centered.device());
    match basis {
        Some(basis) => basis.matmul(&axes),
        None => axes,
    }
}
