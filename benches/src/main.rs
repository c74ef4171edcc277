//! `benchmarks PART ...`: measures what needs no libtorch, a line of JSON for each number; runs
//! itself and other contenders in turns, so that what changes on the machine affects all of them;
//! and makes a page of the numbers.
//!
//! A line has the keys `part`, `subject`, `contender`, `metric` and `value`. The other contenders
//! are the `twinview` command, for training, and the scripts in `tools/bench`, for other libraries.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its lines are what it is for")]

mod clock;
mod contenders;
mod kernels;
mod loaders;
mod machine;
mod opening;
mod page;
mod photos;
mod ranks;
mod recipes;
mod scaling;
mod stores;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, bail};
use dataset::{Dataset, OpenOptions};
use serde_json::{Value, json};

const USAGE: &str = "\
Usage: benchmarks run SETTINGS NUMBERS             all contenders in turns, to a file of numbers
       benchmarks kernels DATA SECS                SECS for each recipe and level
       benchmarks scaling DATA SECS                SECS for each number of workers
       benchmarks memory DATA VIEWS                the loader's memory over VIEWS views
       benchmarks opening DATA                     a set from its file to its first images
       benchmarks packing FOLDER CACHE             reads JPEG files into an empty cache
       benchmarks stores FOLDER CACHE SIDE SECS    SECS for each store of JPEG files
       benchmarks loader FOLDER CACHE SIDE SECS    SECS of the loader, decoded and from JPEG files
       benchmarks page NUMBERS                     the page, of a file of numbers";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> anyhow::Result<()> {
    match *args {
        ["run", settings, numbers] => {
            let settings = serde_json::from_str(settings).context("SETTINGS")?;
            fs::write(numbers, format!("{:#}\n", contenders::run(settings)?))?;
        }
        ["kernels", data, secs] => kernels::measure(&open(data)?, number(secs)?),
        ["scaling", data, secs] => scaling::measure(&open(data)?, number(secs)?)?,
        ["memory", data, views] => scaling::memory(&open(data)?, number(views)?)?,
        ["opening", data] => opening::measure(Path::new(data))?,
        ["packing", folder, cache] => photos::pack(Path::new(folder), Path::new(cache))?,
        ["stores", folder, cache, side, secs] => {
            stores::measure(Path::new(folder), Path::new(cache), number(side)?, number(secs)?)?;
        }
        ["loader", folder, cache, side, secs] => {
            loaders::measure(Path::new(folder), Path::new(cache), number(side)?, number(secs)?)?;
        }
        ["page", numbers] => {
            let text = fs::read_to_string(numbers).with_context(|| numbers.to_owned())?;
            let numbers = serde_json::from_str(&text).with_context(|| numbers.to_owned())?;
            print!("{}", page::render(&numbers)?);
        }
        _ => bail!("{USAGE}"),
    }
    Ok(())
}

fn number<T: FromStr>(text: &str) -> anyhow::Result<T> {
    let number = text.parse().ok();
    number.with_context(|| format!("`{text}` is not such a number\n{USAGE}"))
}

fn open(data: &str) -> anyhow::Result<Dataset> {
    Ok(dataset::open(Path::new(data), &OpenOptions::default())?)
}

/// Prints a number.
fn record(part: &str, subject: &str, contender: &str, metric: &str, value: f64) {
    println!("{}", measurement(part, subject, contender, metric, value));
}

/// A number and what it is of.
fn measurement(part: &str, subject: &str, contender: &str, metric: &str, value: f64) -> Value {
    json!({
        "part": part, "subject": subject, "contender": contender, "metric": metric, "value": value
    })
}

/// The middle one; the mean of the two in the middle of an even number.
///
/// # Panics
/// If there are none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        0 => (values[middle - 1] + values[middle]) / 2.0,
        _ => values[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn wrong_arguments_are_named() {
        let error = run(&["kernels", "x", "two"]).unwrap_err().to_string();
        assert!(error.contains("x"), "{error}");
        let error = number::<f64>("two").unwrap_err().to_string();
        assert!(error.contains("`two`"), "{error}");
        assert!(run(&["kernel"]).unwrap_err().to_string().contains("Usage"));
    }
}
