//! Panics, libtorch exceptions, failed allocations and signals become one line on stderr and exit
//! code 1.

use std::alloc::{GlobalAlloc, Layout, System};
use std::any::Any;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGBUS, SIGSEGV, SIGXFSZ};
use signal_hook::low_level;

use crate::app::failure::{FAILED, Failure};

/// Runs a command; a panic becomes a [`Failure`].
pub fn caught(command: impl FnOnce() -> Result<ExitCode, Failure>) -> Result<ExitCode, Failure> {
    // RUST_BACKTRACE keeps the default hook.
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        panic::set_hook(Box::new(|_| {}));
    }
    panic::catch_unwind(AssertUnwindSafe(command))
        .unwrap_or_else(|panic| Err(Failure::failed(message(panic.as_ref()))))
}

/// The message of a panic, as one line.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    let Some(text) = text else {
        return "internal error without a message".to_owned();
    };
    match exception(text) {
        Some(text) if text.contains("out of memory") || text.contains("can't allocate memory") => {
            format!("out of memory: libtorch says {text:?}; {ADVICE}")
        }
        Some(text) if text.contains("stream is capturing") || text.contains("during capture") => {
            format!(
                "libtorch says {text:?}; --set train.cuda_graph=false trains without CUDA graphs"
            )
        }
        Some(text) => format!("libtorch says {text:?}"),
        None => format!("internal error: {text}"),
    }
}

const ADVICE: &str = "a smaller train.batch_size usually helps; checkpoints are as they were";

/// The first line of an exception from libtorch; the lines below name addresses in its code.
fn exception(text: &str) -> Option<&str> {
    let (_, text) = text.split_once("Torch(\"")?;
    let end = text.find("\\n").or_else(|| text.rfind("\")"));
    Some(&text[..end.unwrap_or(text.len())])
}

/// Handles the signals that would end the process without a message.
pub fn handle_signals() -> io::Result<()> {
    // With SIGXFSZ handled, writing beyond the file size limit returns an error.
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    // SAFETY: the action only writes to stderr, which doesn't allocate, and ends the process. The
    // one lock that it takes is that of stderr, which no code holds while it reads a mapped file.
    unsafe {
        signal_hook_registry::register_sigaction(SIGBUS, |signal| {
            // SAFETY: the system says where the page is. Of a signal that another process sent
            // the number is of no file.
            lost_page(signal.si_addr() as usize)
        })
    }?;
    let action = || {
        end(
            "error: a library crashed (SIGSEGV), as oneDNN does when it gets no memory; a smaller train.batch_size may help; checkpoints are as they were\n",
        )
    };
    // SAFETY: as above. The handler that was there before, which tells of an overflowing stack,
    // runs first.
    unsafe { signal_hook_registry::register_signal_unchecked(SIGSEGV, action) }?;
    Ok(())
}

/// Says that the page at `address` can't be read.
fn lost_page(address: usize) -> ! {
    let mut line = Line::default();
    let _ = line.write_all(b"error: ");
    let _ = match dataset::mapped_file(address) {
        Some((path, length)) => line.write_all(&path[..length]),
        None => line.write_all(b"a mapped file"),
    };
    let _ = line.write_all(
        b": expected the mapped file to stay as it was opened, found a page that can't be read \
          (was it cut?); checkpoints are as they were\n",
    );
    end_with(&line.bytes[..line.length])
}

/// Writes a line and ends the process without allocating or unwinding.
fn end(line: &str) -> ! {
    end_with(line.as_bytes())
}

fn end_with(line: &[u8]) -> ! {
    let _ = io::stderr().write_all(line);
    low_level::exit(i32::from(FAILED))
}

/// The system allocator; out of memory, the process ends with one line instead of a crash, but for
/// what `dataset` tries.
pub struct Allocator;

fn checked(block: *mut u8, bytes: usize) -> *mut u8 {
    if block.is_null() && !dataset::allocation_may_fail() {
        let mut line = Line::default();
        let _ = writeln!(line, "error: out of memory: failed to allocate {bytes} bytes; {ADVICE}");
        end(std::str::from_utf8(&line.bytes[..line.length]).unwrap_or("error: out of memory\n"));
    }
    block
}

/// A line that needs no allocation.
struct Line {
    bytes: [u8; 512],
    length: usize,
}

impl Default for Line {
    fn default() -> Self {
        Self { bytes: [0; 512], length: 0 }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = (&mut self.bytes[self.length..]).write(bytes)?;
        self.length += written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// SAFETY: every method hands its arguments on to the system's allocator, under the same contract; a
// block that isn't there ends the process, or is handed on as null.
unsafe impl GlobalAlloc for Allocator {
    // SAFETY: the caller keeps the contract of `GlobalAlloc`.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        checked(unsafe { System.alloc(layout) }, layout.size())
    }

    // SAFETY: the caller keeps the contract of `GlobalAlloc`.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        checked(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    // SAFETY: the caller keeps the contract of `GlobalAlloc`.
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }

    // SAFETY: the caller keeps the contract of `GlobalAlloc`.
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: as above.
        checked(unsafe { System.realloc(block, layout, bytes) }, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(panic: impl Any + Send) -> String {
        message(&panic)
    }

    #[test]
    fn exceptions_of_libtorch_take_one_line() {
        let text = "called `Result::unwrap()` on an `Err` value: Torch(\"[enforce fail at alloc_cpu.cpp:127] err == 0. \
                    DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes.\\nException raised from a\\nframe #0\")";
        let said = of(text.to_owned());
        assert!(said.starts_with("out of memory: libtorch says \"[enforce"), "{said}");
        assert!(said.contains("4 bytes.\"; a smaller"), "{said}");
        let other =
            "called `Result::unwrap()` on an `Err` value: Torch(\"shapes (1) and (2) differ\")";
        assert_eq!(of(other.to_owned()), "libtorch says \"shapes (1) and (2) differ\"");
        let other =
            "Torch(\"CUDA error: operation not permitted when stream is capturing\\nCUDA\")";
        assert!(
            of(other.to_owned())
                .ends_with("--set train.cuda_graph=false trains without CUDA graphs")
        );
    }

    #[test]
    fn panics_are_internal_errors() {
        assert_eq!(of("index 3"), "internal error: index 3");
        assert!(of(3).contains("without a message"));
    }
}
