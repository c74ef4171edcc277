//! From images to features: the encoder over whole splits, in order and without augmentation.

use dataset::{ConcatSplits, Dataset, Split};
use tch::{Device, Kind, Tensor, no_grad};

use crate::features::check_finite;
use crate::on_progress::{self, OnProgress};
use crate::{Error, Features, Result};

/// What turns a block of bytes into features `[images, features]`; it runs under no-grad.
type Encode<'a> = &'a dyn Fn(&loader::ViewBlock) -> Tensor;

/// The features of every image of a split, in order and without augmentation, labels or not.
///
/// Images of another size are brought to `side` x `side` pixels. `encode` turns a block of bytes
/// into features `[images, features]`; it runs under no-grad, and `batch` images a block.
///
/// # Errors
/// [`Error::Empty`] for an empty split, [`Error::NonFinite`] where the encoder has diverged.
pub fn extract(
    split: &Split,
    side: usize,
    batch: usize,
    encode: &dyn Fn(&loader::ViewBlock) -> Tensor,
) -> Result<Tensor> {
    if split.is_empty() {
        return Err(Error::Empty { split: "extracted" });
    }
    let mut blocks = Vec::new();
    each_block(split, side, batch, encode, &mut |x| -> Result<()> {
        blocks.push(x);
        Ok(())
    })?;
    let x = Tensor::cat(&blocks, 0);
    check_finite(&x)?;
    Ok(x)
}

/// Hands the features of the images of `images` on, `batch` images at a time, as [`extract`] makes
/// them: rows of `f32` on the host, one after the other, the images in order. Nothing is kept, so
/// that memory doesn't grow with the images.
///
/// # Errors
/// Those of `take`, and [`Error::NonFinite`] where the encoder has diverged.
pub fn stream<E: From<Error>>(
    images: &ConcatSplits<'_>,
    side: usize,
    batch: usize,
    encode: &dyn Fn(&loader::ViewBlock) -> Tensor,
    take: &mut dyn FnMut(&[f32]) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    for (_, split) in images.splits() {
        each_block(split, side, batch, encode, &mut |x| {
            check_finite(&x)?;
            let x = x.to_device(Device::Cpu).contiguous().view([-1]);
            take(&Vec::<f32>::try_from(&x).expect("a vector of float32"))
        })?;
    }
    Ok(())
}

/// The features of all of `images`, `[images, features]`, in order, each block of them made into
/// what is kept by `keep`.
///
/// # Errors
/// [`Error::NonFinite`], [`Error::Empty`], [`Error::Interrupted`].
pub(crate) fn gather(
    images: &ConcatSplits<'_>,
    side: usize,
    batch: usize,
    encode: Encode<'_>,
    keep: &dyn Fn(&Tensor) -> Tensor,
    on_progress: OnProgress<'_>,
) -> Result<Tensor> {
    let count = images.len() as i64;
    let (mut all, mut done): (Option<Tensor>, i64) = (None, 0);
    for (_, split) in images.splits() {
        each_block(split, side, batch, encode, &mut |x| {
            check_finite(&x)?;
            let x = keep(&x);
            // In place: joining blocks at the end would take twice the memory.
            let all = all
                .get_or_insert_with(|| Tensor::empty([count, x.size()[1]], (x.kind(), x.device())));
            all.narrow(0, done, x.size()[0]).copy_(&x);
            done += x.size()[0];
            on_progress::report(on_progress, done as usize, count as usize)
        })?;
    }
    all.ok_or(Error::Empty { split: "extracted" })
}

/// Hands on the features of each block of a split, float32.
///
/// # Errors
/// Those of `take`, and [`Error::Loader`].
fn each_block<E: From<Error>>(
    split: &Split,
    side: usize,
    batch: usize,
    encode: Encode<'_>,
    take: &mut dyn FnMut(Tensor) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    loader::sequential(split, side, batch).try_for_each(|block| {
        let block = block.map_err(Error::from)?;
        take(no_grad(|| encode(&block).to_kind(Kind::Float)))
    })
}

/// [`extract`] together with the labels of the split; `name` is "train" or "test" in messages.
///
/// # Errors
/// Those of [`extract`], and [`Error::NoLabels`].
pub fn extract_labeled(
    split: &Split,
    name: &'static str,
    side: usize,
    batch: usize,
    encode: &dyn Fn(&loader::ViewBlock) -> Tensor,
) -> Result<Features> {
    let labels = split.labels().ok_or(Error::NoLabels { split: name, images: split.len() })?;
    if split.is_empty() {
        return Err(Error::Empty { split: name });
    }
    Features::new(extract(split, side, batch, encode)?, labels)
}

/// The train and the test split of a data set that can be evaluated on: both there, both labeled.
///
/// # Errors
/// [`Error::NoSplit`], [`Error::NoLabels`] or [`Error::Empty`], naming the split.
pub fn labeled_splits(dataset: &Dataset) -> Result<(&Split, &Split)> {
    Ok((labeled("train", dataset.train.as_ref())?, labeled("test", dataset.test.as_ref())?))
}

/// The train split, and the test split where there is a labeled one. Without one, protocols score
/// folds of train.
///
/// # Errors
/// [`Error::NoSplit`], [`Error::NoLabels`] or [`Error::Empty`] of the train split.
pub fn evaluation_splits(dataset: &Dataset) -> Result<(&Split, Option<&Split>)> {
    let train = labeled("train", dataset.train.as_ref())?;
    Ok((train, labeled("test", dataset.test.as_ref()).ok()))
}

fn labeled<'a>(name: &'static str, split: Option<&'a Split>) -> Result<&'a Split> {
    let split = split.ok_or(Error::NoSplit { split: name })?;
    if split.is_empty() {
        return Err(Error::Empty { split: name });
    }
    if split.labels().is_none() {
        return Err(Error::NoLabels { split: name, images: split.len() });
    }
    Ok(split)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use dataset::PixelOrder;

    use super::*;

    /// Five 1x1 images whose red byte is their index.
    fn split(labels: Option<Vec<u16>>) -> Split {
        let bytes = (0u8..5).flat_map(|index| [index, 7, 9]).collect();
        Split::in_memory(bytes, labels, 1, 1, PixelOrder::RowMajor)
    }

    fn pixels(block: &loader::ViewBlock) -> Tensor {
        Tensor::from_slice(&block.bytes).view([block.images as i64, 3]).to_kind(Kind::Float)
    }

    #[test]
    fn every_image_once_in_order_whatever_the_batch() {
        for batch in [1, 2, 5, 100] {
            let labels = vec![4, 3, 2, 1, 0];
            let features =
                extract_labeled(&split(Some(labels)), "train", 1, batch, &pixels).unwrap();
            let red = Vec::<f32>::try_from(&features.x().select(1, 0)).unwrap();
            assert_eq!(red, [0.0, 1.0, 2.0, 3.0, 4.0]);
            assert_eq!(features.label_vec(), [4, 3, 2, 1, 0]);
            assert_eq!((features.len(), features.dim()), (5, 3));
        }
    }

    #[test]
    fn no_gradient_is_recorded() {
        let weight = Tensor::ones([3, 2], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let x = extract(&split(None), 1, 2, &|block| pixels(block).matmul(&weight)).unwrap();
        assert!(!x.requires_grad());
    }

    #[test]
    fn diverged_encoders_are_counted() {
        let error = extract(&split(None), 1, 2, &|block| pixels(block).log()).unwrap_err();
        assert_eq!(error, Error::NonFinite { bad: 1, images: 5 }, "the logarithm of red 0");
    }

    fn set(test: Option<Split>) -> Dataset {
        Dataset {
            kind: "test",
            unlabeled: split(None),
            train: None,
            test,
            class_names: vec![],
            folds: vec![],
        }
    }

    #[test]
    fn a_stream_is_what_is_extracted_batch_by_batch() {
        let set = set(Some(split(Some(vec![0; 5]))));
        let images = ConcatSplits::new(&set, &[]).unwrap();
        let (mut rows, mut lengths) = (Vec::new(), Vec::new());
        stream::<Error>(&images, 1, 2, &pixels, &mut |x| {
            lengths.push(x.len());
            rows.extend_from_slice(x);
            Ok(())
        })
        .unwrap();
        // Batches end where splits do.
        assert_eq!(lengths, [6, 6, 3, 6, 6, 3]);
        let red: Vec<f32> = rows.iter().copied().step_by(3).collect();
        assert_eq!(red, [0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 1.0, 2.0, 3.0, 4.0]);
        let all = gather(&images, 1, 2, &pixels, &|x| x + 1.0, &|_, _| ControlFlow::Continue(()));
        let all = Vec::<f32>::try_from(&all.unwrap().view([-1])).unwrap();
        assert!(all.iter().zip(&rows).all(|(kept, row)| *kept == row + 1.0));
    }

    #[test]
    fn a_stream_ends_where_it_is_told_to_or_the_encoder_has_diverged() {
        let set = set(None);
        let images = ConcatSplits::new(&set, &[]).unwrap();
        let mut batches = 0;
        let stopped = stream(&images, 1, 2, &pixels, &mut |_| {
            batches += 1;
            if batches == 2 { Err(Error::Interrupted) } else { Ok(()) }
        });
        assert_eq!((stopped, batches), (Err(Error::Interrupted), 2));
        let diverged =
            stream(&images, 1, 2, &|block| pixels(block).log(), &mut |_| Err(Error::Interrupted));
        assert_eq!(diverged, Err(Error::NonFinite { bad: 1, images: 2 }));
        let told = std::cell::RefCell::new(Vec::new());
        let keep = |x: &Tensor| x.shallow_clone();
        let stopped = gather(&images, 1, 2, &pixels, &keep, &|done, all| {
            told.borrow_mut().push([done, all]);
            if done < 4 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        assert_eq!(stopped.unwrap_err(), Error::Interrupted);
        assert_eq!(told.into_inner(), [[2, 5], [4, 5]]);
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
        let labeled = || Some(split(Some(vec![0; 5])));
        let error = |train, test| labeled_splits(&dataset(train, test)).unwrap_err();
        assert_eq!(error(None, labeled()), Error::NoSplit { split: "train" });
        assert_eq!(error(labeled(), None), Error::NoSplit { split: "test" });
        assert_eq!(
            error(labeled(), Some(split(None))),
            Error::NoLabels { split: "test", images: 5 }
        );
        assert!(labeled_splits(&dataset(labeled(), labeled())).is_ok());
        for without in [None, Some(split(None))] {
            let set = dataset(labeled(), without);
            assert!(evaluation_splits(&set).unwrap().1.is_none());
        }
        assert!(evaluation_splits(&dataset(labeled(), labeled())).unwrap().1.is_some());
        let error = evaluation_splits(&dataset(Some(split(None)), labeled())).unwrap_err();
        assert_eq!(error, Error::NoLabels { split: "train", images: 5 });
        let error = extract_labeled(&split(None), "train", 1, 2, &pixels).unwrap_err();
        assert_eq!(error, Error::NoLabels { split: "train", images: 5 });
    }
}
