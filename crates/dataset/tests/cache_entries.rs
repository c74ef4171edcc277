//! The cache of decoded images: what is listed, and what is deleted.

mod fixtures;

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use dataset::{CacheEntry, Dataset, OpenOptions};
use fixtures::{classes, folder, plain_png, write};

fn open(dir: &Path, cache: &Path) -> Dataset {
    let cache_dir = Some(cache.to_owned());
    let options = OpenOptions { image_size: 8, cache_dir, ..OpenOptions::default() };
    dataset::open(dir, &options).unwrap()
}

fn entries(cache: &Path) -> Vec<CacheEntry> {
    dataset::cache_entries(Some(cache)).unwrap()
}

#[test]
fn folders_are_listed_with_images_size_and_last_use() {
    let outer = folder();
    let cache = outer.path().join("cache");
    assert!(entries(&cache).is_empty());
    let (a, b) = (outer.path().join("a"), outer.path().join("b"));
    classes(&a);
    plain_png(b.join("1.png"), 8, [1; 3]);
    let before = SystemTime::now() - std::time::Duration::from_secs(1);
    open(&a, &cache);
    open(&b, &cache);
    open(&a, &cache);
    let found = entries(&cache);
    let folders: Vec<_> = found.iter().map(|entry| entry.folder.clone().unwrap()).collect();
    let place = |path: &Path| path.canonicalize().unwrap();
    assert_eq!(folders, [place(&a), place(&b)], "the one used last comes first");
    assert_eq!((found[0].images, found[0].image_size), (Some(8), Some(8)));
    assert!(found[0].bytes >= 8 * 3 * 64 && found[0].last_use >= before);
}

#[test]
fn what_is_in_use_or_none_of_the_cache_stays() {
    let outer = folder();
    let cache = outer.path().join("cache");
    let dir = outer.path().join("a");
    classes(&dir);
    // A folder with the name of an entry and other content, and a link.
    let name = format!("{}-8-{}", "0".repeat(16), "1".repeat(32));
    write(cache.join(&name).join("letter.txt"), "mine");
    write(cache.join("photos/1.jpg"), "mine");
    #[cfg(unix)]
    {
        write(outer.path().join("mine/decoded.bin"), "");
        let link = cache.join(name.replace('1', "2"));
        std::os::unix::fs::symlink(outer.path().join("mine"), link).unwrap();
    }
    let set = open(&dir, &cache);
    let found = entries(&cache);
    assert_eq!(found.len(), 1);
    assert!(!found[0].remove().unwrap(), "it is in use");
    assert_eq!(set.train.as_ref().unwrap().image(0).bytes.len(), 3 * 64);
    drop(set);
    assert!(found[0].remove().unwrap());
    assert!(entries(&cache).is_empty());
    assert_eq!(fs::read(cache.join(name).join("letter.txt")).unwrap(), b"mine");
    assert!(cache.join("photos/1.jpg").exists());
    #[cfg(unix)]
    assert!(outer.path().join("mine/decoded.bin").exists());
    // It is made again.
    assert_eq!(open(&dir, &cache).unlabeled.len(), 4);
}

#[test]
fn images_of_a_refused_folder_are_listed_as_parts() {
    let outer = folder();
    let cache = outer.path().join("cache");
    let dir = outer.path().join("a");
    plain_png(dir.join("1.png"), 8, [1; 3]);
    write(dir.join("2.png"), "damaged");
    let cache_dir = Some(cache.clone());
    let options = OpenOptions { image_size: 8, cache_dir, ..OpenOptions::default() };
    dataset::open(&dir, &options).unwrap_err();
    let found = entries(&cache);
    assert_eq!((found.len(), found[0].images), (1, None));
    assert_eq!(found[0].folder.as_deref(), Some(dir.canonicalize().unwrap().as_path()));
    assert!(found[0].remove().unwrap());
}
