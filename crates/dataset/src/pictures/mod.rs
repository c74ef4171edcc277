//! Pictures of many images: contact sheets and thumbnails, as PNG and JPEG.

mod contact_sheet;
mod picture_format;
mod thumbnails;

pub use self::contact_sheet::{Sheet, contact_sheet, save_png};
pub use self::picture_format::{PictureFormat, save_picture};
pub use self::thumbnails::{jpeg, thumbnails};
