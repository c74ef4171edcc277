//! t-SNE of features: images on a plane where neighbors stay neighbors.

use bhtsne::tSNE;
use metrics::unit_rows;
use tch::{Device, Kind, Tensor, no_grad};

use crate::features::to_vec;
use crate::{Error, Plane, Result};

/// Steps of gradient descent; the first quarter enlarges attraction (early exaggeration).
const STEPS: usize = 1000;
/// Early exaggeration: lets clusters pass each other.
const EXAGGERATION: f64 = 12.0;
/// Standard deviation of the first coordinate at the start.
const START: f64 = 1e-4;
/// Barnes-Hut: how wide a cell may appear and still stand for all its images.
const THETA: f64 = 0.5;
/// Deviation of the first principal component of unit-length features below which all images are
/// alike.
const ALIKE: f64 = 1e-9;

/// The largest [`tsne`] perplexity that `images` images allow, at most 30 (the usual value); `None`
/// for fewer than four images, which have no neighborhoods.
pub fn usual_perplexity(images: usize) -> Option<f64> {
    (images >= 4).then(|| ((images - 1) as f64 / 3.0).min(30.0))
}

/// Coordinates of each image by t-SNE of the unit-length features, in the order of the features.
/// `perplexity` is about how many neighbors each image has.
///
/// Starts from `plane`, the [principal components](crate::principal_plane) of these features, and
/// runs on one thread, so that the same features always give the same coordinates.
/// Where all images have the same features, all are at 0.
///
/// # Shapes
/// `features`: `[images, features]`, any float kind.
///
/// # Errors
/// [`Error::Empty`] for no images, [`Error::Mismatch`] for a plane of another number of images,
/// [`Error::BadSetting`] unless 1 <= `perplexity` <= (images - 1) / 3, [`Error::NonFinite`].
///
/// # Reference
/// van der Maaten, "Accelerating t-SNE using tree-based algorithms", 2014, as the crate `bhtsne`
/// implements it; the start by Kobak and Berens, "The art of using t-SNE for single-cell
/// transcriptomics", 2019; the step size by Belkina et al., "Automated optimized parameters for
/// t-distributed stochastic neighbor embedding", 2019.
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
    let unit = no_grad(|| unit_rows(&features.to_device(Device::Cpu).to_kind(Kind::Double)));
    let values: Vec<f64> = to_vec(&unit.flatten(0, 1));
    let rows: Vec<&[f64]> = values.chunks_exact(values.len() / images).collect();
    let bad = rows.iter().filter(|row| row.iter().any(|value| !value.is_finite())).count();
    if bad > 0 {
        return Err(Error::NonFinite { bad, images });
    }
    let Some(start) = start(&plane.places) else {
        return Ok(vec![[0.0; 2]; images]);
    };
    let fit = || {
        let mut tsne = tSNE::<f64, &[f64]>::new(&rows);
        // The step size grows with the images. A lower bound, as other programs have, makes steps
        // of small sets diverge and parts duplicates.
        tsne.learning_rate(images as f64 / EXAGGERATION / 4.0)
            .early_exaggeration(EXAGGERATION)
            .epochs(STEPS)
            .perplexity(perplexity)
            .initial_embedding(start.as_slice())
            .barnes_hut(THETA, |a, b| squared_distance(a, b).sqrt());
        tsne.embedding()
    };
    // Sums by several threads have no fixed order.
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let places = one_thread.map_err(|error| Error::Threads(error.to_string()))?.install(fit);
    Ok(places.chunks_exact(2).map(|place| [place[0], place[1]]).collect())
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The principal components, as small as a start has to be; `None` where all are alike.
fn start(places: &[[f64; 2]]) -> Option<Vec<f64>> {
    let squares: f64 = places.iter().map(|place| place[0] * place[0]).sum();
    let deviation = (squares / places.len() as f64).sqrt();
    (deviation > ALIKE).then(|| places.iter().flatten().map(|at| START / deviation * at).collect())
}

#[cfg(test)]
mod tests;
