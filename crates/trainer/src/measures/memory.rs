//! The most memory that the process held at once, where the system tells.

use std::fs;

use models::cuda;
use tch::Device;

/// Begins anew: what was held before counts no more. Does nothing where the system can't.
pub fn reset_peak(device: Device) {
    let _ = fs::write("/proc/self/clear_refs", "5");
    if let Device::Cuda(gpu) = device {
        let _ = cuda::reset_peak_memory(gpu);
    }
}

/// The most that tensors on a GPU had since the start or the last [`reset_peak`], in bytes.
pub fn peak_gpu_bytes(device: Device) -> Option<u64> {
    match device {
        Device::Cuda(gpu) => cuda::peak_memory(gpu).ok(),
        _ => None,
    }
}

/// The largest resident size since the start or the last [`reset_peak`], in bytes.
pub fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_processor_has_no_memory_of_a_gpu() {
        reset_peak(Device::Cpu);
        assert_eq!(peak_gpu_bytes(Device::Cpu), None);
    }

    #[test]
    fn the_peak_holds_what_was_freed_again() {
        let before = peak_bytes().unwrap();
        let block = vec![1u8; 64 << 20];
        assert_eq!(block.iter().map(|&byte| u64::from(byte)).sum::<u64>(), 64 << 20);
        drop(block);
        assert!(peak_bytes().unwrap() >= before.max(64 << 20));
    }
}
