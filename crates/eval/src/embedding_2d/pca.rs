//! Images on a plane, to be looked at: the two directions in which their features vary most.

use metrics::unit_rows;
use tch::{Device, Kind, Tensor, no_grad};

use crate::features::to_vec;
use crate::{Error, Result};

/// Where images stand on a plane.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Coordinates of each image, in the order of the features; their mean is 0.
    pub places: Vec<[f64; 2]>,
    /// Shares of the variance along the two directions, 0..=1, the larger first; 0 where there is
    /// no variance.
    pub explained: [f64; 2],
}

/// The projection of l2-normalized features to their first two principal components. The sign of a
/// component is that which makes its largest coordinate positive, so that the same features always
/// give the same plane.
///
/// # Shapes
/// `features`: `[images, features]`, any float kind.
///
/// # Errors
/// [`Error::Empty`] for no images.
///
/// # Reference
/// Pearson, "On lines and planes of closest fit to systems of points in space", 1901.
pub fn principal_plane(features: &Tensor) -> Result<Plane> {
    if features.size()[0] == 0 {
        return Err(Error::Empty { split: "mapped" });
    }
    let (coordinates, values) = no_grad(|| {
        let unit = unit_rows(&features.to_device(Device::Cpu).to_kind(Kind::Double));
        let centered = &unit - unit.mean_dim([0i64].as_slice(), true, None);
        let (directions, values, _) = centered.svd(true, true);
        (directions * &values, to_vec(&values))
    });
    let variance: f64 = values.iter().map(|value| value * value).sum();
    let explained = [0, 1].map(|axis| {
        let value = values.get(axis).copied().unwrap_or(0.0);
        if variance > 0.0 { value * value / variance } else { 0.0 }
    });
    let [x, y] = [0, 1].map(|axis| axis_of(&coordinates, axis));
    Ok(Plane { places: x.into_iter().zip(y).map(|(x, y)| [x, y]).collect(), explained })
}

/// One column of `coordinates`, turned so that its largest entry is positive; zeros where there is
/// none.
fn axis_of(coordinates: &Tensor, axis: i64) -> Vec<f64> {
    let (images, axes) = coordinates.size2().expect("coordinates are a matrix");
    if axis >= axes {
        return vec![0.0; images as usize];
    }
    let column = to_vec(&coordinates.select(1, axis));
    let largest = column
        .iter()
        .fold(0.0, |largest: f64, &x| if x.abs() > largest.abs() { x } else { largest });
    let sign = if largest < 0.0 { -1.0 } else { 1.0 };
    column.into_iter().map(|x| sign * x).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_directions_of_literal_features() {
        // Unit rows (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), and twice each of the first two:
        // variances 4, 2, 0 along the axes.
        let rows = [
            [2.0f32, 0.0, 0.0],
            [-3.0, 0.0, 0.0],
            [0.0, 1.0, 0.0],
            [0.0, -7.0, 0.0],
            [1.0, 0.0, 0.0],
            [-1.0, 0.0, 0.0],
        ];
        let plane = principal_plane(&Tensor::from_slice2(&rows)).unwrap();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(plane.explained[0], 4.0 / 6.0) && near(plane.explained[1], 2.0 / 6.0));
        let sign = plane.places[0][0].signum();
        for (place, row) in plane.places.iter().zip(rows) {
            assert!(near(place[0], sign * f64::from(row[0]).clamp(-1.0, 1.0)));
            assert!(near(place[1].abs(), f64::from(row[1]).abs().min(1.0)));
        }
    }

    #[test]
    fn signs_do_not_depend_on_the_decomposition() {
        let x = Tensor::from_slice2(&[[1.0f32, 0.0], [1.0, 1.0], [0.0, 1.0], [9.0, 10.0]]);
        let plane = principal_plane(&x).unwrap();
        for axis in [0, 1] {
            let column = plane.places.iter().map(|place| place[axis]);
            let (low, high) =
                column.fold((0.0, 0.0), |(low, high): (f64, f64), x| (low.min(x), high.max(x)));
            assert!(high >= -low, "{plane:?}");
        }
        assert_eq!(principal_plane(&x).unwrap(), plane);
    }

    #[test]
    fn what_has_no_two_directions_lies_on_a_line_or_in_a_point() {
        let alike = Tensor::from_slice(&[1.0f32, 2.0]).repeat([4, 1]);
        let plane = principal_plane(&alike).unwrap();
        assert!(plane.places.iter().flatten().all(|x| x.abs() < 1e-9));
        let line = Tensor::from_slice2(&[[1.0f32], [-2.0], [3.0]]);
        let plane = principal_plane(&line).unwrap();
        assert!(plane.places.iter().all(|place| place[1] == 0.0));
        assert!((plane.explained[0] - 1.0).abs() < 1e-9);
        let one = principal_plane(&Tensor::from_slice2(&[[1.0f32, 5.0]])).unwrap();
        assert_eq!((one.places.len(), one.explained), (1, [0.0, 0.0]));
        let none = Tensor::zeros([0, 3], (Kind::Float, Device::Cpu));
        assert_eq!(principal_plane(&none), Err(Error::Empty { split: "mapped" }));
    }
}
