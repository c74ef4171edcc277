//! Reservations of several threads, and what the kernel writes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::*;

#[test]
fn threads_have_no_more_than_the_limit_together() {
    static POOL: Pool = Pool::new(100);
    let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for number in 0..8 {
            let (now, most) = (&now, &most);
            scope.spawn(move || {
                for turn in 0..200 {
                    let bytes = 1 + (37 * number + 11 * turn) % 100;
                    let reservation = Reservation::of(&POOL, bytes, |_| true).unwrap();
                    most.fetch_max(
                        now.fetch_add(bytes, Ordering::SeqCst) + bytes,
                        Ordering::SeqCst,
                    );
                    thread::yield_now();
                    now.fetch_sub(bytes, Ordering::SeqCst);
                    drop(reservation);
                }
            });
        }
    });
    assert!(most.into_inner() <= 100);
    assert_eq!(*POOL.lock(), 0);
    assert_eq!(Reservation::of(&POOL, 101, |_| true).unwrap_err(), Refused::Limit(100));
}

#[test]
fn what_the_system_refuses_waits_for_others_and_then_fails() {
    static POOL: Pool = Pool::new(1 << 40);
    let small = |all| all <= TRIED_BYTES;
    let first = Reservation::of(&POOL, 5, small).unwrap();
    thread::scope(|scope| {
        let second = scope.spawn(|| Reservation::of(&POOL, TRIED_BYTES, small).unwrap());
        let large = scope.spawn(|| Reservation::of(&POOL, TRIED_BYTES + 1, small).unwrap_err());
        drop(first);
        drop(second.join().unwrap());
        assert_eq!(large.join().unwrap(), Refused::System);
    });
    assert!(try_buffer(1 << 20).is_some_and(|buffer| buffer.capacity() == 1 << 20));
    assert!(try_buffer(isize::MAX as usize).is_none());
    assert!(!allocation_may_fail());
}

#[test]
fn limits_are_read_as_the_kernel_writes_them() {
    assert_eq!(machine_memory("A: 1 kB\nMemTotal:       24684092 kB\n"), Some(24_684_092 << 10));
    let limits = "Limit   Soft Limit   Hard Limit   Units\n\
                  Max address space         1048576000           unlimited            bytes\n";
    assert_eq!(address_limit(limits), Some(1_048_576_000));
    assert_eq!(address_limit(&limits.replace("1048576000", "unlimited")), None);
    let groups = "4:cpu,memory:/a/b\n3:cpuset:/\n0::/\n";
    assert_eq!(
        group_files(groups),
        [
            "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory.max",
            "/sys/fs/cgroup/memory.max",
        ]
    );
}
