//! One module a command.

pub mod compare;
pub mod completions;
pub mod config;
pub mod data;
pub mod embed;
pub mod evaluate;
pub mod export;
pub mod man;
pub mod methods;
pub mod neighbors;
pub mod predict;
pub mod pretrain;
pub mod preview;
pub mod report;
pub mod schema;
pub mod select;
