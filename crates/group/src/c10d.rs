//! c10d's store and groups. The folder also has the interface in C++.

mod collectives;
mod ffi;
mod store;

pub(crate) use collectives::Collectives;
pub(crate) use store::Store;
