//! Once warm, nobody allocates: neither the workers nor the consumer. Alone in its program, as it
//! counts what every thread does.

mod plans;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use loader::{Loader, Position};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands everything to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    // SAFETY: as the system allocator.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.alloc(layout) }
    }

    // SAFETY: as the system allocator.
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    // SAFETY: as the system allocator.
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Allocations while the consumer takes `count` batches and gives them back.
fn allocations_in(loader: &mut Loader, count: usize) -> usize {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..count {
        let batch = loader.next().unwrap();
        loader.recycle(batch);
    }
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

/// When everything is warm depends on the system's scheduler: each thread allocates when it first
/// renders or first waits, and batches are made when all others happen to be in use. So a stretch
/// of 100 batches, 25 epochs, without any has to come at some time.
#[test]
fn warm_batches_need_no_allocation() {
    for workers in [1, 3] {
        let start = Position { epoch: 0, step: 0 };
        let mut loader = Loader::start(plans::enlarging(workers), start).unwrap();
        let stretches: Vec<usize> = (0..50)
            .map(|_| allocations_in(&mut loader, 100))
            .take_while(|count| *count > 0)
            .collect();
        assert!(stretches.len() < 50, "{workers} workers: {stretches:?}");
    }
}
