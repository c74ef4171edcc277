//! Memory that is shared with other packages.

use std::any::Any;
use std::sync::Arc;

/// Type of an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DType {
    /// Bytes.
    U8,
    /// Signed integers of 64 bits.
    I64,
}

impl DType {
    /// Bytes of an element.
    pub fn size(self) -> usize {
        match self {
            DType::U8 => 1,
            DType::I64 => 8,
        }
    }
}

/// Whatever keeps an array's memory where it is.
pub type Owner = Arc<dyn Any + Send + Sync>;

/// Elements in C order.
pub struct Memory<'a> {
    /// What keeps them where they are.
    pub owner: Owner,
    /// Where the first one is.
    pub data: *mut u8,
    /// Type of the elements.
    pub dtype: DType,
    /// Sizes, outermost first.
    pub sizes: &'a [usize],
}
