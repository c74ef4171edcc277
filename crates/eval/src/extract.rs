//! From images to features: the encoder over a whole split, in order and without augmentation.

use dataset::{Dataset, Split};
use tch::{Kind, Tensor, no_grad};

use crate::features::check_finite;
use crate::{Error, Features, Result};

/// The features of every image of a split, in order and without augmentation, labels or not.
///
/// Images of another size are brought to `side` x `side` pixels. `encode` turns a block of bytes into features `[images, features]`; it runs under no-grad, and `batch`
/// images a block.
///
/// # Errors
/// [`Error::Empty`] for an empty split, [`Error::NonFinite`] where the encoder has diverged.
pub fn extract(
    split: &Split,
    side: usize,
    batch: usize,
    encode: &dyn Fn(&loader::Block) -> Tensor,
) -> Result<Tensor> {
    if split.is_empty() {
        return Err(Error::Empty { split: "extracted" });
    }
    let blocks: Vec<Tensor> = no_grad(|| {
        loader::sequential(split, side, batch)
            .map(|block| encode(&block).to_kind(Kind::Float))
            .collect()
    });
    let x = Tensor::cat(&blocks, 0);
    check_finite(&x)?;
    Ok(x)
}

/// [`extract`] together with the labels of the split; `name` is "train" or "test" in messages.
///
/// # Errors
/// Those of [`extract`], and [`Error::NoLabels`].
pub fn extract_labelled(
    split: &Split,
    name: &'static str,
    side: usize,
    batch: usize,
    encode: &dyn Fn(&loader::Block) -> Tensor,
) -> Result<Features> {
    let labels = split.labels().ok_or(Error::NoLabels {
        split: name,
        images: split.len(),
    })?;
    if split.is_empty() {
        return Err(Error::Empty { split: name });
    }
    Features::new(extract(split, side, batch, encode)?, labels)
}

/// The train and the test split of a data set that can be evaluated on: both there, both labelled.
///
/// # Errors
/// [`Error::NoSplit`], [`Error::NoLabels`] or [`Error::Empty`], naming the split.
pub fn labelled_splits(dataset: &Dataset) -> Result<(&Split, &Split)> {
    Ok((
        labelled("train", dataset.train.as_ref())?,
        labelled("test", dataset.test.as_ref())?,
    ))
}

fn labelled<'a>(name: &'static str, split: Option<&'a Split>) -> Result<&'a Split> {
    let split = split.ok_or(Error::NoSplit { split: name })?;
    if split.is_empty() {
        return Err(Error::Empty { split: name });
    }
    if split.labels().is_none() {
        return Err(Error::NoLabels {
            split: name,
            images: split.len(),
        });
    }
    Ok(split)
}

#[cfg(test)]
mod tests {
    use dataset::PixelOrder;

    use super::*;

    /// Five 1x1 images whose red byte is their index.
    fn split(labels: Option<Vec<u16>>) -> Split {
        let bytes = (0u8..5).flat_map(|index| [index, 7, 9]).collect();
        Split::in_memory(bytes, labels, 1, 1, PixelOrder::RowMajor)
    }

    fn pixels(block: &loader::Block) -> Tensor {
        Tensor::from_slice(&block.bytes)
            .view([block.images as i64, 3])
            .to_kind(Kind::Float)
    }

    #[test]
    fn every_image_once_in_order_whatever_the_batch() {
        for batch in [1, 2, 5, 100] {
            let labels = vec![4, 3, 2, 1, 0];
            let features =
                extract_labelled(&split(Some(labels)), "train", 1, batch, &pixels).unwrap();
            let red = Vec::<f32>::try_from(&features.x().select(1, 0)).unwrap();
            assert_eq!(red, [0.0, 1.0, 2.0, 3.0, 4.0]);
            assert_eq!(features.label_vec(), [4, 3, 2, 1, 0]);
            assert_eq!((features.len(), features.dim()), (5, 3));
        }
    }

    #[test]
    fn no_gradient_is_recorded() {
        let weight = Tensor::ones([3, 2], (Kind::Float, tch::Device::Cpu)).set_requires_grad(true);
        let x = extract(&split(None), 1, 2, &|block| pixels(block).matmul(&weight)).unwrap();
        assert!(!x.requires_grad());
    }

    #[test]
    fn diverged_encoders_are_counted() {
        let error = extract(&split(None), 1, 2, &|block| pixels(block).log()).unwrap_err();
        assert_eq!(
            error,
            Error::NonFinite { bad: 1, images: 5 },
            "the logarithm of red 0"
        );
    }

    #[test]
    fn missing_splits_and_labels_are_named() {
        let dataset = |train, test| Dataset {
            kind: "test",
            unlabeled: split(None),
            train,
            test,
            class_names: vec![],
            folds: vec![],
        };
        let labelled = || Some(split(Some(vec![0; 5])));
        let error = |train, test| labelled_splits(&dataset(train, test)).unwrap_err();
        assert_eq!(error(None, labelled()), Error::NoSplit { split: "train" });
        assert_eq!(error(labelled(), None), Error::NoSplit { split: "test" });
        assert_eq!(
            error(labelled(), Some(split(None))),
            Error::NoLabels {
                split: "test",
                images: 5
            }
        );
        assert!(labelled_splits(&dataset(labelled(), labelled())).is_ok());
        let error = extract_labelled(&split(None), "train", 1, 2, &pixels).unwrap_err();
        assert_eq!(
            error,
            Error::NoLabels {
                split: "train",
                images: 5
            }
        );
    }
}
