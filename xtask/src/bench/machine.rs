//! Where and when something was measured.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use serde_json::{Value, json};

use crate::workspace::{Workspace, output};

/// Instructions that decide which kernels run.
const FEATURES: [&str; 6] =
    ["avx2", "avx512bw", "avx512_bf16", "amx_bf16", "avx_vnni", "avx512_vnni"];

/// What there is to say of the machine, the source and the day.
///
/// # Errors
/// When git or another program that is asked is there but can't be run.
pub fn describe(workspace: &Workspace) -> anyhow::Result<Value> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| field(&cpu, name).unwrap_or("unknown").to_owned();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let revision = answer(workspace, "git", &["rev-parse", "--short=12", "HEAD"])?;
    let changed = answer(workspace, "git", &["status", "--porcelain"])?;
    Ok(json!({
        "date": answer(workspace, "date", &["-u", "+%Y-%m-%d"])?,
        "revision": revision,
        "changed": !changed.is_empty(),
        "compiler": answer(workspace, "rustc", &["--version"])?,
        "processor": field("model name"),
        "family": field("cpu family"),
        "model": field("model"),
        "features": features(&cpu),
        "cores": available_parallelism().map_or(0, usize::from),
        "memory_bytes": self::field(&memory, "MemTotal").and_then(bytes),
        "kernel_size": format!("{} {}", std::env::consts::OS, kernel.trim()),
        "load_before": load(),
    }))
}

/// The load average of the last minute: 0 on an idle machine. None where the system does not say.
pub fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// Whether the processor multiplies bfloat16 numbers itself.
pub fn multiplies_bf16(machine: &Value) -> bool {
    let features = machine["features"].as_array();
    features.is_some_and(|list| list.iter().any(|name| name == "avx512_bf16" || name == "amx_bf16"))
}

/// The bytes of a value like `24 kB`.
fn bytes(value: &str) -> Option<f64> {
    Some(1024.0 * value.strip_suffix(" kB")?.parse::<f64>().ok()?)
}

fn features(cpu: &str) -> Vec<&'static str> {
    let all: Vec<&str> = field(cpu, "flags").unwrap_or_default().split_whitespace().collect();
    let has = |name: &&'static str| all.contains(name);
    FEATURES.iter().copied().filter(has).collect()
}

/// The first value of `name` in a list of lines `name : value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

/// What a program prints, or nothing.
fn answer(workspace: &Workspace, program: &str, args: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new(program);
    command.args(args).current_dir(&workspace.root);
    let printed = output(command)?.filter(|output| output.status.success());
    let printed = printed.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    Ok(printed.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_processor_has_is_read() {
        let cpu =
            "model\t\t: 1\nmodel name\t: AMD EPYC\nflags\t\t: fpu avx2 avx512_bf16x\nflags : x\n";
        assert_eq!(field(cpu, "model name"), Some("AMD EPYC"));
        assert_eq!(field(cpu, "stepping"), None);
        assert_eq!(bytes("24 kB"), Some(24_576.0));
        assert_eq!(features(cpu), ["avx2"]);
        assert!(!multiplies_bf16(&json!({"features": features(cpu)})));
        assert!(multiplies_bf16(&json!({"features": ["avx512_bf16"]})));
    }
}
