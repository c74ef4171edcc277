use std::time::Duration;

use super::*;

const NUMBERS: [f32; 6] = [1.5, -0.0, f32::MIN_POSITIVE, 3.0, 1e30, -7.25];

fn cache() -> (tempfile::TempDir, FeatureCache) {
    let folder = tempfile::tempdir().unwrap();
    let cache = FeatureCache::new(folder.path().join("not/yet"));
    (folder, cache)
}

fn put(cache: &FeatureCache, key: &str) {
    let writer = cache.create(key, 3, 2).unwrap();
    writer.write(&NUMBERS[..4]).unwrap().write(&NUMBERS[4..]).unwrap().commit();
}

fn rows(cache: &FeatureCache, key: &str) -> Option<Vec<f32>> {
    let mut rows = cache.read(key, 3, 2)?;
    let mut all = Vec::new();
    while let Some(numbers) = rows.next(2).unwrap() {
        all.extend(numbers);
    }
    Some(all)
}

#[test]
fn what_is_written_is_read_back_bit_by_bit() {
    let (_folder, cache) = cache();
    assert!(rows(&cache, "a").is_none());
    put(&cache, "a");
    let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&rows(&cache, "a").unwrap()), bits(&NUMBERS));
    assert!(rows(&cache, "b").is_none());
    assert!(cache.read("a", 2, 3).is_none(), "as many numbers in another shape");
    assert!(cache.read("a", 3, 3).is_none());
}

#[test]
fn a_file_that_is_cut_off_or_changed_is_not_used() {
    let (_folder, cache) = cache();
    put(&cache, "a");
    let path = cache.path("a");
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(rows(&cache, "a").is_none(), "{length} bytes");
    }
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert!(rows(&cache, "a").is_none(), "byte {place}");
    }
    fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
    assert!(rows(&cache, "a").is_none());
    put(&cache, "a");
    assert!(rows(&cache, "a").is_some());
}

#[test]
fn without_commit_there_is_no_file() {
    let (_folder, cache) = cache();
    drop(cache.create("a", 3, 2).unwrap().write(&NUMBERS));
    assert_eq!(fs::read_dir(&cache.dir).unwrap().count(), 0);
    // A cache that can't be written is none.
    let file = cache.dir.join("file");
    fs::write(&file, "").unwrap();
    assert!(FeatureCache::new(file).create("a", 3, 2).is_none());
}

#[test]
fn the_files_used_last_are_kept() {
    let (_folder, mut cache) = cache();
    for (age, key) in [(30, "old"), (20, "used"), (10, "young")] {
        put(&cache, key);
        let file = File::options().write(true).open(cache.path(key)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    }
    assert!(rows(&cache, "used").is_some());
    cache.most_bytes = 3 * (HEAD + 24 + HASH) as u64;
    put(&cache, "new");
    let there = ["old", "young", "used", "new"].map(|key| cache.path(key).exists());
    assert_eq!(there, [false, true, true, true]);
    // One that is larger than all room is kept until the next.
    cache.most_bytes = 1;
    put(&cache, "last");
    assert!(cache.path("last").exists() && !cache.path("new").exists());
}
