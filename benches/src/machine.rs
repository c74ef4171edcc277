//! Where and when something was measured.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use serde_json::{Value, json};

/// Instructions that decide which kernels run.
const FEATURES: [&str; 6] =
    ["avx2", "avx512bw", "avx512_bf16", "amx_bf16", "avx_vnni", "avx512_vnni"];

/// Machine, source revision and date, as JSON.
pub fn describe() -> Value {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let (cpu, memory, load) = (read("/proc/cpuinfo"), read("/proc/meminfo"), read("/proc/loadavg"));
    let features = features(&cpu);
    json!({
        "date": answer("date", &["-u", "+%Y-%m-%d"]),
        "revision": answer("git", &["rev-parse", "--short=12", "HEAD"]),
        "changed": !answer("git", &["status", "--porcelain"]).is_empty(),
        "compiler": answer("rustc", &["--version"]),
        "processor": field(&cpu, "model name"),
        "family": field(&cpu, "cpu family"),
        "model": field(&cpu, "model"),
        // Whether it multiplies bfloat16 numbers itself.
        "bf16": features.contains(&"avx512_bf16") || features.contains(&"amx_bf16"),
        "features": features,
        "cores": available_parallelism().map_or(0, usize::from),
        "memory_bytes": field(&memory, "MemTotal").and_then(bytes),
        "kernel": format!("{} {}", std::env::consts::OS, read("/proc/sys/kernel/osrelease").trim()),
        // The load average of the last minute: 0 on an idle machine.
        "load": load.split_whitespace().next().and_then(|load| load.parse::<f64>().ok()),
    })
}

/// What a program prints; nothing where it is missing or fails.
fn answer(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let output = output.ok().filter(|output| output.status.success());
    let printed = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    printed.unwrap_or_default()
}

/// The bytes of a value like `24 kB`.
fn bytes(value: &str) -> Option<f64> {
    Some(1024.0 * value.strip_suffix(" kB")?.parse::<f64>().ok()?)
}

/// Those of [`FEATURES`] that `/proc/cpuinfo` has.
fn features(cpu: &str) -> Vec<&'static str> {
    let all: Vec<&str> = field(cpu, "flags").unwrap_or_default().split_whitespace().collect();
    FEATURES.into_iter().filter(|name| all.contains(name)).collect()
}

/// The first value of `name` in a list of lines `name : value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_of_a_processor_are_read() {
        let cpu =
            "model\t\t: 1\nmodel name\t: AMD EPYC\nflags\t\t: fpu avx2 avx512_bf16x\nflags : x\n";
        assert_eq!(field(cpu, "model name"), Some("AMD EPYC"));
        assert_eq!(field(cpu, "stepping"), None);
        assert_eq!(bytes("24 kB"), Some(24_576.0));
        assert_eq!(features(cpu), ["avx2"]);
    }
}
