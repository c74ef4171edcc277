use super::*;

const RED: Rgb<u8> = Rgb([200, 0, 0]);

fn tile(side: u32, caption: &[&str], frame: Frame) -> Tile {
    Tile {
        image: RgbImage::from_pixel(side, side, RED),
        caption: caption.iter().map(|&line| line.to_owned()).collect(),
        frame,
    }
}

fn count(image: &RgbImage, color: Rgb<u8>) -> usize {
    image.pixels().filter(|&&pixel| pixel == color).count()
}

#[test]
fn a_query_stands_apart_from_its_answers() {
    let row = |answers: usize| SheetRow {
        query: Some(tile(72, &["q"], Frame::Query)),
        tiles: vec![tile(72, &["a"], Frame::Same); answers],
    };
    let sheet = ContactSheet { title: String::new(), columns: 2, rows: vec![row(2), row(3)] };
    let image = sheet.image();
    // A tile: 144 pixels and twice a frame and its white; the row of three takes two lines.
    let line = 160 + LINE + 15;
    assert_eq!(image.dimensions(), (10 + 160 + 34 + 160 + 10 + 160 + 10, 10 + 3 * line));
    assert_eq!(count(&image, RED), 7 * 144 * 144);
    let at = |x: u32, y: u32| *image.get_pixel(x, y);
    assert_eq!(at(10, 10), Rgb([0x22; 3]), "the frame of the query");
    assert_eq!(at(204, 10), Rgb([0x1a, 0x98, 0x50]), "the frame of an answer");
    assert_eq!((at(18, 18), at(17, 18)), (RED, WHITE));
    assert_eq!(at(10, 10 + 2 * line), WHITE, "no second query");
    assert_eq!(at(204, 10 + 2 * line), Rgb([0x1a, 0x98, 0x50]));
}

#[test]
fn captions_and_the_title_are_drawn_and_stay_in_their_place() {
    let sheet = |title: &str, caption: &[&str]| {
        let tiles = vec![tile(160, caption, Frame::Plain), tile(160, &[], Frame::Plain)];
        let rows = vec![SheetRow::of_tiles(tiles)];
        ContactSheet { title: title.to_owned(), columns: 8, rows }.image()
    };
    let long = "W".repeat(99);
    let (empty, full) = (sheet("", &["", ""]), sheet("", &["a.jpg", &long]));
    assert_eq!(empty.dimensions(), full.dimensions());
    let differing = |(x, y): (u32, u32)| empty.get_pixel(x, y) != full.get_pixel(x, y);
    let (width, height) = full.dimensions();
    let places: Vec<(u32, u32)> = (0..width)
        .flat_map(|x| (0..height).map(move |y| (x, y)))
        .filter(|&at| differing(at))
        .collect();
    assert!(places.len() > 300, "{}", places.len());
    let inside = |&(x, y): &(u32, u32)| (10..10 + 176).contains(&x) && y >= 10 + 176;
    assert!(places.iter().all(inside));
    let titled = sheet("Some words", &["", ""]);
    assert_eq!(titled.height(), full.height() + TITLE_FONT + 6 + GAP / 2);
    let dark = titled.enumerate_pixels().filter(|(_, y, pixel)| *y < 30 && pixel.0[0] < 128);
    assert!(dark.count() > 50);
}

#[test]
fn names_are_shortened_in_the_middle() {
    assert_eq!(shorten("cat/1.jpg", 9), "cat/1.jpg");
    assert_eq!(shorten("holidays/2024/IMG_0001.jpg", 16), "holid…G_0001.jpg");
    assert_eq!(shorten("äöüßéè", 4), "ä…éè");
    assert_eq!(shorten("abc", 1), "…");
}

#[test]
fn a_sheet_of_nothing_is_a_small_white_image() {
    let image = ContactSheet { title: String::new(), columns: 8, rows: Vec::new() }.image();
    assert_eq!(count(&image, WHITE), (image.width() * image.height()) as usize);
}
