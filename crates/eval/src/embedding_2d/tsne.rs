//! Images on a plane, to be looked at: neighbors stay neighbors.
//!
//! Every pair of images is computed with, which is quick for the thousand points that one can look
//! at, and summed in one order, so that the same features always give the same picture.

use metrics::unit_rows;
use tch::{Device, Kind, Tensor, no_grad};

use crate::features::to_vec;
use crate::{Error, Plane, Result};

/// Steps of gradient descent: first with the attraction enlarged, then as it is.
const STEPS: [usize; 2] = [250, 750];
/// Times that attraction is enlarged at first, which lets clusters pass each other.
const EXAGGERATION: f64 = 12.0;
/// Momentum in the two parts.
const MOMENTUM: [f64; 2] = [0.5, 0.8];
/// Standard deviation of the first coordinate at the start.
const START: f64 = 1e-4;
/// What a step may be scaled by, at least.
const LEAST_GAIN: f64 = 0.01;
/// Halvings of the interval that the width of a neighborhood is searched in.
const HALVINGS: usize = 64;
/// Sums that are kept side by side, so that the processor can add several numbers at once.
const LANES: usize = 8;

/// The largest [`tsne`] perplexity that `images` images allow, at most 30 (the value that is
/// usual); `None` for fewer than four images, which have no neighborhoods.
pub fn usual_perplexity(images: usize) -> Option<f64> {
    (images >= 4).then(|| ((images - 1) as f64 / 3.0).min(30.0))
}

/// Coordinates of each image by t-distributed stochastic neighbor embedding of the l2-normalized
/// features, in the order of the features; their mean is 0. `perplexity` is about how many
/// neighbors each image has.
///
/// It begins with `plane`, the [principal one](crate::principal_plane) of these features, and has
/// no randomness, so that the same features always give the same coordinates, and clusters keep
/// their rough arrangement. Time and memory grow by the square of the images: it is meant for a few
/// thousand.
///
/// # Shapes
/// `features`: `[images, features]`, any float kind.
///
/// # Errors
/// [`Error::Empty`] for no images, [`Error::Mismatch`] for a plane of another number of images,
/// [`Error::BadSetting`] unless 1 <= `perplexity` <= (images - 1) / 3,
/// [`Error::NonFinite`].
///
/// # Reference
/// van der Maaten and Hinton, "Visualizing data using t-SNE", 2008, equations 2 to 5; the start by
/// Kobak and Berens, "The art of using t-SNE for single-cell transcriptomics", 2019; the step size
/// by Belkina et al., "Automated optimized parameters for t-distributed stochastic neighbor
/// embedding", 2019.
pub fn tsne(features: &Tensor, plane: &Plane, perplexity: f64) -> Result<Vec<[f64; 2]>> {
    let images = features.size()[0] as usize;
    if images == 0 {
        return Err(Error::Empty { split: "mapped" });
    }
    if plane.places.len() != images {
        return Err(Error::Mismatch {
            what: "images on the plane",
            expected: images.to_string(),
            found: plane.places.len().to_string(),
        });
    }
    if !(1.0..=(images - 1) as f64 / 3.0).contains(&perplexity) {
        return Err(Error::BadSetting {
            name: "perplexity",
            expected: "1 to a third of the other images",
            found: perplexity.to_string(),
        });
    }
    let distances = distances(features);
    // The distance of an image to itself is finite where its features are.
    let bad = (0..images).filter(|i| !distances[i * images + i].is_finite());
    let bad = bad.count();
    if bad > 0 {
        return Err(Error::NonFinite { bad, images });
    }
    let affinities = affinities(&distances, images, perplexity);
    Ok(descend(&affinities, start(&plane.places)))
}

/// Squared Euclidean distances of all pairs of l2-normalized rows, row by row.
fn distances(features: &Tensor) -> Vec<f64> {
    let distances = no_grad(|| {
        let unit = unit_rows(&features.to_device(Device::Cpu).to_kind(Kind::Double));
        let distances: Tensor = 2.0 - 2.0 * unit.matmul(&unit.tr());
        distances.clamp_min(0.0).flatten(0, 1)
    });
    to_vec(&distances)
}

/// The principal components, as small as a start has to be.
fn start(places: &[[f64; 2]]) -> Places {
    let squares: f64 = places.iter().map(|place| place[0] * place[0]).sum();
    let deviation = (squares / places.len() as f64).sqrt();
    let scale = if deviation > 0.0 { START / deviation } else { 0.0 };
    let axis = |axis: usize| places.iter().map(|place| scale * place[axis]).collect();
    Places { x: axis(0), y: axis(1) }
}

/// Probabilities that two images are neighbors, symmetric, of sum 1 over all pairs.
fn affinities(distances: &[f64], images: usize, perplexity: f64) -> Vec<f64> {
    let mut joint = vec![0.0; images * images];
    for (i, row) in distances.chunks_exact(images).enumerate() {
        let row = neighborhood(row, i, perplexity);
        for (j, p) in row.into_iter().enumerate() {
            let p = p / (2.0 * images as f64);
            joint[i * images + j] += p;
            joint[j * images + i] += p;
        }
    }
    joint
}

/// Probabilities with which image `i` picks each other one as its neighbor, by squared distances:
/// those of a Gaussian whose width gives them the perplexity that is wanted.
fn neighborhood(distances: &[f64], i: usize, perplexity: f64) -> Vec<f64> {
    let others = || distances.iter().enumerate().filter(|&(j, _)| j != i);
    // Probabilities depend on differences of distances only, and the nearest image then never
    // underflows.
    let nearest = others().fold(f64::INFINITY, |least, (_, &d)| least.min(d));
    let entropy = |precision: f64| {
        let (mut sum, mut moment) = (0.0, 0.0);
        for (_, &distance) in others() {
            let above = distance - nearest;
            let weight = (-precision * above).exp();
            sum += weight;
            moment += weight * above;
        }
        precision * moment / sum + sum.ln()
    };
    let wanted = perplexity.ln();
    // Entropy falls as precision grows. Where many images are equally near, none is as small as is
    // wanted, and the search ends at a precision that leaves all others out.
    let [mut low, mut high] = [0.0, 1.0];
    while entropy(high) > wanted && high < 1e12 {
        low = high;
        high *= 2.0;
    }
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        if entropy(middle) > wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    let precision = (low + high) / 2.0;
    let mut weights: Vec<f64> =
        distances.iter().map(|distance| (-precision * (distance - nearest)).exp()).collect();
    weights[i] = 0.0;
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights
}

/// Coordinates, an axis each.
#[derive(Clone)]
struct Places {
    x: Vec<f64>,
    y: Vec<f64>,
}

/// Follows the gradient from `places`.
fn descend(affinities: &[f64], mut places: Places) -> Vec<[f64; 2]> {
    let images = places.x.len();
    // The step size grows with the images. A lower bound, as other programs have, makes steps of
    // small sets diverge until the gains stop them, and blows rounding between duplicates up.
    let rate = images as f64 / EXAGGERATION / 4.0;
    let still = vec![0.0; images];
    let mut speed = Places { x: still.clone(), y: still };
    let mut gains = [vec![1.0; images], vec![1.0; images]];
    for (part, steps) in STEPS.into_iter().enumerate() {
        let exaggeration = [EXAGGERATION, 1.0][part];
        for _ in 0..steps {
            let gradient = gradient(affinities, exaggeration, &places);
            let axes = [
                (&mut places.x, &mut speed.x, &gradient.x),
                (&mut places.y, &mut speed.y, &gradient.y),
            ];
            for ((place, speed, gradient), gain) in axes.into_iter().zip(&mut gains) {
                for i in 0..images {
                    // Longer steps where the direction stays, shorter ones where it turns (Jacobs,
                    // 1988).
                    let turned = (gradient[i] > 0.0) == (speed[i] > 0.0);
                    let changed = if turned { gain[i] * 0.8 } else { gain[i] + 0.2 };
                    gain[i] = f64::max(changed, LEAST_GAIN);
                    speed[i] = MOMENTUM[part] * speed[i] - rate * gain[i] * gradient[i];
                    place[i] += speed[i];
                }
                let mean = place.iter().sum::<f64>() / images as f64;
                place.iter_mut().for_each(|at| *at -= mean);
            }
        }
    }
    places.x.into_iter().zip(places.y).map(<[f64; 2]>::from).collect()
}

/// The gradient of the Kullback-Leibler divergence, attraction enlarged by `exaggeration`.
fn gradient(affinities: &[f64], exaggeration: f64, places: &Places) -> Places {
    let images = places.x.len();
    let mut attraction = Places { x: Vec::with_capacity(images), y: Vec::with_capacity(images) };
    let mut repulsion = attraction.clone();
    let mut total = 0.0;
    for (i, row) in affinities.chunks_exact(images).enumerate() {
        let forces = forces(row, [places.x[i], places.y[i]], places);
        attraction.x.push(forces[0]);
        attraction.y.push(forces[1]);
        repulsion.x.push(forces[2]);
        repulsion.y.push(forces[3]);
        // Without the image itself, whose similarity is 1.
        total += forces[4] - 1.0;
    }
    let whole = |attraction: Vec<f64>, repulsion: Vec<f64>| {
        let pairs = attraction.into_iter().zip(repulsion);
        pairs.map(|(a, r)| 4.0 * (exaggeration * a - r / total)).collect()
    };
    Places { x: whole(attraction.x, repulsion.x), y: whole(attraction.y, repulsion.y) }
}

/// What all images do to the one at `at`: attraction and repulsion along x and y, and the sum of
/// similarities.
fn forces(affinities: &[f64], at: [f64; 2], places: &Places) -> [f64; 5] {
    let mut sums = [[0.0; LANES]; 5];
    let mut add = |lane: usize, p: f64, x: f64, y: f64| {
        let (dx, dy) = (at[0] - x, at[1] - y);
        let q = 1.0 / (1.0 + dx * dx + dy * dy);
        let terms = [p * q * dx, p * q * dy, q * q * dx, q * q * dy, q];
        for (sum, term) in sums.iter_mut().zip(terms) {
            sum[lane] += term;
        }
    };
    let whole = |values: &[f64]| values.len() / LANES * LANES;
    let (p, p_rest) = affinities.split_at(whole(affinities));
    let (x, x_rest) = places.x.split_at(whole(&places.x));
    let (y, y_rest) = places.y.split_at(whole(&places.y));
    let blocks = p.chunks_exact(LANES).zip(x.chunks_exact(LANES));
    for ((p, x), y) in blocks.zip(y.chunks_exact(LANES)) {
        for lane in 0..LANES {
            add(lane, p[lane], x[lane], y[lane]);
        }
    }
    for (lane, ((&p, &x), &y)) in p_rest.iter().zip(x_rest).zip(y_rest).enumerate() {
        add(lane, p, x, y);
    }
    sums.map(|lanes| lanes.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal_plane;

    /// From the principal components.
    fn tsne(features: &Tensor, perplexity: f64) -> Result<Vec<[f64; 2]>> {
        super::tsne(features, &principal_plane(features)?, perplexity)
    }

    /// Rows around one of `groups` directions each, in turn, without randomness.
    fn clusters(rows: usize, groups: usize) -> Tensor {
        let value = |row: usize, column: usize| {
            let center = if column == row % groups { 1.0 } else { 0.0 };
            center + 0.15 * ((row * 31 + column * 17) as f64 * 12.9898).sin()
        };
        let values: Vec<f64> = (0..rows * 8).map(|at| value(at / 8, at % 8)).collect();
        Tensor::from_slice(&values).view([rows as i64, 8])
    }

    fn divergence(affinities: &[f64], places: &Places) -> f64 {
        let images = places.x.len();
        let similarity = |i: usize, j: usize| {
            let (dx, dy) = (places.x[i] - places.x[j], places.y[i] - places.y[j]);
            if i == j { 0.0 } else { 1.0 / (1.0 + dx * dx + dy * dy) }
        };
        let pairs = || (0..images * images).map(|at| (at / images, at % images));
        let total: f64 = pairs().map(|(i, j)| similarity(i, j)).sum();
        pairs()
            .filter(|(i, j)| i != j)
            .map(|(i, j)| {
                let p = affinities[i * images + j];
                p * (p / (similarity(i, j) / total)).ln()
            })
            .sum()
    }

    #[test]
    fn neighborhoods_have_the_perplexity_that_is_wanted() {
        let distances = distances(&clusters(60, 3));
        for perplexity in [1.0, 5.0, 19.0] {
            for (i, row) in distances.chunks(60).enumerate() {
                let p = neighborhood(row, i, perplexity);
                assert_eq!(p[i], 0.0);
                assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                let entropy: f64 = p.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
                let found = entropy.exp();
                assert!((found / perplexity - 1.0).abs() < 1e-6, "{found} for {perplexity}");
            }
        }
        let joint = affinities(&distances, 60, 5.0);
        assert!((joint.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((0..3600).all(|at| joint[at] == joint[at % 60 * 60 + at / 60]));
    }

    #[test]
    fn the_gradient_is_that_of_the_divergence() {
        let affinities = affinities(&distances(&clusters(21, 3)), 21, 4.0);
        let at = |axis: f64| (0..21).map(|i| (f64::from(i) * 1.7 + axis).sin()).collect();
        let places = Places { x: at(0.0), y: at(1.0) };
        let found = gradient(&affinities, 1.0, &places);
        let step = 1e-6;
        for i in 0..21 {
            let mut moved = [places.clone(), places.clone(), places.clone(), places.clone()];
            moved[0].x[i] += step;
            moved[1].x[i] -= step;
            moved[2].y[i] += step;
            moved[3].y[i] -= step;
            let [right, left, up, down] = moved.map(|places| divergence(&affinities, &places));
            for (slope, found) in [(right - left, found.x[i]), (up - down, found.y[i])] {
                let slope = slope / (2.0 * step);
                assert!((slope - found).abs() < 1e-8, "{slope} {found} of {i}");
            }
        }
    }

    #[test]
    fn clusters_stand_apart_and_the_same_features_stand_the_same() {
        let features = clusters(90, 3);
        let places = tsne(&features, 10.0).unwrap();
        assert_eq!(tsne(&features, 10.0).unwrap(), places);
        let distance = |i: usize, j: usize| {
            let [a, b] = [places[i], places[j]];
            (a[0] - b[0]).hypot(a[1] - b[1])
        };
        for i in 0..90 {
            let others = (0..90).filter(|&j| j != i);
            let nearest = others.min_by(|&a, &b| distance(i, a).total_cmp(&distance(i, b)));
            assert_eq!(nearest.unwrap() % 3, i % 3, "of {i}");
        }
        let affinities = affinities(&distances(&features), 90, 10.0);
        let end = Places {
            x: places.iter().map(|place| place[0]).collect(),
            y: places.iter().map(|place| place[1]).collect(),
        };
        let begin = start(&principal_plane(&features).unwrap().places);
        let [begin, end] = [begin, end].map(|places| divergence(&affinities, &places));
        assert!(end < begin / 3.0, "{begin} to {end}");
    }

    #[test]
    fn images_that_are_alike_stand_together() {
        let alike = Tensor::from_slice(&[1.0f32, 2.0]).repeat([12, 1]);
        let places = tsne(&alike, 3.0).unwrap();
        assert!(places.iter().flatten().all(|at| at.abs() < 1e-3), "{places:?}");
        // Five images of each of three kinds: as many neighbors as are wanted are never there.
        let dtypes = Tensor::eye(3, (Kind::Double, Device::Cpu)).repeat([5, 1]);
        let places = tsne(&dtypes, 2.0).unwrap();
        assert!(places.iter().flatten().all(|at| at.is_finite()));
        let distance =
            |i: usize, j: usize| (places[i][0] - places[j][0]).hypot(places[i][1] - places[j][1]);
        assert!(distance(0, 3) < distance(0, 1) / 10.0, "{places:?}");
    }

    #[test]
    fn rounding_does_not_part_duplicates() {
        let dtypes = Tensor::eye(3, (Kind::Double, Device::Cpu)).repeat([5, 1]);
        let plane = principal_plane(&dtypes).unwrap();
        for series in 0..20 {
            let mut moved = plane.clone();
            for (i, place) in moved.places.iter_mut().enumerate() {
                place[0] *= 1.0 + f64::EPSILON * ((i * 37 + series * 11) as f64).sin();
                place[1] *= 1.0 + f64::EPSILON * ((i * 53 + series * 29) as f64).cos();
            }
            let places = super::tsne(&dtypes, &moved, 2.0).unwrap();
            let distance = |i: usize, j: usize| {
                (places[i][0] - places[j][0]).hypot(places[i][1] - places[j][1])
            };
            for (i, j) in (0..15).flat_map(|i| (0..i).map(move |j| (i, j))) {
                assert_eq!(distance(i, j) < 0.1, i % 3 == j % 3, "{i} {j}: {places:?}");
            }
        }
    }

    #[test]
    fn what_has_no_neighborhoods_is_refused() {
        let refused = |perplexity: f64| {
            let error = tsne(&clusters(10, 2), perplexity).unwrap_err();
            assert!(matches!(error, Error::BadSetting { .. }), "{error}");
        };
        for perplexity in [0.9, 3.1, f64::NAN] {
            refused(perplexity);
        }
        assert!(tsne(&clusters(10, 2), 3.0).is_ok());
        assert_eq!(
            [3, 4, 31, 1000].map(usual_perplexity),
            [None, Some(1.0), Some(10.0), Some(30.0)]
        );
        let none = Tensor::zeros([0, 3], (Kind::Float, Device::Cpu));
        assert_eq!(tsne(&none, 1.0), Err(Error::Empty { split: "mapped" }));
        let diverged = clusters(10, 2);
        let plane = principal_plane(&diverged).unwrap();
        let _ = diverged.get(3).fill_(f64::NAN);
        let refused = super::tsne(&diverged, &plane, 3.0);
        assert_eq!(refused, Err(Error::NonFinite { bad: 1, images: 10 }));
        let other = super::tsne(&clusters(11, 2), &plane, 3.0).unwrap_err();
        assert!(matches!(other, Error::Mismatch { .. }), "{other}");
    }
}
