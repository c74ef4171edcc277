//! Images that are alike: what is nearest to a picture, near-duplicates, outliers.

use std::fs;

use end_to_end::Place;
use serde_json::{Value, json};

fn neighbors<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let start = ["neighbors", "run", "--data", "photos"];
    [&start[..], more].concat()
}

fn put_png(place: &Place, name: &str, pixel: impl Fn(u32, u32) -> [u8; 3]) {
    put_wide_png(place, name, 36, pixel);
}

fn put_wide_png(place: &Place, name: &str, width: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_fn(width, 32, |x, y| image::Rgb(pixel(x, y)));
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    place.put(name, bytes.into_inner());
}

/// A run, and a flat folder of twelve pictures that are somewhat alike: slow waves of brightness,
/// each by another angle.
fn place() -> Place {
    let place = Place::trained("simclr");
    for number in 0..12 {
        let angle = f64::from(number) * 0.1;
        put_png(&place, &format!("photos/{number:02}.png"), |x, y| wave(angle, x, y));
    }
    place
}

fn wave(angle: f64, x: u32, y: u32) -> [u8; 3] {
    let along = f64::from(x) * angle.cos() + f64::from(y) * angle.sin();
    let wave = 120.0 + 60.0 * (along / 6.0).sin();
    [wave, wave * 0.9, wave * 0.8].map(|value| value as u8)
}

/// Width of a tile of an image of 32 pixels, and height of a line of tiles with two lines of words.
const TILE: [u32; 2] = [5 * 32 + 16, 5 * 32 + 16 + 2 * 17 + 15];

/// Width of a sheet with a query and that many images beside it.
fn sheet_width(columns: u32) -> u32 {
    10 + TILE[0] + 34 + columns * (TILE[0] + 10)
}

fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|image| image["name"].as_str().unwrap()).collect()
}

fn numbers(list: &Value, key: &str) -> Vec<f64> {
    let list = list.as_array().unwrap().iter();
    list.map(|image| image[key].as_f64().unwrap()).collect()
}

#[test]
fn a_picture_of_the_set_finds_itself_first() {
    let place = place();
    for number in ["00", "07", "11"] {
        let query = format!("photos/{number}.png");
        let found = place
            .run(&neighbors(&["--query", &query, "-k", "5", "--json", "--out", "near.png"]))
            .done()
            .json();
        let nearest = &found["nearest"];
        assert_eq!(names(nearest)[0], format!("{number}.png"));
        let cosines = numbers(nearest, "cosine");
        assert!(cosines[0] > 1.0 - 1e-9 && cosines.is_sorted_by(|a, b| a >= b), "{cosines:?}");
        assert_eq!((cosines.len(), &found["sheet"]), (5, &json!("near.png")));
    }
    let sheet = image::open(place.path("near.png")).unwrap().into_rgb8();
    // A title of one line, and a line of tiles.
    assert_eq!(sheet.dimensions(), (sheet_width(5), 37 + TILE[1]));
    let cell = |left: u32| image::imageops::crop_imm(&sheet, left + 8, 45, 160, 160).to_image();
    let (query, first) = (10, 10 + TILE[0] + 34);
    assert_eq!(cell(query), cell(first), "the picture, and itself");
    assert_ne!(cell(query), cell(first + TILE[0] + 10));
    // Words below each.
    for left in [query, first] {
        let words = image::imageops::crop_imm(&sheet, left, 37 + TILE[0], TILE[0], 34).to_image();
        assert!(words.pixels().filter(|pixel| pixel.0[0] < 128).count() > 50);
    }
    // In the format of its name.
    for name in ["near.jpg", "near.webp"] {
        place.run(&neighbors(&["--query", "photos/00.png", "--out", name])).done();
        let format = image::ImageFormat::from_path(name).unwrap();
        assert_eq!(image::guess_format(&place.read(name)).unwrap(), format);
    }
    // A picture from elsewhere; more neighbors than there are; as text.
    put_png(&place, "other.png", |x, _| [(x * 7) as u8, 0, 200]);
    let text = place.run(&neighbors(&["--query", "other.png", "-k", "99"])).done().stdout;
    assert_eq!(text.lines().count(), 12);
    assert!(text.lines().all(|line| line.ends_with(".png")), "{text}");
    // Of a labeled set, it says the class.
    let labeled = ["neighbors", "run", "--query", "other.png", "--split", "train", "--json"];
    let found = place.run(&labeled).done().json();
    let nearest = &found["nearest"][0];
    assert_eq!((&nearest["split"], &nearest["name"]), (&json!("train"), &Value::Null));
    assert!(nearest["class"].is_string() && nearest["label"].is_u64(), "{found}");
}

#[test]
fn copies_are_found() {
    let place = place();
    let none = place.run(&neighbors(&["--duplicates", "--threshold", "1", "--json"]));
    assert_eq!(none.done().json()["found"], 0);
    for (from, to) in [("03.png", "also 03.png"), ("08.png", "deep/08.png")] {
        place.put(&format!("photos/{to}"), place.read(&format!("photos/{from}")));
    }
    let asked = ["--duplicates", "--threshold", "1", "--out", "pairs.png"];
    let found = place.run(&neighbors(&[&asked[..], &["--json"]].concat())).done().json();
    assert_eq!((&found["found"], &found["images"]), (&json!(2), &json!(14)));
    let mut pairs: Vec<Vec<&str>> =
        found["pairs"].as_array().unwrap().iter().map(|pair| names(&pair["images"])).collect();
    pairs.sort();
    assert_eq!(pairs, [["03.png", "also 03.png"], ["08.png", "deep/08.png"]]);
    let sheet = image::open(place.path("pairs.png")).unwrap();
    assert_eq!(sheet.width(), sheet_width(1));
    assert!(sheet.height() > 2 * TILE[1] && sheet.height() < 3 * TILE[1]);
    let mut kept: Vec<(&str, Vec<&str>)> = found["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (group["keep"]["name"].as_str().unwrap(), names(&group["others"])))
        .collect();
    kept.sort();
    assert_eq!(kept, [("03.png", vec!["also 03.png"]), ("08.png", vec!["deep/08.png"])]);
    // A lower threshold finds more, and lists no more than asked for.
    let lower = ["--duplicates", "--threshold", "-1", "--limit", "3"];
    let text = place.run(&neighbors(&lower)).done().stdout;
    let says = "91 pairs of 14 images have a cosine of at least -1; the 3 most similar:";
    assert!(text.starts_with(says), "{text}");
    assert!(text.contains("03.png  also 03.png"), "{text}");
    let (pairs, groups) = text.split_once("of each, keep the first:\n").unwrap();
    assert_eq!(pairs.lines().count(), 5, "{text}");
    assert!(groups.lines().count() >= 2, "{text}");
}

#[test]
fn of_copies_the_largest_is_kept() {
    let place = place();
    // The same middle, of which images are made, in a wider picture; and once more.
    put_wide_png(&place, "photos/wide.png", 40, |x, y| wave(0.5, x.saturating_sub(2), y));
    place.put("photos/again.png", place.read("photos/05.png"));
    let asked = ["--duplicates", "--threshold", "1", "--json"];
    let found = place.run(&neighbors(&asked)).done().json();
    assert_eq!(found["found"], 3, "{found}");
    let groups = found["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0]["keep"]["name"], "wide.png");
    assert_eq!(names(&groups[0]["others"]), ["05.png", "again.png"]);
}

#[test]
fn the_odd_one_out_is_found() {
    let place = place();
    put_png(&place, "photos/odd.png", |x, y| {
        if (x / 2 + y / 2) % 2 == 0 { [255, 0, 0] } else { [0, 0, 255] }
    });
    let asked = ["--outliers", "3", "-k", "4", "--json", "--out", "outliers.png"];
    let found = place.run(&neighbors(&asked)).done().json();
    assert_eq!(names(&found["outliers"])[0], "odd.png");
    let distances = numbers(&found["outliers"], "distance");
    assert!(distances.len() == 3 && distances[0] > distances[1], "{distances:?}");
    let sheet = image::open(place.path("outliers.png")).unwrap();
    assert_eq!(sheet.width(), sheet_width(4));
    assert!(sheet.height() > 3 * TILE[1] && sheet.height() < 4 * TILE[1]);
    let text = place.run(&neighbors(&["--outliers", "1"])).done().stdout;
    assert!(text.lines().nth(1).unwrap().ends_with("  odd.png"), "{text}");
    // No more neighbors than there are other images.
    let images = found["images"].as_u64().unwrap();
    let text = place.run(&neighbors(&["--outliers", "1", "-k", "500"])).done().stdout;
    let says = format!("mean cosine distance to the {} nearest of {images} images\n", images - 1);
    assert!(text.starts_with(&says), "{text}");
}

/// Without labels or a test split, images of the set are drawn with their nearest others.
#[test]
fn without_a_test_split_images_of_the_set_have_neighbors() {
    let place = place();
    let drawn = neighbors(&["--out", "near.png", "--rows", "4", "-k", "3", "--json"]);
    let found = place.run(&drawn).done().json();
    assert_eq!([&found["images"], &found["k"]], [12, 3]);
    let rows = found["rows"].as_array().unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let queries: Vec<String> = rows.iter().map(|row| name(&row["image"])).collect();
    assert_eq!(queries, ["00.png", "03.png", "06.png", "09.png"]);
    for row in rows {
        let nearest = row["nearest"].as_array().unwrap();
        let cosines: Vec<f64> =
            nearest.iter().map(|near| near["cosine"].as_f64().unwrap()).collect();
        assert!(cosines.len() == 3 && cosines.is_sorted_by(|a, b| a >= b), "{row}");
        assert!(nearest.iter().all(|near| near["name"] != row["image"]["name"]), "{row}");
    }
    assert!(place.has("near.png"));
}

#[test]
fn what_can_not_be_searched_is_refused() {
    let place = place();
    let refuses = |more: &[&str], says: &[&str]| place.refuses(&neighbors(more), says);
    // Once, so that the folder is decoded.
    place.run(&neighbors(&["--outliers", "1"])).done();
    refuses(&["--query", "no.png"], &["no.png: cannot open"]);
    refuses(&["--query", "-"], &["--query: expected an image file, found -"]);
    place.put("words.jpg", "These are words.\n");
    refuses(
        &["--query", "words.jpg"],
        &["words.jpg: expected a JPEG, PNG, WebP, TIFF, BMP, GIF or PNM image, found text"],
    );
    refuses(&["--duplicates", "--threshold", "1.5"], &["threshold must be a cosine"]);
    refuses(&["--outliers", "3", "-k", "0"], &["-k: expected at least 1"]);
    refuses(
        &["--duplicates", "--split", "test"],
        &["photos: split: expected unlabeled, found test"],
    );
    refuses(&["--duplicates", "--outliers", "3"], &["cannot be used with"]);
    let mixed = ["--outliers", "3", "--threshold", "0.5"];
    refuses(&mixed, &["--threshold", "cannot be used with", "--outliers"]);
    refuses(&["--out", "x.png", "--threshold", "0.5"], &["--duplicates"]);
    refuses(&["--out", "x.png", "--split", "train"], &["--duplicates"]);
    refuses(&[], &["--out"]);
    refuses(&["--out", "near.png", "-k", "0"], &["-k: expected at least 1"]);
    let nowhere = ["neighbors", "nowhere", "--duplicates"];
    place.refuses(&nowhere, &["nowhere: expected a run"]);
    for number in 1..12 {
        fs::remove_file(place.path(&format!("photos/{number:02}.png"))).unwrap();
    }
    place.run(&neighbors(&["--duplicates"])).done();
    refuses(&["--outliers", "3"], &["expected at least 2, found 1"]);
}
