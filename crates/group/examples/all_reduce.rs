//! Measures all-reduces of the ranks that a launcher starts, for `cargo xtask bench`.
//!
//! `all_reduce SECS` measures each size for so long. Rank 0 prints JSON lines, with the number of
//! ranks as the contender; a process on its own is a group of one.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use group::{Group, Launch};
use tch::{Device, Kind, Tensor};

/// Floats of a small and of a large network: a ResNet-18 with its head has 45 MB of gradients.
const SIZES: [(&str, i64); 2] = [("1 MB", 250_000), ("45 MB", 11_250_000)];
/// All-reduces between two looks at the clock.
const TURN: u32 = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secs: f64 = std::env::args().nth(1).ok_or("expected seconds")?.parse()?;
    let group = match Launch::from_env()? {
        Some(launch) => Group::join(&launch, Duration::from_secs(60))?,
        None => Group::alone(),
    };
    for (subject, floats) in SIZES {
        let mut tensor = Tensor::zeros([floats], (Kind::Float, Device::Cpu));
        let (mut times, begun) = (Vec::new(), Instant::now());
        // The first turn opens connections.
        while !group.any(&[times.len() > 1 && begun.elapsed().as_secs_f64() > secs])?[0] {
            let turn = Instant::now();
            for _ in 0..TURN {
                group.all_reduce(&mut tensor)?;
            }
            times.push(turn.elapsed().as_secs_f64() / f64::from(TURN));
        }
        let mut times = times.split_off(1);
        times.sort_by(f64::total_cmp);
        if group.is_first() {
            let (ranks, value) = (group.size(), times[times.len() / 2]);
            let record =
                format!(r#""part": "all-reduce", "subject": "{subject}", "contender": "{ranks}""#);
            writeln!(io::stdout(), r#"{{{record}, "metric": "seconds", "value": {value:e}}}"#)?;
        }
    }
    Ok(())
}
