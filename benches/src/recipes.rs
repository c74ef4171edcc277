//! The recipes that all contenders run.

use augment::{
    ColorJitter, CropSampling, GaussianBlur, Grayscale, HorizontalFlip, RandomResizedCrop, Recipe,
    Solarize, Transform,
};
use serde_json::{Value, json};

/// Side of images and of global views.
pub const SIDE: usize = 96;
const LOCAL_SIDE: usize = 48;

/// What is measured under one name: one recipe for each view of an image.
pub struct Subject {
    pub name: &'static str,
    pub views: Vec<Recipe>,
}

/// All of them.
pub fn subjects() -> Vec<Subject> {
    let subject = |name, views| Subject { name, views };
    vec![
        subject("seed", vec![Recipe::seed_strong(SIDE)]),
        subject("SimCLR", vec![simclr()]),
        subject("DINO multi-crop", dino()),
    ]
}

/// The recipes for contenders in other languages: an object of lists.
pub fn document() -> Value {
    let pairs =
        subjects().into_iter().map(|subject| (subject.name.to_owned(), json!(subject.views)));
    Value::Object(pairs.collect())
}

fn recipe(size: usize, transforms: impl Into<Vec<Transform>>) -> Recipe {
    let transforms = transforms.into();
    Recipe { size, transforms }
}

fn flip() -> Transform {
    Transform::HorizontalFlip(HorizontalFlip { p: 0.5 })
}

fn crop(smallest: f64, largest: f64) -> Transform {
    Transform::RandomResizedCrop(RandomResizedCrop {
        scale: [smallest, largest],
        ratio: [3.0 / 4.0, 4.0 / 3.0],
        sampling: CropSampling::Retry,
    })
}

/// With a tenth of a view's side as the kernel, as SimCLR has it.
fn blur(p: f64, kernel_size: usize) -> Transform {
    Transform::GaussianBlur(GaussianBlur { p, kernel_size, sigma: [0.1, 2.0] })
}

/// SimCLR's operations with the strength of the seed's jitter.
fn simclr() -> Recipe {
    let jitter = ColorJitter { p: 0.8, brightness: 0.5, contrast: 0.5, saturation: 0.5, hue: 0.2 };
    let transforms = [
        flip(),
        crop(0.2, 1.0),
        Transform::ColorJitter(jitter),
        Transform::Grayscale(Grayscale { p: 0.2 }),
        blur(0.5, 9),
    ];
    recipe(SIDE, transforms)
}

/// The recipe of views of whole images: the crops that are usual for photographs, with SimCLR's
/// operations and the strength of the seed's jitter.
pub fn whole_images(side: usize) -> Recipe {
    let mut recipe = simclr();
    recipe.size = side;
    for transform in &mut recipe.transforms {
        match transform {
            Transform::RandomResizedCrop(crop) => crop.scale = [0.08, 1.0],
            // The largest odd number of a tenth of the side.
            Transform::GaussianBlur(blur) => blur.kernel_size = (side / 10 - 1) | 1,
            _ => {}
        }
    }
    recipe
}

/// Two global and four local views: <https://arxiv.org/abs/2104.14294>, with the areas for small
/// images.
fn dino() -> Vec<Recipe> {
    let colors = || {
        let jitter =
            ColorJitter { p: 0.8, brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1 };
        [Transform::ColorJitter(jitter), Transform::Grayscale(Grayscale { p: 0.2 })]
    };
    let view = |size, scale: [f64; 2], rest: &[Transform]| {
        let mut transforms = vec![flip(), crop(scale[0], scale[1])];
        transforms.extend(colors());
        transforms.extend_from_slice(rest);
        recipe(size, transforms)
    };
    let solarize = Transform::Solarize(Solarize { p: 0.2, threshold: 0.5 });
    let mut views = vec![
        view(SIDE, [0.25, 1.0], &[blur(1.0, 9)]),
        view(SIDE, [0.25, 1.0], &[blur(0.1, 9), solarize]),
    ];
    for _ in 0..4 {
        views.push(view(LOCAL_SIDE, [0.05, 0.25], &[blur(0.5, 5)]));
    }
    views
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_are_valid_and_other_languages_can_read_them() {
        for subject in subjects() {
            for recipe in &subject.views {
                recipe.validate().unwrap();
            }
        }
        let document = document();
        assert_eq!(document["DINO multi-crop"].as_array().unwrap().len(), 6);
        assert_eq!(document["SimCLR"][0]["transforms"][4]["gaussian_blur"]["kernel_size"], 9);
    }
}
