//! Views of given images by given keys, without a loader.

use std::thread::{self, available_parallelism};

use augment::{Renderer, ViewKey};
use dataset::{Image, PixelOrder};
use pyo3::prelude::*;

use crate::array::Array;
use crate::error::{unexpected, value_error};
use crate::recipe_class::Recipe;
use crate::source::{self, Foreign, shape_text};

/// Seed, epoch and image of a view's random numbers.
type Key = (u64, u32, u64);

/// Views of the same size, which share an array.
pub struct Group {
    /// Number of the first of them.
    pub first: usize,
    /// Number of them.
    pub views: usize,
    /// Side in pixels.
    pub size: usize,
}

/// Groups of neighboring views of equal size, as the blocks of a batch are.
pub fn groups(recipe: &Recipe) -> Vec<Group> {
    let mut first = 0;
    let runs = recipe.views().chunk_by(|a, b| a.size == b.size);
    runs.map(|run| {
        let group = Group { first, views: run.len(), size: run[0].size };
        first += run.len();
        group
    })
    .collect()
}

/// The arrays to write to: one a group, of at least `images` images each.
///
/// # Errors
/// If their number or their shapes differ from what `recipe` needs.
pub fn targets<'py>(
    out: &Bound<'py, PyAny>,
    recipe: &Recipe,
    images: Option<usize>,
) -> PyResult<(Vec<Bound<'py, PyAny>>, Vec<Foreign>)> {
    let groups = groups(recipe);
    // A list or a tuple of arrays, or one array.
    let objects: Vec<Bound<'py, PyAny>> = match out.extract() {
        Ok(objects)
            if out.is_instance_of::<pyo3::types::PyList>()
                || out.is_instance_of::<pyo3::types::PyTuple>() =>
        {
            objects
        }
        _ => vec![out.clone()],
    };
    if objects.len() != groups.len() {
        let expected = format!("{}, one for each size of views", groups.len());
        return Err(unexpected("out", expected, format_args!("{} arrays", objects.len())));
    }
    let mut arrays = Vec::new();
    for (index, (object, group)) in objects.iter().zip(&groups).enumerate() {
        let name = format!("out[{index}]");
        let array = Foreign::take(&name, object)?;
        let Group { views, size, .. } = *group;
        let least = images.unwrap_or(0);
        let fits = matches!(
            *array.shape(),
            [count, v, 3, height, width]
                if count >= least && (v, height, width) == (views, size, size)
        );
        if !fits {
            let count = images.map_or("B".to_owned(), |images| images.to_string());
            let expected = format!("shape [{count}, {views}, 3, {size}, {size}]");
            return Err(unexpected(&name, expected, shape_text(array.shape())));
        }
        arrays.push(array);
    }
    Ok((objects, arrays))
}

/// Renders the views of images.
///
/// `images` is uint8 `[N, 3, H, W]`, `keys` N triples of seed, epoch and image number: view `v` of
/// an image is a function of the image, the recipe, its key and `v` alone, and equals that of a
/// loader. Writes into `out`, or else into new arrays, uint8 `[N, V, 3, size, size]`, one for each
/// size of views. `threads` 0 takes all cores. Returns the arrays.
#[pyfunction]
#[pyo3(signature = (images, recipe, keys, out=None, threads=0))]
pub fn render<'py>(
    images: &Bound<'py, PyAny>,
    recipe: PyRef<'py, Recipe>,
    keys: &Bound<'py, PyAny>,
    out: Option<&Bound<'py, PyAny>>,
    threads: usize,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let py = images.py();
    let (source, [count, height, width]) = source::images("images", images)?;
    let keys = if keys.hasattr("tolist")? { keys.call_method0("tolist")? } else { keys.clone() };
    let keys: Vec<Vec<u64>> = keys
        .extract()
        .map_err(|_| value_error("keys: expected triples of integers from 0, found others"))?;
    let keys: Vec<Key> = keys.iter().map(|key| triple(key)).collect::<PyResult<_>>()?;
    if keys.len() != count {
        return Err(unexpected("keys", format_args!("{count}, one an image"), keys.len()));
    }
    let groups = groups(&recipe);
    let owned = || -> PyResult<Vec<Bound<'py, PyAny>>> {
        let array = |group: &Group| {
            let shape = [count, group.views, 3, group.size, group.size];
            let bytes = vec![0; shape.iter().product()];
            Ok(Bound::new(py, Array::of_bytes(bytes, &shape))?.into_any())
        };
        groups.iter().map(array).collect()
    };
    let (objects, mut arrays) = match out {
        Some(out) => targets(out, &recipe, Some(count))?,
        None => {
            let objects = owned()?;
            let take = |object| Foreign::take("out", object);
            let arrays = objects.iter().map(take).collect::<PyResult<_>>()?;
            (objects, arrays)
        }
    };
    let threads = match threads {
        0 => available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let views = recipe.views();
    let bytes = source.as_ref();
    let job = Job { bytes, height, width, keys: &keys, views };
    for (group, array) in groups.iter().zip(&mut arrays) {
        let out = array.as_mut("out")?;
        py.detach(|| job.render(group, threads, out));
    }
    Ok(objects)
}

fn triple(key: &[u64]) -> PyResult<Key> {
    match *key {
        [seed, epoch, image] if u32::try_from(epoch).is_ok() => Ok((seed, epoch as u32, image)),
        _ => Err(unexpected("keys", "triples of seed, epoch and image", format_args!("{key:?}"))),
    }
}

struct Job<'a> {
    bytes: &'a [u8],
    height: usize,
    width: usize,
    keys: &'a [Key],
    views: &'a [augment::Recipe],
}

impl Job<'_> {
    /// Renders the views of a group of all images.
    fn render(&self, group: &Group, threads: usize, out: &mut [u8]) {
        let image = group.views * 3 * group.size * group.size;
        let share = self.keys.len().div_ceil(threads);
        let parts = out[..image * self.keys.len()].chunks_mut(image * share);
        thread::scope(|scope| {
            for (part, out) in parts.enumerate() {
                let first = part * share;
                let mut work = move || self.part(group, first, out);
                match threads {
                    1 => work(),
                    _ => _ = scope.spawn(work),
                }
            }
        });
    }

    /// Renders the views of the images from `first` on.
    fn part(&self, group: &Group, first: usize, out: &mut [u8]) {
        let length = 3 * self.height * self.width;
        let view_bytes = 3 * group.size * group.size;
        let mut renderer = Renderer::new();
        for (place, out) in out.chunks_exact_mut(view_bytes * group.views).enumerate() {
            let place = first + place;
            let image = Image {
                bytes: &self.bytes[place * length..][..length],
                width: self.width,
                height: self.height,
                order: PixelOrder::RowMajor,
            };
            let (seed, epoch, number) = self.keys[place];
            for (view, out) in (group.first..).zip(out.chunks_exact_mut(view_bytes)) {
                let key = ViewKey { seed, epoch, image: number, view: view as u32 };
                renderer.render(&self.views[view], &image, key, out);
            }
        }
    }
}
