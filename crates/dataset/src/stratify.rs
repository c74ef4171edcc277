//! A validation part of the training images with the same class balance, the same on every machine.

/// Rows to fit on and rows to validate on, both ascending.
#[derive(Debug, PartialEq, Eq)]
pub struct TrainValSplit {
    /// Those to fit on.
    pub fit: Vec<u32>,
    /// Those held out.
    pub validation: Vec<u32>,
}

/// Holds out `share` of every class, rounded, yet leaves at least one image of it on both sides.
///
/// A class with one image is fitted on and not validated. Which images of a class are held out
/// follows from a fixed hash of (seed, row), so it does not follow the order that the images were
/// collected in.
pub fn stratified_holdout(labels: &[i64], share: f64, seed: u64) -> TrainValSplit {
    let (mut fit, mut validation) = (Vec::new(), Vec::new());
    for class in rows_by_class(labels, seed) {
        let wanted = (class.rows.len() as f64 * share).round() as usize;
        let held_out = wanted.max(1).min(class.rows.len() - 1);
        validation.extend(&class.rows[..held_out]);
        fit.extend(&class.rows[held_out..]);
    }
    fit.sort_unstable();
    validation.sort_unstable();
    TrainValSplit { fit, validation }
}

/// Up to `folds` splits for cross-validation: every image of a class of at least two is validated
/// on once, and every class keeps at least one image to fit on.
///
/// The shuffled images of each class are dealt to the folds in turn, each class beginning where the
/// one before ended: folds differ by at most one image, overall and in each class. A class with one
/// image is fitted on and never validated. There are fewer folds where fewer images can be
/// validated on, and none where no class has two. The shuffle is that of [`stratified_holdout`].
pub fn stratified_folds(labels: &[i64], folds: usize, seed: u64) -> Vec<TrainValSplit> {
    let classes = rows_by_class(labels, seed);
    let validated = classes.iter().filter(|class| class.rows.len() > 1);
    let rows: Vec<u32> = validated.flat_map(|class| class.rows.iter().copied()).collect();
    let folds = folds.min(rows.len());
    if folds < 2 {
        return Vec::new();
    }
    let split = |fold| {
        let mut validation: Vec<u32> = rows.iter().copied().skip(fold).step_by(folds).collect();
        validation.sort_unstable();
        let held_out = |row: &u32| validation.binary_search(row).is_ok();
        let fit = (0..labels.len() as u32).filter(|row| !held_out(row)).collect();
        TrainValSplit { fit, validation }
    };
    (0..folds).map(split).collect()
}

/// The images of one class, by [`rows_by_class`].
#[derive(Debug, PartialEq, Eq)]
pub struct ClassRows {
    /// The label.
    pub label: i64,
    /// At least one row, shuffled.
    pub rows: Vec<u32>,
}

/// The rows of each class, classes ascending and the rows of each shuffled: ordered by a fixed hash
/// of (seed, row).
pub fn rows_by_class(labels: &[i64], seed: u64) -> Vec<ClassRows> {
    let mut keyed: Vec<(i64, u64, u32)> = (0u32..)
        .zip(labels)
        .map(|(row, &label)| (label, splitmix64(splitmix64(seed).wrapping_add(row.into())), row))
        .collect();
    keyed.sort_unstable();
    let classes = keyed.chunk_by(|a, b| a.0 == b.0);
    let class = |class: &[(i64, u64, u32)]| ClassRows {
        label: class[0].0,
        rows: class.iter().map(|&(_, _, row)| row).collect(),
    };
    classes.map(class).collect()
}

/// The output function of SplitMix64: a fixed bijection that scatters neighboring integers.
///
/// # Reference
/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
pub fn splitmix64(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests;
