//! What the files of folders are.

mod fixtures;

use std::path::Path;

use dataset::{FileSurvey, OpenOptions};
use fixtures::{folder, plain_png, write};

fn survey(outer: &Path, names: &[&str]) -> FileSurvey {
    let cache_dir = Some(outer.join("cache"));
    let options = OpenOptions { image_size: 8, cache_dir, ..OpenOptions::default() };
    let paths: Vec<_> = names.iter().map(|name| outer.join(name)).collect();
    let listed = dataset::list(&paths, &options).unwrap();
    listed.open(&options).unwrap();
    listed.survey().unwrap()
}

fn image(outer: &Path, name: &str, size: (u32, u32), color: u8) {
    let path = outer.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::RgbImage::from_pixel(size.0, size.1, image::Rgb([color; 3])).save(path).unwrap();
}

#[test]
fn formats_and_sizes_are_those_of_the_files() {
    let outer = folder();
    for (name, size) in [
        ("a/1.png", (10, 20)),
        ("a/2.jpg", (16, 8)),
        ("a/3.bmp", (17, 8)),
        ("a/4.tif", (9, 40)),
        ("a/5.gif", (100, 50)),
    ] {
        image(outer.path(), name, size, 9);
    }
    // By content, whatever the ending says.
    std::fs::copy(outer.path().join("a/1.png"), outer.path().join("a/6.jpg")).unwrap();
    write(outer.path().join("a/b.mov"), "");
    let found = survey(outer.path(), &["a"]);
    let formats: Vec<_> = found.formats.into_iter().collect();
    assert_eq!(formats, [("BMP", 1), ("GIF", 1), ("JPEG", 1), ("PNG", 2), ("TIFF", 1)]);
    assert_eq!(found.smallest, Some([16, 8]));
    assert_eq!(found.median, Some([10, 20]));
    assert_eq!(found.largest, Some([100, 50]));
    // 17 x 8 and 9 x 40 lose more than half; 16 x 8 loses exactly half.
    assert_eq!(found.half_cropped, 2);
    let unused: Vec<_> = found.unused.iter().map(|of| (of.kind.as_str(), of.count)).collect();
    assert_eq!(unused, [("mov", 1)]);
    assert_eq!(found.copies.example, Some(["1.png".to_owned(), "6.jpg".to_owned()]));
}

#[test]
fn copies_are_found_in_all_folders_and_splits() {
    let outer = folder();
    let png = |name: &str, color: u8| plain_png(outer.path().join(name), 8, [color; 3]);
    for (name, color) in [
        ("a/train/x/0.png", 1),
        ("a/train/x/1.png", 1),
        ("a/train/y/0.png", 2),
        ("a/test/x/0.png", 3),
        ("a/test/y/0.png", 2),
        ("b/0.png", 3),
        ("b/1.png", 4),
        ("b/2.png", 1),
    ] {
        png(name, color);
    }
    let copies = survey(outer.path(), &["a", "b"]).copies;
    assert_eq!((copies.groups, copies.files, copies.test_images), (3, 4, 2));
    let names = |names: [&str; 2]| Some(names.map(String::from));
    assert_eq!(copies.example, names(["a/test/x/0.png", "b/0.png"]));
    assert_eq!(copies.test_example, names(["a/test/x/0.png", "b/0.png"]));
    let copies = survey(outer.path(), &["a"]).copies;
    assert_eq!((copies.groups, copies.files, copies.test_images), (2, 2, 1));
    assert_eq!(copies.test_example, names(["test/y/0.png", "train/y/0.png"]));
    // None among the images of one folder alone.
    assert_eq!(survey(outer.path(), &["b"]).copies, dataset::Copies::default());
}
