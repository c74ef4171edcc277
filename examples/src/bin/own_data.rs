//! Trains on images that come from this program: no file, no folder, only bytes.
//!
//! ```sh
//! cargo run -p examples --bin own_data -- runs/own_data
//! ```

use std::f64::consts::TAU;

use dataset::{Dataset, PixelOrder, Split};
use examples::SIDE;
use trainer::Trainer;

fn main() -> anyhow::Result<()> {
    let [folder] = examples::arguments("own_data FOLDER")?;
    let session = Trainer::prepare(examples::tiny_config()?, waves(), examples::origin())?;
    examples::train(session, &folder)
}

/// A set of waves of two classes: those that run across, and those that run down.
fn waves() -> Dataset {
    Dataset {
        kind: "waves",
        unlabeled: split(0, 192).without_labels(),
        train: Some(split(192, 64)),
        test: Some(split(256, 32)),
        class_names: vec!["across".to_owned(), "down".to_owned()],
        folds: Vec::new(),
    }
}

/// The images from number `first` on: bytes of one after the other, and a class for each.
fn split(first: usize, images: usize) -> Split {
    let numbers = first..first + images;
    let labels = numbers.clone().map(|number| (number % 2) as u16).collect();
    let bytes = numbers.flat_map(image).collect();
    Split::in_memory(bytes, Some(labels), SIDE, SIDE, PixelOrder::RowMajor)
}

/// The red, green and blue plane of an image, row by row. Length of the wave and phases differ
/// between images.
fn image(number: usize) -> Vec<u8> {
    let waves = 1.0 + (number * 7 % 5) as f64;
    let phase = |plane: usize| (number * (13 + 8 * plane) % 64) as f64 / 64.0;
    let pixel = |at: usize| {
        let (plane, y, x) = (at / (SIDE * SIDE), at / SIDE % SIDE, at % SIDE);
        let along = if number.is_multiple_of(2) { x } else { y };
        let turn = waves * along as f64 / SIDE as f64 + phase(plane);
        (127.5 + 127.5 * (TAU * turn).sin()).round() as u8
    };
    (0..3 * SIDE * SIDE).map(pixel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_says_which_way_the_wave_runs() {
        let set = waves();
        let train = set.train.unwrap();
        for (index, &label) in train.labels().unwrap().iter().enumerate() {
            let red = &train.image(index).bytes[..SIDE * SIDE];
            let flat_row = red[..SIDE].iter().all(|&value| value == red[0]);
            let flat_column = red.iter().step_by(SIDE).all(|&value| value == red[0]);
            assert_eq!([flat_column, flat_row], [label == 0, label == 1], "image {index}");
        }
    }
}
