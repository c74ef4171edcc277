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
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    const SPEC: SyntheticSpec =
        SyntheticSpec { unlabeled: 50, train: 400, test: 30, size: 32, seed: 3 };

    #[test]
    fn classes_pair_every_shape_and_texture_twice() {
        let mut names = class_names();
        for word in SHAPES.map(|(_, name)| name).iter().chain(&TEXTURES.map(|(_, name)| name)) {
            let with_word = names.iter().filter(|name| name.split(' ').any(|part| part == *word));
            assert_eq!(with_word.count(), 2, "{word}");
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), CLASSES);
    }

    #[test]
    fn each_ten_images_have_all_classes_in_changing_order() {
        let labels = labels(1, Part::Train, 200);
        for run in labels.chunks(CLASSES) {
            let mut sorted = run.to_vec();
            sorted.sort();
            assert_eq!(sorted, (0..CLASSES as u16).collect::<Vec<_>>());
        }
        let first: Vec<u16> = labels.iter().copied().step_by(CLASSES).collect();
        assert!(
            first.iter().any(|label| *label != first[0]),
            "every tenth image has another class"
        );
    }

    #[test]
    fn images_do_not_depend_on_threads_nor_on_how_many_there_are() {
        let [one, eight] = [1, 8].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| synthetic(&SPEC).unwrap())
        });
        let fewer = synthetic(&SyntheticSpec { unlabeled: 20, ..SPEC }).unwrap();
        for index in 0..50 {
            let image = one.unlabeled.image(index).bytes;
            assert_eq!(image, eight.unlabeled.image(index).bytes);
            if index < 20 {
                assert_eq!(image, fewer.unlabeled.image(index).bytes);
            }
        }
        assert_eq!(one.fingerprint(), eight.fingerprint());
    }

    #[test]
    fn seeds_splits_and_indices_give_different_images() {
        let other = synthetic(&SyntheticSpec { seed: 4, ..SPEC }).unwrap();
        let set = synthetic(&SPEC).unwrap();
        let (train, test) = (set.train.unwrap(), set.test.unwrap());
        let mut images = vec![other.unlabeled.image(0).bytes];
        for index in 0..30 {
            images.extend([
                set.unlabeled.image(index).bytes,
                train.image(index).bytes,
                test.image(index).bytes,
            ]);
        }
        let count = images.len();
        images.sort();
        images.dedup();
        assert_eq!(images.len(), count);
    }

    /// Mean of each channel and their standard deviations: the best that a classifier by color
    /// sees.
    fn color_features(split: &Split, index: usize) -> [f32; 6] {
        let mut planes = split.image(index).bytes.chunks_exact(split.width() * split.height());
        let mut features = [0.0; 6];
        for channel in 0..3 {
            let plane = planes.next().unwrap();
            let area = plane.len() as f32;
            let mean = plane.iter().map(|&value| f32::from(value)).sum::<f32>() / area;
            let variance =
                plane.iter().map(|&value| (f32::from(value) - mean).powi(2)).sum::<f32>() / area;
            features[channel] = mean;
            features[3 + channel] = variance.sqrt();
        }
        features
    }

    #[test]
    fn color_does_not_tell_the_class() {
        let set = synthetic(&SyntheticSpec { train: 2000, ..SPEC }).unwrap();
        let train = set.train.unwrap();
        let labels = train.labels().unwrap();
        let features: Vec<_> = (0..2000).map(|index| color_features(&train, index)).collect();
        // Nearest neighbor among the first 1,500 by color, for the other 500: chance is 50 of
        // them.
        let distance =
            |a: &[f32; 6], b: &[f32; 6]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
        let right = (1500..2000).filter(|&index| {
            let nearest = |a: &usize, b: &usize| {
                distance(&features[*a], &features[index])
                    .total_cmp(&distance(&features[*b], &features[index]))
            };
            labels[(0..1500).min_by(nearest).unwrap()] == labels[index]
        });
        let right = right.count();
        assert!(right < 80, "{right} of 500 by color alone");
    }

    #[test]
    fn the_set_of_a_seed_is_fixed() {
        let set = synthetic(&SyntheticSpec { unlabeled: 20, train: 0, test: 0, size: 96, seed: 0 })
            .unwrap();
        let mut hash = Sha256::new();
        (0..20).for_each(|index| hash.update(set.unlabeled.image(index).bytes));
        let found = files::hex(&hash.finalize()[..8]);
        assert_eq!(
            found, "84f8ca0ec2aebb61",
            "changing the pictures makes published numbers incomparable"
        );
    }

    #[test]
    fn specifications_out_of_range_are_errors() {
        let message = |spec: SyntheticSpec| synthetic(&spec).unwrap_err().to_string();
        assert_eq!(
            message(SyntheticSpec { size: 7, ..SPEC }),
            "size: expected 8 to 1024 pixels, found 7"
        );
        let nothing = message(SyntheticSpec { unlabeled: 0, train: 0, ..SPEC });
        assert_eq!(
            nothing,
            "unlabeled: expected at least one image in unlabeled or train, found 0"
        );
    }
}
