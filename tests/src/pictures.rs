//! Small pictures.

use image::RgbImage;

/// A PNG of 40 x 32 pixels in stripes of `color`.
pub fn png(color: [u8; 3], number: u32) -> Vec<u8> {
    let picture = RgbImage::from_fn(40, 32, |x, y| {
        let light = (x + 2 * y + number) % 8 < 4;
        image::Rgb(color.map(|value| if light { value } else { value / 2 }))
    });
    encoded(&picture)
}

/// A picture with stripes whose direction and color are those of a kind.
pub fn picture(kind: usize, number: usize) -> Vec<u8> {
    let image = RgbImage::from_fn(40, 40, |x, y| {
        let along = if kind == 0 { x } else { y } as usize;
        let bright = (along + number).is_multiple_of(5) as u8 * 120;
        image::Rgb([60 + bright, (100 * kind + 7 * number) as u8, 90])
    });
    encoded(&image)
}

fn encoded(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).expect("written to memory");
    bytes.into_inner()
}
