//! From images to features: the encoder over whole splits, in order and without augmentation.

use dataset::{ConcatSplits, Dataset, Split};
use tch::{Device, Kind, Tensor, no_grad};

use crate::encoding_group::{Output, Request, SharedSet};
use crate::features::check_finite;
use crate::on_progress::{self, GO_ON, OnProgress};
use crate::{Error, Features, FrozenEncoder, Result};

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
    let encoding = Encoding { side, encode };
    gather(&encoding, &[split], batch, &|x| x.shallow_clone(), GO_ON)
}

/// Makes features of images, a block of them at a time.
pub(crate) trait Blocks {
    /// Hands on the features of each `batch` images of a split, `[images, features]`, float32.
    ///
    /// # Errors
    /// Those of `take`, and [`Error::Loader`].
    fn each<E: From<Error>>(
        &self,
        split: &Split,
        batch: usize,
        take: &mut dyn FnMut(Tensor) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E>;
}

/// An encoder of images of `side` x `side` pixels.
pub(crate) struct Encoding<'a> {
    pub side: usize,
    pub encode: Encode<'a>,
}

impl Blocks for Encoding<'_> {
    fn each<E: From<Error>>(
        &self,
        split: &Split,
        batch: usize,
        take: &mut dyn FnMut(Tensor) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        loader::sequential(split, self.side, batch).try_for_each(|block| {
            let block = block.map_err(Error::from)?;
            take(no_grad(|| (self.encode)(&block).to_kind(Kind::Float)))
        })
    }
}

/// What an encoder makes of images, by all processes that encode them together.
struct EncoderOutput<'a> {
    encoder: &'a FrozenEncoder,
    output: Output,
}

impl Blocks for EncoderOutput<'_> {
    fn each<E: From<Error>>(
        &self,
        split: &Split,
        batch: usize,
        take: &mut dyn FnMut(Tensor) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let Self { encoder, output } = *self;
        let encode = |block: &loader::ViewBlock| encoder.output(output, block);
        let side = encoder.side();
        if let Some(shared) = &encoder.shared
            && let Some(name) = shared.name_of(split)
        {
            let features = encoder.output_size(output);
            let SharedSet { group, number, .. } = shared;
            let (set, name) = (*number, name.to_owned());
            let request = Request { set, split: name, output, features, batch, side, run: None };
            let named = (encoder.name(), &encoder.record);
            let request = group.ask(request, named, || encoder.networks.encoder_tensors())?;
            return group
                .encode(split, &request, &encode, &mut |x| take(x.to_device(encoder.on())));
        }
        Encoding { side, encode: &encode }.each(split, batch, take)
    }
}

/// With a cache, images that were encoded before are not encoded again.
impl Blocks for FrozenEncoder {
    fn each<E: From<Error>>(
        &self,
        split: &Split,
        batch: usize,
        take: &mut dyn FnMut(Tensor) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let encoder = EncoderOutput { encoder: self, output: Output::Features };
        let Some(cache) = &self.cache else { return encoder.each(split, batch, take) };
        let (key, images, features) = (self.key(split, batch), split.len(), self.feature_size());
        if let Some(mut rows) = cache.read(&key, images, features) {
            while let Some(numbers) = rows.next(batch)? {
                let x = Tensor::from_slice(&numbers).view([-1, features as i64]);
                take(x.to_device(self.on()))?;
            }
            return Ok(());
        }
        let mut writer = cache.create(&key, images, features);
        encoder.each(split, batch, &mut |x| {
            // Features of an encoder that has diverged are of no use later.
            let finite = x.isfinite().all().int64_value(&[]) == 1;
            writer = writer.take().filter(|_| finite).and_then(|writer| writer.write(&numbers(&x)));
            take(x)
        })?;
        if let Some(writer) = writer {
            writer.commit();
        }
        Ok(())
    }
}

impl FrozenEncoder {
    /// The features of every image of these splits, `[images, features]`, float32, in order and
    /// without augmentation, `batch` images at a time.
    ///
    /// # Errors
    /// [`Error::Empty`] for no images, [`Error::NonFinite`] where the encoder has diverged,
    /// [`Error::Interrupted`] where `on_progress` breaks.
    pub fn extract(
        &self,
        splits: &[&Split],
        batch: usize,
        on_progress: OnProgress<'_>,
    ) -> Result<Tensor> {
        gather(self, splits, batch, &|x| x.shallow_clone(), on_progress)
    }

    /// [`extract`](Self::extract) together with the labels of a split, called `name` in messages.
    ///
    /// # Errors
    /// Those of [`extract`](Self::extract), and [`Error::NoLabels`].
    pub fn extract_labeled(
        &self,
        split: &Split,
        name: &'static str,
        batch: usize,
        on_progress: OnProgress<'_>,
    ) -> Result<Features> {
        let labels = labels(split, name)?;
        Features::new(self.extract(&[split], batch, on_progress)?, labels)
    }

    /// Hands the features of the images of `images` on, `batch` images at a time, as
    /// [`extract`](Self::extract) makes them: rows of `f32` on the host, one after the other, the
    /// images in order. Nothing is kept, so that memory doesn't grow with the images.
    ///
    /// # Errors
    /// Those of `take`, and [`Error::NonFinite`] where the encoder has diverged.
    pub fn stream<E: From<Error>>(
        &self,
        images: &ConcatSplits<'_>,
        batch: usize,
        take: &mut dyn FnMut(&[f32]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        stream(self, images, batch, take)
    }

    /// As [`stream`](Self::stream), the features of patches: of each image those of
    /// [`patches`](Self::patches), row by row. They are not cached.
    ///
    /// # Errors
    /// Those of [`stream`](Self::stream).
    ///
    /// # Panics
    /// If the encoder has no patch tokens.
    pub fn stream_patches<E: From<Error>>(
        &self,
        images: &ConcatSplits<'_>,
        batch: usize,
        take: &mut dyn FnMut(&[f32]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        stream(&EncoderOutput { encoder: self, output: Output::Patches }, images, batch, take)
    }
}

/// See [`FrozenEncoder::stream`].
fn stream<E: From<Error>>(
    blocks: &impl Blocks,
    images: &ConcatSplits<'_>,
    batch: usize,
    take: &mut dyn FnMut(&[f32]) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    for (_, split) in images.splits() {
        blocks.each(split, batch, &mut |x| {
            check_finite(&x)?;
            take(&numbers(&x))
        })?;
    }
    Ok(())
}

/// The numbers of a block on the host, row by row.
fn numbers(x: &Tensor) -> Vec<f32> {
    let x = x.to_device(Device::Cpu).contiguous().view([-1]);
    Vec::<f32>::try_from(&x).expect("a vector of float32")
}

/// The features of all images of `splits`, `[images, features]`, in order, each block of them made
/// into what is kept by `keep`.
///
/// # Errors
/// [`Error::NonFinite`], [`Error::Empty`], [`Error::Interrupted`].
pub(crate) fn gather(
    blocks: &impl Blocks,
    splits: &[&Split],
    batch: usize,
    keep: &dyn Fn(&Tensor) -> Tensor,
    on_progress: OnProgress<'_>,
) -> Result<Tensor> {
    let count = splits.iter().map(|split| split.len()).sum::<usize>() as i64;
    let (mut all, mut done): (Option<Tensor>, i64) = (None, 0);
    for split in splits {
        blocks.each(split, batch, &mut |x| -> Result<()> {
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
    let labels = labels(split, name)?;
    Features::new(extract(split, side, batch, encode)?, labels)
}

fn labels<'a>(split: &'a Split, name: &'static str) -> Result<&'a [u16]> {
    let labels = split.labels().ok_or(Error::NoLabels { split: name, images: split.len() })?;
    if split.is_empty() { Err(Error::Empty { split: name }) } else { Ok(labels) }
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
mod tests;
