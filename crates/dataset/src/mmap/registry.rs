//! Which file is mapped at an address, for a signal handler: it may neither lock nor allocate.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use files::OneLine;

/// Files that are known at a time; later ones have no name in the message.
const PLACES: usize = 64;
/// Bytes of a path that are kept.
const LENGTH: usize = 255;

/// A mapped file. All zero where the place is free.
struct Place {
    start: AtomicUsize,
    end: AtomicUsize,
    /// Its path on one line. The memory is never given back, as a handler may be reading it: a
    /// place keeps it for the next file.
    path: AtomicPtr<[u8; LENGTH]>,
    length: AtomicUsize,
}

static FILES: [Place; PLACES] = [const {
    Place {
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        path: AtomicPtr::new(std::ptr::null_mut()),
        length: AtomicUsize::new(0),
    }
}; PLACES];

/// Held while a place is taken or left.
static CHANGE: Mutex<()> = Mutex::new(());

/// The place of a file while it is mapped.
#[derive(Debug)]
pub(super) struct Registered(usize);

impl Registered {
    /// `None` where all places are taken.
    pub fn new(map: &[u8], path: &Path) -> Option<Self> {
        let _change = CHANGE.lock();
        let number = FILES.iter().position(|place| place.end.load(Ordering::Relaxed) == 0)?;
        let place = &FILES[number];
        let text = OneLine(path).to_string();
        let mut bytes = [0; LENGTH];
        let length = text.len().min(LENGTH);
        bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
        let memory = place.path.load(Ordering::Relaxed);
        if memory.is_null() {
            place.path.store(Box::leak(Box::new(bytes)), Ordering::Relaxed);
        } else {
            // SAFETY: made above, never freed, and written by who holds the lock alone. No handler
            // reads it, as no address is in a free place.
            unsafe { memory.write(bytes) };
        }
        place.length.store(length, Ordering::Relaxed);
        let start = map.as_ptr() as usize;
        place.start.store(start, Ordering::Relaxed);
        place.end.store(start + map.len(), Ordering::Release);
        Some(Self(number))
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let _change = CHANGE.lock();
        FILES[self.0].end.store(0, Ordering::Release);
    }
}

/// The path of the file that is mapped at `address`, on one line and cut to 255 bytes. May be
/// called by a signal handler of the thread that reads there.
pub fn mapped_file(address: usize) -> Option<&'static [u8]> {
    let holds = |place: &&Place| {
        // The end first: where it isn't zero, the rest is written.
        let end = place.end.load(Ordering::Acquire);
        (place.start.load(Ordering::Relaxed)..end).contains(&address)
    };
    let place = FILES.iter().find(holds)?;
    let length = place.length.load(Ordering::Relaxed);
    // SAFETY: not null, as the place is taken, and not written while the file is mapped: the thread
    // that reads its bytes borrows the mapping.
    let path = unsafe { &*place.path.load(Ordering::Relaxed) };
    Some(&path[..length])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_the_name_of_its_file_while_that_is_mapped() {
        let (first, second) = ([0u8; 100], [0u8; 100]);
        let at = |bytes: &[u8], place: usize| mapped_file(bytes.as_ptr() as usize + place);
        let registered = Registered::new(&first, Path::new("a/first")).unwrap();
        let other = Registered::new(&second, Path::new("b\nsecond")).unwrap();
        assert_eq!(at(&first, 0), Some(&b"a/first"[..]));
        assert_eq!(at(&first, 99), Some(&b"a/first"[..]));
        assert_eq!(at(&second, 50), Some(OneLine("b\nsecond").to_string().as_bytes()));
        assert_eq!(mapped_file(1), None);
        drop(registered);
        assert_eq!(at(&first, 50), None);
        let long = "x".repeat(1000);
        let again = Registered::new(&first, Path::new(&long)).unwrap();
        assert_eq!(at(&first, 50), Some(&long.as_bytes()[..255]));
        drop((again, other));
        assert_eq!(at(&second, 50), None);
    }
}
