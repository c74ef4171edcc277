//! From images to features: the encoder over a whole split, in order and without augmentation.

use dataset::{Dataset, Split};
use tch::{Kind, Tensor, no_grad};

use crate::features::check_finite;
use crate::{Error, Features, Result};

/// The features of every image of a split, in order and without augmentation, labels or not.
///
/// `encode` turns a block of bytes into features `[images, features]`; it runs under no-grad, and `batch`
/// images a block.
///
/// # Errors
/// [`Error::Empty`] for an empty split, [`Error::NonFinite`] where the encoder has diverged.
pub fn extract(
    split: &Split,
    batch: usize,
    encode: &dyn Fn(&loader::Block) -> Tensor,
) -> Result<Tensor> {
    if split.is_empty() {
        return Err(Error::Empty { split: "extracted" });
    }
    let blocks: Vec<Tensor> = no_grad(|| {
        loader::sequential(split, batch).map(|block| encode(&block).to_kind(Kind::Float)).collect()
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
    batch: usize,
    encode: &dyn Fn(&loader::Block) -> Tensor,
) -> Result<Features> {
    let labels = split.labels().ok_or(Error::NoLabels { split: name, images: split.len() })?;
    if split.is_empty() {
        return Err(Error::Empty { split: name });
    }
    Features::new(extract(split, batch, encode)?, labels)
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
        return Err(Error::NoLabels { split: name, images: split.len() });
    }
    Ok(split)
}
