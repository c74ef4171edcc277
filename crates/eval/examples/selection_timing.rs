//! Measures how long it takes to select images to label, by the number of images.
//!
//! ```sh
//! cargo run --release -p eval --example selection_timing -- [IMAGES] [FEATURES] [PICKS]
//! ```

#![allow(clippy::print_stdout, reason = "an example reports to its user")]

use std::ops::ControlFlow;
use std::time::Instant;

use eval::{Gallery, KMeansSettings, TypicalitySettings};
use tch::{Device, Kind, Tensor};

fn main() -> Result<(), eval::Error> {
    let numbers = std::env::args().skip(1).map(|number| number.parse().expect("a number"));
    let numbers: Vec<i64> = numbers.collect();
    let number = |at: usize, default| numbers.get(at).copied().unwrap_or(default);
    let [images, features, picks] = [number(0, 100_000), number(1, 512), number(2, 200)];
    tch::manual_seed(0);
    let options = (Kind::Float, Device::Cpu);
    // As many groups as there may be classes, and noise.
    let groups = Tensor::randn([100, features], options);
    let rows = Tensor::arange(images, (Kind::Int64, Device::Cpu)).remainder(100);
    let x = groups.index_select(0, &rows) + Tensor::randn([images, features], options);
    let gallery = Gallery::new(&x)?;
    drop(x);
    println!("{images} images, {features} features, {} threads", tch::get_num_threads());
    let go_on = |_: usize, _: usize| ControlFlow::Continue(());
    let picks = picks as usize;
    let timed = |name: &str, job: &dyn Fn() -> Result<String, eval::Error>| {
        let begun = Instant::now();
        let said = job()?;
        println!("{name}: {:.1} s, {said}", begun.elapsed().as_secs_f64());
        Ok::<(), eval::Error>(())
    };
    timed(&format!("k-center, {picks} picks"), &|| {
        let found = gallery.k_center(None, picks, &go_on)?;
        Ok(format!("radius {:.3}", found.coverage.after))
    })?;
    for clusters in [10, picks] {
        timed(&format!("k-means, {clusters} clusters"), &|| {
            let found = gallery.k_means(&KMeansSettings::new(clusters), &go_on)?;
            Ok(format!("inertia {:.3}, converged {}", found.inertia, found.converged))
        })?;
    }
    timed(&format!("typicality, {picks} picks"), &|| {
        let found = gallery.typical(None, picks, &TypicalitySettings::default(), &go_on)?;
        Ok(format!("radius {:.3}", found.coverage.after))
    })
}
