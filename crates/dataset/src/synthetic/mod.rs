//! The synthetic dataset: ten classes of patterned shapes, rendered from a seed.
//!
//! A class is a shape with a texture, five of each, paired so that every shape has two textures and
//! every texture two shapes: either alone leaves two classes open. Colors, place, size, turn,
//! lighting, background and noise come from the same distributions for every class, and the two
//! colors of a texture change places at random, so that color says nothing. An image is a pure
//! function of (seed, split, index).

mod render;
mod rng;
mod shape;
mod texture;
mod wave;

use rayon::prelude::*;

pub(crate) use self::render::Renderer;
use self::rng::PatternRng;
use self::shape::Shape;
use self::texture::Texture;
use crate::{Dataset, Error, PixelOrder, Split};

/// What to render.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntheticSpec {
    /// Number of images without labels.
    pub unlabeled: usize,
    /// Number of labeled training images.
    pub train: usize,
    /// Number of labeled test images.
    pub test: usize,
    /// Width and height in pixels, 8 to 1024.
    pub size: usize,
    /// Other seeds give other images of the same classes.
    pub seed: u64,
}

impl Default for SyntheticSpec {
    /// 10,000 + 2,000 + 2,000 images of STL-10's size.
    fn default() -> Self {
        Self { unlabeled: 10_000, train: 2_000, test: 2_000, size: 96, seed: 0 }
    }
}

/// Which images of a seed: the splits do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Unlabeled = 0,
    Train = 1,
    Test = 2,
}

pub(crate) const CLASSES: usize = 10;

const SHAPES: [(Shape, &str); 5] = [
    (Shape::Disc, "disc"),
    (Shape::Square, "square"),
    (Shape::Triangle, "triangle"),
    (Shape::Cross, "cross"),
    (Shape::Ring, "ring"),
];

const TEXTURES: [(Texture, &str); 5] = [
    (Texture::Stripes, "striped"),
    (Texture::Checks, "checked"),
    (Texture::Dots, "dotted"),
    (Texture::Zigzag, "zigzag"),
    (Texture::Blotches, "blotched"),
];

/// Index of a class's shape and of its texture.
fn parts_of(class: usize) -> (usize, usize) {
    (class % 5, (class + class / 5) % 5)
}

/// "striped disc", ...: one name a class, in label order.
pub(crate) fn class_names() -> Vec<String> {
    let name = |class| {
        let (shape, texture) = parts_of(class);
        format!("{} {}", TEXTURES[texture].1, SHAPES[shape].1)
    };
    (0..CLASSES).map(name).collect()
}

/// The class of an image. Each run of ten images from a multiple of ten on has all ten classes, in
/// an order of its own.
pub(crate) fn class_of(seed: u64, part: Part, index: usize) -> u16 {
    let mut draws = PatternRng::new(seed, part as u8, b'o', (index / CLASSES) as u64);
    let mut order: [u16; CLASSES] = std::array::from_fn(|class| class as u16);
    for i in (1..CLASSES).rev() {
        order.swap(i, draws.below(i + 1));
    }
    order[index % CLASSES]
}

/// Renders one image as row-major planes into `planes`, `3 * size * size` bytes.
pub(crate) fn render(
    renderer: &mut Renderer,
    seed: u64,
    part: Part,
    index: usize,
    planes: &mut [u8],
) {
    let (shape, texture) = parts_of(class_of(seed, part, index).into());
    let draws = PatternRng::new(seed, part as u8, b'i', index as u64);
    renderer.render(SHAPES[shape].0, TEXTURES[texture].0, draws, planes);
}

/// Checks a specification.
pub(crate) fn check(spec: &SyntheticSpec) -> Result<(), Error> {
    let argument = |name, expected: &str, found: usize| {
        Err(Error::Argument { name, expected: expected.into(), found: found.to_string() })
    };
    if !(8..=1024).contains(&spec.size) {
        return argument("size", "8 to 1024 pixels", spec.size);
    }
    if spec.unlabeled == 0 && spec.train == 0 {
        return argument("unlabeled", "at least one image in unlabeled or train", 0);
    }
    for (name, count) in [("unlabeled", spec.unlabeled), ("train", spec.train), ("test", spec.test)]
    {
        if count > u32::MAX as usize {
            return argument(name, "at most 4294967295 images", count);
        }
    }
    Ok(())
}

/// Renders a procedural set into memory, on all threads of the current rayon pool.
///
/// Splits of no images are absent; without unlabeled images `unlabeled` shows those of `train`.
///
/// # Errors
/// If the size is outside 8 to 1024 pixels or there is nothing to train on.
pub fn synthetic(spec: &SyntheticSpec) -> Result<Dataset, Error> {
    check(spec)?;
    let [unlabeled, train, test] =
        [(Part::Unlabeled, spec.unlabeled), (Part::Train, spec.train), (Part::Test, spec.test)]
            .map(|(part, count)| (count > 0).then(|| render_split(spec, part, count)));
    let unlabeled = unlabeled
        .or_else(|| train.as_ref().map(Split::without_labels))
        .expect("checked: there are images to train on");
    Ok(Dataset {
        kind: "procedural set",
        unlabeled,
        train,
        test,
        class_names: class_names(),
        folds: Vec::new(),
    })
}

fn render_split(spec: &SyntheticSpec, part: Part, count: usize) -> Split {
    let stride = 3 * spec.size * spec.size;
    let mut bytes = vec![0; count * stride];
    bytes.par_chunks_exact_mut(stride).enumerate().for_each_init(
        || Renderer::new(spec.size),
        |renderer, (index, planes)| render(renderer, spec.seed, part, index, planes),
    );
    let labels = (part != Part::Unlabeled).then(|| labels(spec.seed, part, count));
    Split::in_memory(bytes, labels, spec.size, spec.size, PixelOrder::RowMajor)
}

/// The classes of a split's first `count` images.
pub(crate) fn labels(seed: u64, part: Part, count: usize) -> Vec<u16> {
    (0..count).into_par_iter().map(|index| class_of(seed, part, index)).collect()
}

#[cfg(test)]
mod tests;
