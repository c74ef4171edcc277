//! Embeds a folder of images with the encoder of a run: prints each image's name and its first features.
//!
//! ```sh
//! cargo run -p examples --bin embed_folder -- runs/own_data photos
//! ```

#![allow(clippy::print_stdout)]

use std::fs;
use std::path::Path;

use anyhow::ensure;
use dataset::OpenOptions;
use models::DeviceChoice;
use trainer::{Frozen, Weights};

/// Images in a forward pass.
const BATCH: usize = 64;
/// Features to print of each image.
const SHOWN: usize = 8;

fn main() -> anyhow::Result<()> {
    let [run, folder] = examples::arguments("embed_folder RUN FOLDER")?;
    let frozen = Frozen::open(&run, Weights::Newest, DeviceChoice::Auto)?;
    let options = OpenOptions {
        image_size: frozen.record.config.image_size,
        ..Default::default()
    };
    let images = dataset::open(&folder, &options)?.unlabeled;
    let names = names(&folder)?;
    ensure!(
        names.len() == images.len(),
        "{}: expected a folder of images and nothing else",
        folder.display()
    );
    let encode = |block: &_| frozen.encode(block);
    let features = eval::extract(&images, frozen.side(), BATCH, &encode)?; // [images, features]
    for (name, row) in names.iter().zip(features.unbind(0)) {
        let numbers = Vec::<f32>::try_from(&row)?;
        println!("{name} {:.4?} of {}", &numbers[..SHOWN], numbers.len());
    }
    Ok(())
}

/// The names in a folder, in order: so its images are read.
fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    Ok(names)
}
