//! Folders and image files that cannot be used: each is one line that names the file, what was
//! expected and what was found.

mod fixtures;
#[path = "fixtures/png.rs"]
mod png;

use std::fs;
use std::path::Path;

use dataset::OpenOptions;
use fixtures::{cache_of, classes, folder, message, open, plain_png, write};

/// Opens a whole folder of classes after `damage`; checks the file, the end of the message, and
/// that nothing is left.
fn check(damage: impl FnOnce(&Path), file: &str, ending: &str) {
    let outer = folder();
    let dir = outer.path().join("images");
    classes(&dir);
    damage(&dir);
    let found = message(open(&dir), file);
    assert!(found.ends_with(ending), "{found}\nshould end with\n{ending}");
    // What was decoded may stay, under a temporary name.
    let left = fs::read_dir(cache_of(&dir)).into_iter().flatten().flatten();
    for entry in left {
        assert!(entry.file_name().to_string_lossy().starts_with(".partial-"));
    }
}

#[test]
fn files_that_are_no_images() {
    let put = |bytes: &'static [u8]| move |dir: &Path| write(dir.join("train/pear/bad.jpg"), bytes);
    let expected = "bad.jpg: expected a JPEG, PNG, WebP, TIFF, BMP, GIF or PNM image, found";
    check(put(b"Dear all,\nthis is text.\n"), "bad.jpg", &format!("{expected} text"));
    check(put(b""), "bad.jpg", &format!("{expected} an empty file"));
    check(put(b"#?RADIANCE\n"), "bad.jpg", &format!("{expected} a Hdr image"));
    check(put(b"\x01\x02\x03"), "bad.jpg", &format!("{expected} unknown content of 3 bytes"));
    let gif = |dir: &Path| write(dir.join("train/pear/bad.GIF"), b"GIF89a");
    check(gif, "bad.GIF: expected a whole GIF image, found", "");
}

#[test]
fn images_of_a_wrong_size() {
    let expected = "expected an image of at least 8 x 8 pixels, found";
    let tiny = |dir: &Path| plain_png(dir.join("train/pear/tiny.png"), 1, [0; 3]);
    check(tiny, "tiny.png", &format!("{expected} 1 x 1"));
    let flat =
        |dir: &Path| image::RgbImage::new(100, 7).save(dir.join("train/pear/flat.png")).unwrap();
    check(flat, "flat.png", &format!("{expected} 100 x 7"));
    let huge = |dir: &Path| write(dir.join("train/pear/huge.png"), png::head_only(40_000));
    check(huge, "huge.png: expected a whole PNG image, found", "");
    let bomb = |dir: &Path| write(dir.join("train/pear/bomb.png"), png::head_only(32_768));
    check(bomb, "bomb.png: expected a whole PNG image, found", "");
}

#[test]
fn images_that_are_cut_off() {
    for (extension, format, ending) in
        [("jpg", "JPEG", "found a file without its end"), ("png", "PNG", ""), ("webp", "WebP", "")]
    {
        for share in [10, 50, 90, 99] {
            let name = format!("cut.{extension}");
            let cut = |dir: &Path| {
                let path = dir.join("train/pear").join(&name);
                let pixel =
                    |x, y| image::Rgb([(x * y % 251) as u8, (x * 7 + y * 13) as u8, (x ^ y) as u8]);
                image::RgbImage::from_fn(64, 64, pixel).save(&path).unwrap();
                let whole = fs::read(&path).unwrap();
                write(&path, &whole[..whole.len() * share / 100]);
            };
            let ending = if share < 50 { "" } else { ending };
            check(cut, &format!("{name}: expected a whole {format} image, found"), ending);
        }
    }
}

#[test]
fn folders_that_do_not_fit() {
    let expected = "expected one folder of images for each class, found";
    let no_class = |dir: &Path| {
        fs::remove_dir_all(dir.join("train")).unwrap();
        fs::create_dir(dir.join("train")).unwrap();
    };
    check(no_class, "train", &format!("{expected} no folder"));
    let images = "expected images (.jpg, .png, .webp, .tif, .bmp, .gif), found none";
    let empty_class = |dir: &Path| write(dir.join("train/quince/notes.txt"), "none yet");
    check(empty_class, "quince", images);
    let empty_unlabeled = |dir: &Path| fs::create_dir(dir.join("unlabeled")).unwrap();
    check(empty_unlabeled, "unlabeled", images);
    let renamed = |dir: &Path| fs::rename(dir.join("val/pear"), dir.join("val/plum")).unwrap();
    let not_trained = "expected a class of the training images, found none of that name among";
    check(renamed, "val/plum", &format!("{not_trained} their 2"));
}

#[test]
fn folders_without_a_set() {
    let dir = folder();
    let expected = "expected STL-10 or CIFAR-10 binaries, or images, found";
    let check = |ending: &str| {
        let found = message(open(dir.path()), dir.path().to_str().unwrap());
        assert!(found.ends_with(&format!("{expected} {ending}")), "{found}");
    };
    check("an empty folder");
    fs::create_dir(dir.path().join("cats")).unwrap();
    check("folders without images, the first of them cats");
    write(dir.path().join("notes.txt"), "text");
    check("notes.txt");
    write(dir.path().join("cats/1.HEIC"), "image");
    check(
        "1.HEIC (not read: convert them to JPEG, as with `magick mogrify -format jpg FILE`), notes.txt",
    );
}

#[test]
fn options_out_of_range() {
    let outer = folder();
    let dir = outer.path().join("images");
    classes(&dir);
    for image_size in [0, 7, 4097] {
        let found = message(
            dataset::open(&dir, &OpenOptions { image_size, ..Default::default() }),
            "image size",
        );
        assert_eq!(found, format!("image size: expected 8 to 4096 pixels, found {image_size}"));
    }
    write(outer.path().join("file"), "text");
    let cache_dir = Some(outer.path().join("file/cache"));
    let options = OpenOptions { image_size: 8, cache_dir, ..Default::default() };
    message(dataset::open(&dir, &options), "file");
}
