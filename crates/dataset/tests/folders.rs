//! Folders of image files: layouts, pixel formats, the packed cache.

mod fixtures;
#[path = "fixtures/png.rs"]
mod png;

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use dataset::{Dataset, Error, FolderLabels, OpenOptions, PixelOrder};
use fixtures::{assert_same, cache_of, classes, folder, message, open, plain_png, planes, write};
use image::{DynamicImage, ImageFormat, Luma, Rgb, RgbImage, Rgba};

/// A folder inside a folder of its own, so that the cache beside it goes away too.
fn nested() -> (tempfile::TempDir, std::path::PathBuf) {
    let outer = folder();
    let inner = outer.path().join("images");
    fs::create_dir(&inner).unwrap();
    (outer, inner)
}

fn save(image: impl Into<DynamicImage>, path: impl AsRef<Path>, format: ImageFormat) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image.into().save_with_format(path, format).unwrap();
}

/// The first pixel of each image.
fn colors(set: &Dataset) -> Vec<[u8; 3]> {
    let color = |index| {
        let planes = planes(&set.unlabeled, index);
        [planes[0], planes[planes.len() / 3], planes[2 * planes.len() / 3]]
    };
    (0..set.unlabeled.len()).map(color).collect()
}

#[test]
fn classes_are_numbered_by_name_and_images_by_path() {
    let (_outer, dir) = nested();
    classes(&dir);
    write(dir.join("train/apple/.hidden.png"), "not an image");
    write(dir.join("train/.hidden/x.png"), "not an image");
    write(dir.join("train/apple/notes.txt"), "left out");
    plain_png(dir.join("train/pear/more/deep.PNG"), 8, [1, 2, 3]);
    let set = open(&dir).unwrap();
    assert_eq!((set.kind, set.class_names.join(" ")), ("image folder", "apple pear".into()));
    let (train, test) = (set.train.clone().unwrap(), set.test.clone().unwrap());
    assert_eq!(train.labels(), Some(&[0, 0, 1, 1, 1][..]));
    assert_eq!(test.labels(), Some(&[0, 0, 1, 1][..]));
    assert_eq!(colors(&set), [[10, 7, 200], [11, 7, 200], [60, 7, 200], [61, 7, 200], [1, 2, 3]]);
    assert_eq!(planes(&test, 3)[0], 161);
    assert_eq!(train.image(0).order, PixelOrder::RowMajor);
}

#[test]
fn unlabeled_images_may_lie_in_folders() {
    let (_outer, dir) = nested();
    classes(&dir);
    plain_png(dir.join("unlabeled/b/1.png"), 8, [3, 3, 3]);
    plain_png(dir.join("unlabeled/a.png"), 8, [1, 1, 1]);
    plain_png(dir.join("unlabeled/b/0.png"), 8, [2, 2, 2]);
    let set = open(&dir).unwrap();
    assert_eq!(colors(&set), [[1; 3], [2; 3], [3; 3]]);
    assert_eq!((set.unlabeled.labels(), set.train.unwrap().len()), (None, 4));
}

#[test]
fn a_flat_folder_is_unlabeled() {
    let (_outer, dir) = nested();
    plain_png(dir.join("z.png"), 8, [1, 2, 3]);
    save(RgbImage::from_pixel(8, 8, Rgb([9, 8, 7])), dir.join("a.webp"), ImageFormat::WebP);
    let set = open(&dir).unwrap();
    assert_eq!(
        (set.kind, set.class_names.len(), set.train.is_none()),
        ("folder of images", 0, true)
    );
    assert_eq!(colors(&set), [[9, 8, 7], [1, 2, 3]]);
}

/// The layout of a folder of files, each a small image: kind, and images by split.
fn layout(files: &[&str]) -> (String, [usize; 3]) {
    let (_outer, dir) = nested();
    for (number, file) in files.iter().enumerate() {
        plain_png(dir.join(file), 8, [number as u8; 3]);
    }
    let set = open(&dir).unwrap();
    let count = |split: &Option<dataset::Split>| split.as_ref().map_or(0, dataset::Split::len);
    let unlabeled = if set.unlabeled_is_train() { 0 } else { set.unlabeled.len() };
    (set.kind.to_owned(), [unlabeled, count(&set.train), count(&set.test)])
}

#[test]
fn layouts_that_people_have_are_known() {
    let of = |kind: &str, counts: [usize; 3]| (kind.to_owned(), counts);
    let photographs = of("folder of images", [2, 0, 0]);
    assert_eq!(layout(&["2023/01/a.png", "2024/02/raw/b.png"]), photographs);
    assert_eq!(layout(&["2023/a.png", "20240105 Rome/b.png"]), photographs);
    assert_eq!(layout(&["one/a.png", "one/b.png"]), photographs);
    assert_eq!(layout(&["x.png", "cat/b.png"]), photographs);
    assert_eq!(layout(&["train/x.png", "unlabelled/b.png"]).1, [2, 0, 0]);
    assert_eq!(layout(&["cat/a.png", "dog/b.png", "dog/c.png"]), of("class folders", [0, 3, 0]));
    assert_eq!(layout(&["0/a.png", "1/b.png", "2/c.png"]), of("class folders", [0, 3, 0]));
    for test in ["test", "val", "valid", "validation", "Test", "VAL"] {
        let test = format!("{test}/cat/c.png");
        let files = ["Train/cat/a.png", "Train/dog/b.png", "Unlabelled/d.png", &test];
        assert_eq!(layout(&files), of("image folder", [1, 2, 1]), "{test}");
    }
}

#[test]
fn labels_of_folders_are_asked_for_or_declined() {
    let (_outer, dir) = nested();
    plain_png(dir.join("2023/a.png"), 8, [1; 3]);
    plain_png(dir.join("2024/b/c.png"), 8, [2; 3]);
    let with = |labels: FolderLabels| {
        let cache_dir = Some(cache_of(&dir));
        let options = OpenOptions { image_size: 8, labels, cache_dir, ..Default::default() };
        dataset::open(&dir, &options).unwrap()
    };
    assert_eq!(with(FolderLabels::Folders).class_names, ["2023", "2024"]);
    assert!(with(FolderLabels::None).train.is_none());
    let (_outer, dir) = nested();
    classes(&dir);
    let labels = FolderLabels::None;
    let cache_dir = Some(cache_of(&dir));
    let options = OpenOptions { image_size: 8, labels, cache_dir, ..Default::default() };
    let set = dataset::open(&dir, &options).unwrap();
    assert_eq!((set.unlabeled.len(), set.train.is_none(), set.test.is_none()), (8, true, true));
}

#[test]
fn test_images_may_lack_classes() {
    let (_outer, dir) = nested();
    for file in ["train/a/0.png", "train/b/1.png", "train/c/2.png", "test/c/3.png"] {
        plain_png(dir.join(file), 8, [5; 3]);
    }
    let set = open(&dir).unwrap();
    assert_eq!(set.test.unwrap().labels(), Some(&[2][..]));
}

#[test]
fn every_pixel_format_becomes_rgb_bytes() {
    let (_outer, dir) = nested();
    let gray = image::GrayImage::from_pixel(8, 8, Luma([77]));
    save(gray, dir.join("0.png"), ImageFormat::Png);
    write(dir.join("1.png"), png::palette([9, 99, 199]));
    let see_through = image::RgbaImage::from_pixel(8, 8, Rgba([10, 200, 30, 0]));
    save(see_through, dir.join("2.png"), ImageFormat::Png);
    let deep_gray = image::ImageBuffer::<Luma<u16>, _>::from_pixel(8, 8, Luma([0x8080]));
    save(deep_gray, dir.join("3.png"), ImageFormat::Png);
    let deep = image::ImageBuffer::<Rgb<u16>, _>::from_pixel(8, 8, Rgb([0, 0xffff, 0x4040]));
    save(deep, dir.join("4.png"), ImageFormat::Png);
    let gray_jpeg = image::GrayImage::from_pixel(8, 8, Luma([128]));
    save(gray_jpeg, dir.join("5.jpg"), ImageFormat::Jpeg);
    // The content counts, not the name.
    save(RgbImage::from_pixel(8, 8, Rgb([5, 6, 7])), dir.join("6.jpg"), ImageFormat::Png);
    let set = open(&dir).unwrap();
    let expected =
        [[77; 3], [9, 99, 199], [10, 200, 30], [128; 3], [0, 255, 64], [128; 3], [5, 6, 7]];
    assert_eq!(colors(&set), expected);
}

/// A JPEG whose EXIF block says how the camera was turned.
fn turned_jpeg(image: RgbImage, orientation: u8) -> Vec<u8> {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 100);
    image.write_with_encoder(encoder).unwrap();
    let mut exif =
        b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let jpeg = jpeg.into_inner();
    [&jpeg[..2], &exif, &jpeg[2..]].concat()
}

#[test]
fn turns_noted_in_exif_are_carried_out() {
    let (_outer, dir) = nested();
    let left_dark = RgbImage::from_fn(16, 16, |x, _| Rgb([if x < 8 { 0 } else { 255 }; 3]));
    for orientation in [1, 3, 6, 8] {
        write(dir.join(format!("{orientation}.jpg")), turned_jpeg(left_dark.clone(), orientation));
    }
    let cache_dir = Some(cache_of(&dir));
    let set = dataset::open(&dir, &OpenOptions { image_size: 16, cache_dir, ..Default::default() })
        .unwrap();
    // Where the dark half is: left, right, top (turned clockwise), bottom.
    let dark = |index: usize, x: usize, y: usize| planes(&set.unlabeled, index)[16 * y + x] < 20;
    let corners =
        |index| [dark(index, 1, 1), dark(index, 14, 1), dark(index, 1, 14), dark(index, 14, 14)];
    assert_eq!(corners(0), [true, false, true, false]);
    assert_eq!(corners(1), [false, true, false, true]);
    assert_eq!(corners(2), [true, true, false, false]);
    assert_eq!(corners(3), [false, false, true, true]);
}

#[test]
fn images_are_cropped_to_their_center_and_shrunk_with_averaging() {
    let (_outer, dir) = nested();
    let thirds = RgbImage::from_fn(16, 8, |x, _| {
        Rgb([if x < 4 {
            0
        } else if x < 12 {
            100
        } else {
            255
        }; 3])
    });
    save(thirds, dir.join("0.png"), ImageFormat::Png);
    let checks = RgbImage::from_fn(64, 64, |x, y| Rgb([if (x + y) % 2 == 0 { 200 } else { 0 }; 3]));
    save(checks, dir.join("1.png"), ImageFormat::Png);
    let set = open(&dir).unwrap();
    assert_eq!(planes(&set.unlabeled, 0), [100; 192]);
    assert!(planes(&set.unlabeled, 1).iter().all(|value| (98..=102).contains(value)));
}

/// Opens `dir`, and how many images were decoded for it.
fn open_counting(dir: &Path) -> (Dataset, usize) {
    let reports = Mutex::new(Vec::new());
    let progress = |progress| {
        reports.lock().unwrap().push(progress);
        ControlFlow::Continue(())
    };
    let options = OpenOptions {
        image_size: 8,
        cache_dir: Some(cache_of(dir)),
        progress: &progress,
        ..Default::default()
    };
    let set = dataset::open(dir, &options).unwrap();
    let decoded =
        reports.lock().unwrap().last().map_or(0, |progress: &dataset::JobProgress| progress.done);
    (set, decoded)
}

/// Stopped after any number of images, those decoded so far are copied by the next opening.
#[test]
fn decoding_that_is_stopped_goes_on_where_it_was() {
    let (_outer, dir) = nested();
    classes(&dir);
    let asked = Mutex::new(0);
    let stop = |_| {
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        // At the beginning, and before each image.
        if *asked > 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = OpenOptions {
        image_size: 8,
        cache_dir: Some(cache_of(&dir)),
        progress: &stop,
        ..Default::default()
    };
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let stopped = one_thread.install(|| dataset::open(&dir, &options));
    assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
    let left: Vec<_> = fs::read_dir(cache_of(&dir)).unwrap().map(Result::unwrap).collect();
    assert_eq!(left.len(), 1);
    let (_other, copy) = nested();
    classes(&copy);
    // The first one isn't read again: it could not be decoded any more.
    let first = dir.join("train/apple/0.png");
    let metadata = fs::metadata(&first).unwrap();
    let file = File::options().write(true).open(&first).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[0; 8], 0).unwrap();
    file.set_modified(metadata.modified().unwrap()).unwrap();
    let set = open(&dir).unwrap();
    assert_eq!(set.fingerprint(), open(&copy).unwrap().fingerprint());
    assert_eq!(fs::read_dir(cache_of(&dir)).unwrap().count(), 1, "the unfinished one is gone");
}

/// Openings with and without what can't be used make two sets, of which each is outdated for the
/// other one.
#[test]
fn openings_at_once_do_not_take_the_set_of_another_away() {
    let (_outer, dir) = nested();
    classes(&dir);
    for round in 0..10u32 {
        let color = Rgb([round as u8, 20, 30]);
        let changing = dir.join("train/apple/0.png");
        save(RgbImage::from_pixel(20, 20, color), changing.clone(), ImageFormat::Png);
        // Rounds may follow each other within a tick of the file system's clock.
        let time = SystemTime::now() + Duration::from_secs(round.into());
        File::options().write(true).open(changing).unwrap().set_modified(time).unwrap();
        std::thread::scope(|scope| {
            let openings: Vec<_> = (0..4)
                .map(|number| {
                    let dir = &dir;
                    scope.spawn(move || {
                        let note = |_: &str| {};
                        let options = OpenOptions {
                            image_size: 8,
                            cache_dir: Some(cache_of(dir)),
                            left_out: if number % 2 == 0 { Some(&note) } else { None },
                            ..Default::default()
                        };
                        dataset::open(dir, &options).unwrap().fingerprint()
                    })
                })
                .collect();
            let found: Vec<_> =
                openings.into_iter().map(|opening| opening.join().unwrap()).collect();
            assert!(found.iter().all(|of| *of == found[0]), "{found:?}");
        });
    }
}

#[test]
fn a_folder_is_decoded_once_until_it_changes() {
    let (_outer, dir) = nested();
    classes(&dir);
    let (first, decoded) = open_counting(&dir);
    assert_eq!(decoded, 8);
    let (second, decoded) = open_counting(&dir);
    assert_eq!((decoded, second.fingerprint()), (0, first.fingerprint()));
    assert_eq!(second.class_names, first.class_names);

    let changed = dir.join("train/apple/0.png");
    plain_png(&changed, 8, [99, 7, 200]);
    File::options()
        .write(true)
        .open(&changed)
        .unwrap()
        .set_modified(SystemTime::now() + Duration::from_secs(5))
        .unwrap();
    let (third, packed) = open_counting(&dir);
    assert_eq!((packed, colors(&third)[0]), (8, [99, 7, 200]));
    assert_eq!(colors(&first)[0], [10, 7, 200], "an open set is not disturbed");
    assert_eq!(fs::read_dir(cache_of(&dir)).unwrap().count(), 1, "the outdated set is deleted");

    fs::remove_file(dir.join("val/pear/1.png")).unwrap();
    assert_eq!(open_counting(&dir).1, 7);
}

/// Replaces the content of a file by as many zeros, its time of change kept: whoever reads it
/// fails.
fn ruin(path: &Path) {
    let metadata = fs::metadata(path).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    std::io::Write::write_all(&mut &file, &vec![0; metadata.len() as usize]).unwrap();
    file.set_modified(metadata.modified().unwrap()).unwrap();
}

/// Ruins all images of a folder.
fn ruin_all(dir: &Path) {
    for split in ["train", "val"] {
        for file in ["apple/0.png", "apple/1.png", "pear/0.png", "pear/1.png"] {
            ruin(&dir.join(split).join(file));
        }
    }
}

#[test]
fn images_that_have_not_changed_are_not_decoded_again() {
    let (outer, dir) = nested();
    classes(&dir);
    let first = colors(&open(&dir).unwrap());
    ruin_all(&dir);
    // One more image, one renamed, one gone.
    plain_png(dir.join("train/pear/2.png"), 8, [9, 9, 9]);
    fs::rename(dir.join("train/pear/1.png"), dir.join("train/pear/3.png")).unwrap();
    fs::remove_file(dir.join("train/apple/1.png")).unwrap();
    let expected = [first[0], first[2], [9, 9, 9], first[3]];
    assert_eq!(colors(&open(&dir).unwrap()), expected);
    // The folder renamed.
    let renamed = outer.path().join("renamed");
    fs::rename(&dir, &renamed).unwrap();
    let cache_dir = Some(cache_of(&dir));
    let options = OpenOptions { image_size: 8, cache_dir, ..Default::default() };
    assert_eq!(colors(&dataset::open(&renamed, &options).unwrap()), expected);
    assert_eq!(fs::read_dir(cache_of(&dir)).unwrap().count(), 2);
}

#[test]
fn a_file_that_was_only_touched_is_read_but_not_decoded() {
    let (_outer, dir) = nested();
    classes(&dir);
    let first = open(&dir).unwrap();
    let path = dir.join("train/apple/0.png");
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(5)).unwrap();
    // Its pixels are found by its content, wherever they are from.
    let second = open(&dir).unwrap();
    assert_eq!(second.fingerprint(), first.fingerprint());
}

#[test]
fn what_was_decoded_before_a_bad_file_is_kept() {
    let (_outer, dir) = nested();
    classes(&dir);
    for name in ["train/pear/bad.png", "val/apple/worse.jpg"] {
        write(dir.join(name), "text");
    }
    let found = message(open(&dir), "pear/bad.png");
    assert!(found.starts_with("2 files can't be used; the first: "), "{found}");
    ruin_all(&dir);
    for name in ["train/pear/bad.png", "val/apple/worse.jpg"] {
        fs::remove_file(dir.join(name)).unwrap();
    }
    assert_eq!(colors(&open(&dir).unwrap())[0], [10, 7, 200]);
    assert_eq!(fs::read_dir(cache_of(&dir)).unwrap().count(), 1, "nothing unfinished stays");
}

#[test]
fn pixels_that_do_not_fit_their_record_are_not_used() {
    let (_outer, dir) = nested();
    classes(&dir);
    let first = open(&dir).unwrap();
    let packed = fs::read_dir(cache_of(&dir)).unwrap().next().unwrap().unwrap().path();
    let images = packed.join("train_X.bin");
    let mut bytes = fs::read(&images).unwrap();
    bytes[..192].fill(77);
    drop(first);
    write(&images, bytes);
    plain_png(dir.join("train/pear/2.png"), 8, [9, 9, 9]);
    assert_eq!(colors(&open(&dir).unwrap())[0], [10, 7, 200]);
}

#[test]
fn a_damaged_cache_is_made_anew() {
    let (_outer, dir) = nested();
    classes(&dir);
    let (first, _) = open_counting(&dir);
    let packed = fs::read_dir(cache_of(&dir)).unwrap().next().unwrap().unwrap().path();
    let fingerprint = first.fingerprint();
    drop(first);
    write(packed.join("train_X.bin"), vec![0; 192]);
    let (second, decoded) = open_counting(&dir);
    assert_eq!((decoded, second.fingerprint()), (8, fingerprint));
}

#[test]
fn other_sizes_and_other_folders_have_their_own_cache() {
    let (outer, dir) = nested();
    classes(&dir);
    let other = outer.path().join("other");
    plain_png(other.join("a.png"), 8, [1, 2, 3]);
    let cache = cache_of(&dir);
    for (dir, image_size) in [(&dir, 8), (&dir, 16), (&other, 8), (&dir, 8)] {
        let options =
            OpenOptions { image_size, cache_dir: Some(cache.clone()), ..Default::default() };
        assert_eq!(dataset::open(dir, &options).unwrap().unlabeled.width(), image_size);
    }
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 3);
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let (outer, dir) = nested();
    for number in 0..100u32 {
        let image = RgbImage::from_fn(20 + number % 7, 24, |x, y| {
            Rgb([x as u8 * 9, y as u8 * 9, number as u8])
        });
        save(image, dir.join(format!("{number:03}.jpg")), ImageFormat::Jpeg);
    }
    let sets = [1, 2, 8].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let cache_dir = Some(outer.path().join(format!("cache {threads}")));
        pool.install(|| {
            dataset::open(&dir, &OpenOptions { image_size: 16, cache_dir, ..Default::default() })
                .unwrap()
        })
    });
    assert_eq!(sets[0].unlabeled.len(), 100);
    for set in &sets[1..] {
        assert_same(&set.unlabeled, &sets[0].unlabeled);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn names_of_any_bytes_are_read() {
    use std::os::unix::ffi::OsStrExt;
    let (_outer, dir) = nested();
    let name = |bytes: &'static [u8]| std::ffi::OsStr::from_bytes(bytes);
    plain_png(dir.join("train").join(name(b"caf\xe9")).join(name(b"\xff\n.png")), 8, [1, 2, 3]);
    plain_png(dir.join("train/b\nc/1.png"), 8, [4, 5, 6]);
    let set = open(&dir).unwrap();
    assert_eq!(set.class_names, ["b\u{fffd}c", "caf\u{fffd}"]);
    assert_eq!(colors(&set), [[4, 5, 6], [1, 2, 3]]);
    let target = dir.with_file_name("packed");
    dataset::write_stl10(&set, &target, &dataset::WriteOptions::default()).unwrap();
    assert_eq!(open(&target).unwrap().class_names, set.class_names);
    write(dir.join("train/b\nc").join(name(b"\xfe.png")), "");
    message(open(&dir), "b\\nc");
}

#[test]
fn dimensions_are_read_without_decoding() {
    let (_outer, dir) = nested();
    save(RgbImage::new(31, 17), dir.join("a.jpg"), ImageFormat::Jpeg);
    plain_png(dir.join("b.png"), 8, [1, 2, 3]);
    write(dir.join("c.png"), "no image");
    let dimensions = dataset::ImageDimensions::default();
    let of = |name: &str| dimensions.of(&dir.join(name));
    assert_eq!((of("a.jpg"), of("b.png")), (Some((31, 17)), Some((8, 8))));
    assert_eq!((of("c.png"), of("absent.png"), of("")), (None, None, None));
}
