//! Which file is mapped at an address, for a signal handler: it may neither lock nor allocate.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use files::OneLine;

/// Files that are known at a time; later ones have no name in the message.
const PLACES: usize = 64;
/// Bytes of a path that are kept.
const LENGTH: usize = 255;

/// A mapped file.
struct Place {
    start: AtomicUsize,
    /// Zero where the place is free.
    end: AtomicUsize,
    /// Its path on one line.
    path: [AtomicU8; LENGTH],
    length: AtomicUsize,
}

static FILES: [Place; PLACES] = [const {
    Place {
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        path: [const { AtomicU8::new(0) }; LENGTH],
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
        let length = text.len().min(LENGTH);
        for (kept, byte) in place.path.iter().zip(text.bytes()) {
            kept.store(byte, Ordering::Relaxed);
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

/// The path of the file that is mapped at `address`, on one line and cut to 255 bytes, in a buffer
/// and its length. A signal handler may ask: this neither locks nor allocates.
pub fn mapped_file(address: usize) -> Option<([u8; LENGTH], usize)> {
    let holds = |place: &&Place| {
        // The end first: where it isn't zero, the rest is written.
        let end = place.end.load(Ordering::Acquire);
        (place.start.load(Ordering::Relaxed)..end).contains(&address)
    };
    let place = FILES.iter().find(holds)?;
    let mut path = [0; LENGTH];
    for (byte, kept) in path.iter_mut().zip(&place.path) {
        *byte = kept.load(Ordering::Relaxed);
    }
    Some((path, place.length.load(Ordering::Relaxed).min(LENGTH)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_the_name_of_its_file_while_that_is_mapped() {
        let (first, second) = ([0u8; 100], [0u8; 100]);
        let at = |bytes: &[u8], place: usize| {
            let (path, length) = mapped_file(bytes.as_ptr() as usize + place)?;
            Some(String::from_utf8_lossy(&path[..length]).into_owned())
        };
        let registered = Registered::new(&first, Path::new("a/first")).unwrap();
        let other = Registered::new(&second, Path::new("b\nsecond")).unwrap();
        assert_eq!(at(&first, 0), Some("a/first".to_owned()));
        assert_eq!(at(&first, 99), Some("a/first".to_owned()));
        assert_eq!(at(&second, 50), Some(OneLine("b\nsecond").to_string()));
        assert_eq!(mapped_file(1), None);
        drop(registered);
        assert_eq!(at(&first, 50), None);
        let long = "x".repeat(1000);
        let again = Registered::new(&first, Path::new(&long)).unwrap();
        assert_eq!(at(&first, 50), Some(long[..255].to_owned()));
        drop((again, other));
        assert_eq!(at(&second, 50), None);
    }
}
