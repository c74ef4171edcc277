//! Embeds a folder of images (of one with splits, those to pretrain on) with the encoder of a run:
//! prints each image's name and its first features.
//!
//! ```sh
//! cargo run -p examples --bin embed_folder -- runs/own_data photos
//! ```

#![allow(clippy::print_stdout)]

use dataset::OpenOptions;
use eval::{CheckpointChoice, FrozenEncoder};
use models::DeviceChoice;

/// Images in a forward pass.
const BATCH: usize = 64;
/// Features to print of each image.
const SHOWN: usize = 8;

fn main() -> anyhow::Result<()> {
    let [run, folder] = examples::arguments("embed_folder RUN FOLDER")?;
    let frozen = FrozenEncoder::open(&run, CheckpointChoice::Newest, DeviceChoice::Auto)?;
    let options = OpenOptions { image_size: frozen.record.config.image_size, ..Default::default() };
    let images = dataset::open(&folder, &options)?.unlabeled;
    let encode = |block: &_| frozen.encode(block);
    let features = eval::extract(&images, frozen.side(), BATCH, &encode)?; // [images, features]
    for (index, row) in features.unbind(0).iter().enumerate() {
        let name = images.name(index).unwrap_or_default();
        let numbers = Vec::<f32>::try_from(row)?;
        println!("{name} {:.4?} of {}", &numbers[..SHOWN], numbers.len());
    }
    Ok(())
}
