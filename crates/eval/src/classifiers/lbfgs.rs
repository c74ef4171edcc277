//! L-BFGS with a diagonal preconditioner, for smooth convex functions of up to some million
//! variables.
//!
//! The history and its recursion are plain float64 slices on the host: they are small beside one
//! evaluation of the function, which may use any device.
//!
//! # Reference
//! Nocedal and Wright, "Numerical Optimization", 2nd edition, algorithms 7.4 and 7.5. The line
//! search keeps a bracket that it bisects or doubles until the weak Wolfe conditions hold (Lewis
//! and Overton, 2013); near the minimum, where a decrease drowns in rounding, it accepts Hager and
//! Zhang's approximate conditions (2005).

use std::collections::VecDeque;

/// When to stop, and how much to remember.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop {
    /// The gradient is small enough at this share of max(1, norm of the point); Euclidean norms.
    pub tolerance: f64,
    /// Upper bound of the number of iterations.
    pub iterations: usize,
}

/// Where the search ended.
#[derive(Clone, Debug)]
pub(crate) struct Minimum {
    pub x: Vec<f64>,
    pub value: f64,
    pub gradient_norm: f64,
    pub iterations: usize,
    pub evaluations: usize,
    /// Whether the gradient is as small as was asked for.
    pub converged: bool,
}

/// Pairs of steps and gradient changes that are remembered.
const MEMORY: usize = 12;

/// Minimizes `function`, which gives value and gradient, from `start`.
///
/// `inverse_diagonal` estimates the inverse of the Hessian's diagonal, up to one common factor.
pub(crate) fn minimize(
    mut function: impl FnMut(&[f64]) -> (f64, Vec<f64>),
    start: Vec<f64>,
    inverse_diagonal: &[f64],
    stop: Stop,
) -> Minimum {
    let (value, gradient) = function(&start);
    let mut point = Point { x: start, value, gradient };
    let mut history = History::new(inverse_diagonal);
    let (mut iterations, mut evaluations) = (0, 1);
    while !stop.reached(&point) && iterations < stop.iterations {
        let direction = history.direction(&point.gradient);
        let found = search(&mut function, &point, &direction, &mut evaluations);
        let Some(next) = found else {
            if history.pairs.is_empty() {
                break; // Even the steepest descent finds nothing lower: the limit of float64.
            }
            history.pairs.clear();
            continue;
        };
        history
            .remember(difference(&next.x, &point.x), difference(&next.gradient, &point.gradient));
        point = next;
        iterations += 1;
    }
    let gradient_norm = norm(&point.gradient);
    let converged = stop.reached(&point);
    Minimum { x: point.x, value: point.value, gradient_norm, iterations, evaluations, converged }
}

impl Stop {
    fn reached(&self, point: &Point) -> bool {
        norm(&point.gradient) <= self.tolerance * norm(&point.x).max(1.0)
    }
}

struct Point {
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    inverse_curvature: f64,
}

struct History<'a> {
    pairs: VecDeque<Pair>,
    inverse_diagonal: &'a [f64],
}

impl<'a> History<'a> {
    fn new(inverse_diagonal: &'a [f64]) -> Self {
        Self { pairs: VecDeque::with_capacity(MEMORY), inverse_diagonal }
    }

    fn remember(&mut self, step: Vec<f64>, change: Vec<f64>) {
        let curvature = dot(&step, &change);
        if curvature <= f64::EPSILON * norm(&step) * norm(&change) {
            return; // Rounding has eaten the curvature; the pair would spoil the estimate.
        }
        if self.pairs.len() == MEMORY {
            self.pairs.pop_front();
        }
        self.pairs.push_back(Pair { step, change, inverse_curvature: 1.0 / curvature });
    }

    /// Minus the estimated inverse Hessian times the gradient: the two-loop recursion.
    fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut weights = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let weight = pair.inverse_curvature * dot(&pair.step, &q);
            add_scaled(&mut q, -weight, &pair.change);
            weights.push(weight);
        }
        let scale = self.scale();
        q.iter_mut().zip(self.inverse_diagonal).for_each(|(q, inverse)| *q *= scale * inverse);
        for (pair, weight) in self.pairs.iter().zip(weights.iter().rev()) {
            let correction = pair.inverse_curvature * dot(&pair.change, &q);
            add_scaled(&mut q, weight - correction, &pair.step);
        }
        q
    }

    /// The factor that fits the preconditioner to the latest curvature.
    fn scale(&self) -> f64 {
        self.pairs.back().map_or(1.0, |pair| {
            let changes = pair.change.iter().zip(self.inverse_diagonal);
            let preconditioned: f64 =
                changes.map(|(change, inverse)| change * change * inverse).sum();
            1.0 / (pair.inverse_curvature * preconditioned)
        })
    }
}

/// The first point along `direction` that satisfies the Wolfe conditions; `None` if there is no
/// such step.
fn search(
    function: &mut impl FnMut(&[f64]) -> (f64, Vec<f64>),
    from: &Point,
    direction: &[f64],
    evaluations: &mut usize,
) -> Option<Point> {
    const DECREASE: f64 = 1e-4;
    const CURVATURE: f64 = 0.9;
    const ROUNDING: f64 = 1e-14;
    const TRIALS: usize = 40;
    let slope = dot(&from.gradient, direction);
    if slope.is_nan() || slope >= 0.0 {
        return None;
    }
    let (mut low, mut high, mut step) = (0.0, f64::INFINITY, 1.0);
    for _ in 0..TRIALS {
        let x: Vec<f64> = from.x.iter().zip(direction).map(|(x, d)| x + step * d).collect();
        let (value, gradient) = function(&x);
        *evaluations += 1;
        let new_slope = dot(&gradient, direction);
        let lower = value <= from.value + DECREASE * step * slope;
        let flat = value <= from.value + ROUNDING * from.value.abs()
            && new_slope <= (2.0 * DECREASE - 1.0) * slope;
        if !(lower || flat) {
            high = step;
        } else if new_slope < CURVATURE * slope {
            low = step;
        } else {
            return Some(Point { x, value, gradient });
        }
        step = if high.is_finite() { 0.5 * (low + high) } else { 2.0 * low };
    }
    None
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

fn add_scaled(to: &mut [f64], factor: f64, of: &[f64]) {
    to.iter_mut().zip(of).for_each(|(to, of)| *to += factor * of);
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOP: Stop = Stop { tolerance: 1e-9, iterations: 200 };

    fn rosenbrock(x: &[f64]) -> (f64, Vec<f64>) {
        let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
        (a * a + 100.0 * b * b, vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b])
    }

    #[test]
    fn finds_the_end_of_rosenbrocks_valley() {
        let minimum = minimize(rosenbrock, vec![-1.2, 1.0], &[1.0, 1.0], STOP);
        assert!(minimum.converged, "{minimum:?}");
        assert!((minimum.x[0] - 1.0).abs() < 1e-8 && (minimum.x[1] - 1.0).abs() < 1e-8);
        assert!(minimum.iterations < 60 && minimum.evaluations >= minimum.iterations);
    }

    #[test]
    fn a_matching_preconditioner_needs_hardly_a_step() {
        let scales: Vec<f64> = (0..20).map(|i| 10f64.powi(i % 7)).collect();
        let inverse: Vec<f64> = scales.iter().map(|scale| 1.0 / scale).collect();
        let quadratic = |x: &[f64]| {
            let gradient: Vec<f64> = x.iter().zip(&scales).map(|(x, s)| s * (x - 3.0)).collect();
            let value = x.iter().zip(&gradient).map(|(x, g)| 0.5 * (x - 3.0) * g).sum();
            (value, gradient)
        };
        let minimum = minimize(quadratic, vec![0.0; 20], &inverse, STOP);
        assert!(minimum.converged && minimum.iterations <= 2, "{minimum:?}");
        let plain = minimize(quadratic, vec![0.0; 20], &[1.0; 20], STOP);
        assert!(plain.converged && plain.iterations > 2);
        assert!(plain.x.iter().all(|x| (x - 3.0).abs() < 1e-8));
    }

    #[test]
    fn stops_where_it_is_told() {
        let stop = Stop { iterations: 3, ..STOP };
        let minimum = minimize(rosenbrock, vec![-1.2, 1.0], &[1.0, 1.0], stop);
        assert!(!minimum.converged && minimum.iterations == 3);
        let done = minimize(rosenbrock, vec![1.0, 1.0], &[1.0, 1.0], STOP);
        assert!(done.converged && done.evaluations == 1);
    }

    #[test]
    fn an_infinite_value_only_shortens_the_step() {
        // -log(x) + x, infinite left of 0; from 5 the first full step would land there.
        let barrier = |x: &[f64]| match x[0] > 0.0 {
            true => (x[0] - x[0].ln(), vec![1.0 - 1.0 / x[0]]),
            false => (f64::INFINITY, vec![f64::NAN]),
        };
        let minimum = minimize(barrier, vec![5.0], &[10.0], STOP);
        assert!(minimum.converged && (minimum.x[0] - 1.0).abs() < 1e-8, "{minimum:?}");
    }
}
