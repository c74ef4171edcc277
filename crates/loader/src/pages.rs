//! Memory of whole pages.

use std::any::Any;
use std::fmt;
use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

/// Bytes in pages of their own, which nothing else shares, where the system gives such: a driver
/// can lock them in memory, so that a GPU reads them without a copy.
#[derive(Default)]
pub struct Pages {
    /// See [`attach`](Self::attach); it is dropped before the pages are.
    attached: Option<Box<dyn Any + Send + Sync>>,
    memory: Memory,
    length: usize,
}

enum Memory {
    Pages(MmapMut),
    /// Where the system has no pages to give: the allocator may have some, or says so.
    Heap(Vec<u8>),
}

impl Default for Memory {
    fn default() -> Self {
        Self::Heap(Vec::new())
    }
}

impl Pages {
    /// So many bytes, all of them 0.
    pub fn zeroed(length: usize) -> Self {
        let mut pages = Self::default();
        pages.resize(length);
        pages
    }

    /// Takes another length. Bytes that were there before stay where they are while there is room
    /// for them; else they and what is [attached](Self::attach) are lost.
    pub fn resize(&mut self, length: usize) {
        if self.room().len() < length {
            *self = Self::default();
            self.memory = Memory::zeroed(length);
        }
        self.length = length;
    }

    /// All bytes that there is room for: what a lock on the pages covers.
    pub fn room(&self) -> &[u8] {
        match &self.memory {
            Memory::Pages(map) => map,
            Memory::Heap(bytes) => bytes,
        }
    }

    /// What depends on the pages and is dropped before them, such as a lock on them.
    pub fn attached(&self) -> Option<&(dyn Any + Send + Sync)> {
        self.attached.as_deref()
    }

    /// Keeps `what` as long as the pages.
    pub fn attach(&mut self, what: Box<dyn Any + Send + Sync>) {
        self.attached = Some(what);
    }
}

impl Memory {
    fn zeroed(length: usize) -> Self {
        let Ok(map) = MmapMut::map_anon(length) else { return Self::Heap(vec![0; length]) };
        // Fewer page faults; without it the pages are as good.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Self::Pages(map)
    }
}

impl Deref for Pages {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.room()[..self.length]
    }
}

impl DerefMut for Pages {
    fn deref_mut(&mut self) -> &mut [u8] {
        let room = match &mut self.memory {
            Memory::Pages(map) => &mut map[..],
            Memory::Heap(bytes) => bytes,
        };
        &mut room[..self.length]
    }
}

impl From<&[u8]> for Pages {
    fn from(bytes: &[u8]) -> Self {
        let mut pages = Self::zeroed(bytes.len());
        pages.copy_from_slice(bytes);
        pages
    }
}

impl Clone for Pages {
    /// The bytes, without what is attached.
    fn clone(&self) -> Self {
        Self::from(&**self)
    }
}

impl PartialEq for Pages {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Pages {}

impl fmt::Debug for Pages {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn pages_are_whole_and_zeroed() {
        let mut pages = Pages::zeroed(5000);
        assert!(pages.iter().all(|&byte| byte == 0) && pages.len() == 5000);
        assert_eq!(pages.room().as_ptr() as usize % 4096, 0);
        pages[..2].copy_from_slice(&[7, 8]);
        pages.resize(2);
        assert_eq!(*pages, [7, 8]);
        let place = pages.as_ptr();
        pages.resize(5000);
        assert_eq!((pages.as_ptr(), pages[1], pages[2]), (place, 8, 0));
        assert_eq!(pages.clone(), pages);
        assert!(Pages::zeroed(0).is_empty() && Pages::default().is_empty());
    }

    #[test]
    fn what_is_attached_goes_when_the_pages_do() {
        let (held, mut pages) = (Arc::new(1), Pages::zeroed(10));
        pages.attach(Box::new(Arc::clone(&held)));
        pages.resize(8);
        assert!(pages.attached().is_some_and(|what| what.is::<Arc<i32>>()));
        assert!(pages.clone().attached().is_none());
        pages.resize(1 << 20);
        assert!(pages.attached().is_none() && pages.iter().all(|&byte| byte == 0));
        pages.attach(Box::new(Arc::clone(&held)));
        drop(pages);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
