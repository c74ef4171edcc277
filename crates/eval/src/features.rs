//! Features of labeled images, checked once, where they enter.

use tch::{Kind, Tensor};

use crate::{Error, Result};

/// Encoder outputs with one class each: what every protocol is computed from.
#[derive(Debug)]
pub struct Features {
    x: Tensor,
    labels: Tensor,
}

impl Features {
    /// Pairs features with labels, on the features' device.
    ///
    /// # Shapes
    /// `x`: `[images, features]`, a float kind; `labels`: 0-based classes, one an image.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where shapes do not fit, [`Error::NonFinite`] where the encoder has
    /// diverged.
    pub fn new(x: Tensor, labels: &[u16]) -> Result<Self> {
        let size = x.size();
        if size.len() != 2 || size[0] != labels.len() as i64 {
            return Err(Error::Mismatch {
                what: "shape of the features",
                expected: format!("[{}, features]", labels.len()),
                found: format!("{size:?}"),
            });
        }
        check_finite(&x)?;
        let labels: Vec<i64> = labels.iter().copied().map(i64::from).collect();
        let labels = Tensor::from_slice(&labels).to_device(x.device());
        Ok(Self { x: x.detach().to_kind(Kind::Float), labels })
    }

    /// The features, `[images, features]`, float32.
    pub fn x(&self) -> &Tensor {
        &self.x
    }

    /// The classes, `[images]`, int64, on the device of the features.
    pub fn labels(&self) -> &Tensor {
        &self.labels
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.x.size()[0] as usize
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of features of an image.
    pub fn dim(&self) -> usize {
        self.x.size()[1] as usize
    }

    /// The labels on the host.
    pub fn label_vec(&self) -> Vec<i64> {
        Vec::try_from(&self.labels).expect("labels are a vector of int64")
    }

    /// The images at `rows`, in that order.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where a row is not below [`len`](Self::len).
    pub fn select(&self, rows: &[u32]) -> Result<Self> {
        if let Some(row) = rows.iter().find(|&&row| row as usize >= self.len()) {
            return Err(Error::Mismatch {
                what: "index of an image in a subset",
                expected: format!("below {}", self.len()),
                found: row.to_string(),
            });
        }
        let rows: Vec<i64> = rows.iter().copied().map(i64::from).collect();
        let rows = Tensor::from_slice(&rows).to_device(self.x.device());
        Ok(Self { x: self.x.index_select(0, &rows), labels: self.labels.index_select(0, &rows) })
    }

    /// The same features, shared.
    pub(crate) fn share(&self) -> Self {
        Self { x: self.x.shallow_clone(), labels: self.labels.shallow_clone() }
    }

    pub(crate) fn check_not_empty(&self, split: &'static str) -> Result<()> {
        if self.is_empty() { Err(Error::Empty { split }) } else { Ok(()) }
    }
}

/// The numbers of a vector of float64, wherever they lie.
pub(crate) fn to_vec(values: &Tensor) -> Vec<f64> {
    Vec::try_from(values.contiguous()).expect("a vector of float64")
}

pub(crate) fn check_finite(x: &Tensor) -> Result<()> {
    let finite_rows = x.isfinite().all_dim(1, false).sum(Kind::Int64).int64_value(&[]) as usize;
    let images = x.size()[0] as usize;
    if finite_rows < images {
        return Err(Error::NonFinite { bad: images - finite_rows, images });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diverged_images_are_counted() {
        let x = Tensor::from_slice2(&[[1.0f32, 2.0], [f32::NAN, f32::NAN], [0.0, f32::INFINITY]]);
        let error = Features::new(x, &[0, 1, 1]).unwrap_err();
        assert_eq!(error, Error::NonFinite { bad: 2, images: 3 });
        assert!(error.to_string().contains("2 of 3 images"), "{error}");
    }

    #[test]
    fn labels_must_fit() {
        let x = Tensor::from_slice2(&[[1.0f32, 2.0], [3.0, 4.0]]);
        assert!(matches!(Features::new(x, &[0]), Err(Error::Mismatch { .. })));
        let flat = Tensor::from_slice(&[1.0f32, 2.0]);
        assert!(matches!(Features::new(flat, &[0, 1]), Err(Error::Mismatch { .. })));
    }

    #[test]
    fn select_keeps_order_and_checks_bounds() {
        let x = Tensor::from_slice2(&[[1.0f32], [2.0], [3.0]]);
        let features = Features::new(x, &[5, 6, 7]).unwrap();
        let subset = features.select(&[2, 0]).unwrap();
        assert_eq!(subset.label_vec(), [7, 5]);
        assert_eq!(subset.x().double_value(&[0, 0]), 3.0);
        assert!(matches!(features.select(&[3]), Err(Error::Mismatch { .. })));
    }
}
