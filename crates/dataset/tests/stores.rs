//! What training views are cut from: the square, the stored whole image, the file.

#[path = "fixtures/archives.rs"]
mod archives;
mod fixtures;

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use dataset::{Dataset, Error, Image, OpenOptions, Split, Store, WholeImage};
use fixtures::{cache_of, folder, message, planes};
use image::{Rgb, RgbImage};

const SIDE: usize = 16;

/// Red grows to the right, green downward; blue says which image it is.
fn picture(width: u32, height: u32, number: u8) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb([(x * 255 / (width - 1)) as u8, (y * 255 / (height - 1)) as u8, number])
    })
}

/// A folder of its own with images of these sizes, `00.png` and so on.
fn images(sizes: &[(u32, u32)]) -> (tempfile::TempDir, PathBuf) {
    let outer = folder();
    let dir = outer.path().join("images");
    fs::create_dir(&dir).unwrap();
    for (number, &(width, height)) in sizes.iter().enumerate() {
        let path = dir.join(format!("{number:02}.png"));
        picture(width, height, number as u8 * 10).save(path).unwrap();
    }
    (outer, dir)
}

/// Opens with a store, and how many images were decoded or copied for it.
fn open_counting(dir: &Path, store: Store) -> (Result<Dataset, Error>, usize) {
    let reports = Mutex::new(0);
    let progress = |progress: dataset::JobProgress| {
        *reports.lock().unwrap() = progress.done;
        ControlFlow::Continue(())
    };
    let options = OpenOptions {
        image_size: SIDE,
        store,
        cache_dir: Some(cache_of(dir)),
        progress: &progress,
        ..Default::default()
    };
    let set = dataset::open(dir, &options);
    (set, reports.into_inner().unwrap())
}

fn open(dir: &Path, store: Store) -> Dataset {
    open_counting(dir, store).0.unwrap()
}

/// The stored whole image, as row-major planes.
fn stored(split: &Split, index: usize) -> Image<'_> {
    match split.whole_image(index) {
        WholeImage::Decoded(image) => image,
        WholeImage::Encoded(file) => panic!("{file:?}"),
    }
}

/// Width, height and planes of the whole image in its file.
fn decoded(split: &Split, index: usize) -> Result<([usize; 2], Vec<u8>), Error> {
    let WholeImage::Encoded(file) = split.whole_image(index) else { panic!("{index} is stored") };
    let mut image = file.read()?;
    let [width, height] = image.size();
    image.decode(1, 0..width, 0..height)?;
    let mut scratch = Vec::new();
    Ok(([width, height], image.part(0..width, 0..height, &mut scratch).bytes.to_vec()))
}

#[test]
fn images_of_the_size_of_the_set_are_the_same_in_every_store() {
    let (_outer, dir) = images(&[(16, 16), (16, 16)]);
    let square = open(&dir, Store::Square).unlabeled;
    let aspect = open(&dir, Store::Aspect).unlabeled;
    let encoded = open(&dir, Store::Encoded).unlabeled;
    for index in 0..2 {
        let expected = planes(&square, index);
        assert_eq!(stored(&square, index).bytes, expected);
        assert_eq!(stored(&aspect, index).bytes, expected);
        assert_eq!(decoded(&encoded, index).unwrap(), ([16, 16], expected));
    }
    let stores = [&square, &aspect, &encoded].map(Split::store);
    assert_eq!(stores, [Store::Square, Store::Aspect, Store::Encoded]);
}

#[test]
fn whole_images_keep_their_sides_and_squares_their_bytes() {
    let (_outer, dir) = images(&[(160, 40), (20, 90), (500, 64)]);
    let square = open(&dir, Store::Square);
    let aspect = open(&dir, Store::Aspect);
    assert_eq!(square.fingerprint(), aspect.fingerprint());
    let (square, aspect) = (square.unlabeled, aspect.unlabeled);
    // Twice the image size, but never enlarged.
    for (index, size) in [(128, 32), (20, 90), (250, 32)].into_iter().enumerate() {
        let whole = stored(&aspect, index);
        assert_eq!((whole.width, whole.height), size);
        let row = &whole.bytes[..whole.width];
        assert!(row[0] < 5 && row[whole.width - 1] > 250, "{row:?}");
        assert_eq!(planes(&square, index), planes(&aspect, index), "the square of {index}");
    }
    let encoded = open(&dir, Store::Encoded).unlabeled;
    let ([width, height], bytes) = decoded(&encoded, 2).unwrap();
    assert_eq!(([width, height], bytes[0], bytes[499]), ([500, 64], 0, 255));
}

#[test]
fn turned_photos_are_upright_in_every_store() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/p_images");
    let turned = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let turned: Vec<PathBuf> = turned
        .filter(|path| path.file_name().unwrap().to_string_lossy().contains("orientation"))
        .collect();
    assert!(!turned.is_empty());
    let (_outer, dir) = images(&[]);
    for path in &turned {
        fs::copy(path, dir.join(path.file_name().unwrap())).unwrap();
    }
    let aspect = open(&dir, Store::Aspect).unlabeled;
    let encoded = open(&dir, Store::Encoded).unlabeled;
    for index in 0..aspect.len() {
        let whole = stored(&aspect, index);
        let ([width, height], _) = decoded(&encoded, index).unwrap();
        assert_eq!(whole.width > whole.height, width > height, "{:?}", aspect.name(index));
    }
}

#[test]
fn one_set_in_the_cache_serves_all_stores() {
    let (_outer, dir) = images(&[(64, 40), (40, 64)]);
    let entries = || fs::read_dir(cache_of(&dir)).unwrap().count();
    assert_eq!(open_counting(&dir, Store::Square).1, 2);
    assert_eq!(open_counting(&dir, Store::Encoded).1, 0);
    // Whole images weren't kept so far.
    assert_eq!(open_counting(&dir, Store::Aspect).1, 2);
    for store in [Store::Square, Store::Encoded, Store::Aspect] {
        let (set, decoded) = open_counting(&dir, store);
        assert_eq!((set.unwrap().unlabeled.store(), decoded, entries()), (store, 0, 1));
    }
}

/// Makes files unreadable, their lengths and times as they were.
fn ruin_all(dir: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::metadata(&path).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        std::io::Write::write_all(&mut &file, &vec![0; metadata.len() as usize]).unwrap();
        file.set_modified(metadata.modified().unwrap()).unwrap();
    }
}

#[test]
fn whole_images_that_have_not_changed_are_not_decoded_again() {
    let (_outer, dir) = images(&[(64, 40), (40, 64), (50, 50)]);
    let before = open(&dir, Store::Aspect).unlabeled;
    let before: Vec<Vec<u8>> = (0..3).map(|at| stored(&before, at).bytes.to_vec()).collect();
    ruin_all(&dir);
    picture(90, 30, 200).save(dir.join("005.png")).unwrap();
    fs::remove_file(dir.join("00.png")).unwrap();
    let after = open(&dir, Store::Aspect).unlabeled;
    let after: Vec<Vec<u8>> = (0..3).map(|at| stored(&after, at).bytes.to_vec()).collect();
    assert_eq!(after[1..], before[1..]);
    assert_eq!(after[0].len(), 3 * 90 * 30);
}

#[test]
fn what_is_left_out_leaves_the_others_their_whole_images() {
    let (_outer, dir) = images(&[(64, 40), (40, 64), (50, 50), (30, 90)]);
    fs::write(dir.join("01.png"), "text").unwrap();
    for store in [Store::Encoded, Store::Aspect] {
        let options = OpenOptions {
            image_size: SIDE,
            store,
            cache_dir: Some(cache_of(&dir)),
            left_out: Some(&|_| {}),
            ..Default::default()
        };
        let split = dataset::open(&dir, &options).unwrap().unlabeled;
        let sizes: Vec<[usize; 2]> = (0..3)
            .map(|index| match split.whole_image(index) {
                WholeImage::Decoded(image) => [image.width, image.height],
                WholeImage::Encoded(file) => file.read().unwrap().size(),
            })
            .collect();
        let expected = match store {
            Store::Encoded => [[64, 40], [50, 50], [30, 90]],
            _ => [[51, 32], [32, 32], [30, 90]],
        };
        assert_eq!(sizes, expected, "{store}");
        let some = split.select(&[2, 0]).without_labels();
        assert_eq!(some.store(), store);
        assert_eq!(some.name(0).unwrap(), "03.png");
        let height = match some.whole_image(0) {
            WholeImage::Decoded(image) => image.height,
            WholeImage::Encoded(file) => file.read().unwrap().size()[1],
        };
        assert_eq!(height, 90);
    }
}

#[test]
fn a_file_that_changes_later_is_named() {
    let (_outer, dir) = images(&[(64, 40), (40, 64)]);
    let split = open(&dir, Store::Encoded).unlabeled;
    let path = dir.join("01.png");
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(9)).unwrap();
    decoded(&split, 0).unwrap();
    message(decoded(&split, 1), "01.png");
    fs::remove_file(&path).unwrap();
    message(decoded(&split, 1), "01.png");
    // Damage that keeps length and time.
    let split = open(&dir, Store::Encoded).unlabeled;
    ruin_all(&dir);
    message(decoded(&split, 0), "00.png");
}

#[test]
fn members_of_archives_are_read_where_they_lie() {
    let outer = folder();
    let path = outer.path().join("set.tar");
    let names = ["train/apple/0.png", "train/pear/0.png", "test/apple/0.png"];
    fs::write(&path, archives::tar(&archives::images(&names))).unwrap();
    let train = open(&path, Store::Encoded).train.unwrap();
    let (size, bytes) = decoded(&train, 1).unwrap();
    assert_eq!((size, bytes[0], bytes[64]), ([8, 8], 9, 199));
    let test = open(&path, Store::Encoded).test.unwrap();
    assert_eq!(test.store(), Store::Square, "no views are cut from test images");
}

#[test]
fn a_damaged_index_is_made_anew() {
    let (_outer, dir) = images(&[(64, 40), (40, 64)]);
    let before = stored(&open(&dir, Store::Aspect).unlabeled, 1).bytes.to_vec();
    let entry = fs::read_dir(cache_of(&dir)).unwrap().next().unwrap().unwrap().path();
    let index = entry.join("unlabeled_whole.idx");
    let mut bytes = fs::read(&index).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&index, bytes).unwrap();
    let (set, decoded) = open_counting(&dir, Store::Aspect);
    assert_eq!((decoded, stored(&set.unwrap().unlabeled, 1).bytes), (2, &before[..]));
}
