//! Processor time, which other programs on the machine disturb less than the time on the wall; and
//! memory.

use std::fs;

use rustix::time::{ClockId, clock_gettime};

/// Seconds that this thread has spent on a processor.
pub fn thread_secs() -> f64 {
    secs(ClockId::ThreadCPUTime)
}

/// Seconds that all threads of this process have spent on processors.
pub fn process_secs() -> f64 {
    secs(ClockId::ProcessCPUTime)
}

fn secs(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Bytes of a line of `/proc/self/status`: `VmRSS` is what is resident, `VmHWM` the most that ever
/// was. None where the system does not say.
pub fn memory(line: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_threads_count_for_the_process() {
        let (thread, process) = (thread_secs(), process_secs());
        let spin = || {
            let begun = thread_secs();
            while thread_secs() - begun < 0.02 {
                std::hint::spin_loop();
            }
        };
        std::thread::scope(|scope| _ = scope.spawn(spin));
        let (thread, process) = (thread_secs() - thread, process_secs() - process);
        assert!(process >= 0.02 && thread < process, "{thread} {process}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_is_read() {
        assert!(memory("VmHWM").unwrap() >= 1e5);
        assert_eq!(memory("Vm"), None);
    }
}
