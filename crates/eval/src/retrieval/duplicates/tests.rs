use std::ops::ControlFlow;

use tch::{Device, Kind};

use super::*;

const GO_ON: OnProgress<'static> = &|_, _| ControlFlow::Continue(());

/// `count` directions in eight dimensions, without a pattern.
fn scattered(count: i64) -> Tensor {
    let numbers = Tensor::arange(count * 8, (Kind::Double, Device::Cpu));
    ((numbers * 12.9898).sin() * 43758.5453).fmod(1.0).view([count, 8])
}

fn rows(found: &Duplicates) -> Vec<[usize; 2]> {
    found.pairs.iter().map(|pair| pair.rows).collect()
}

#[test]
fn copies_are_found_across_blocks_and_nothing_else() {
    let count = COLUMNS + ROWS + 7;
    let x = scattered(count);
    let last = count as usize - 1;
    let (far, near) = (COLUMNS as usize + 3, ROWS as usize - 1);
    for (to, from) in [(last, 2), (far, 5), (near, 0)] {
        x.get(to as i64).copy_(&(x.get(from as i64) * 3.0));
    }
    let found = Gallery::new(&x).unwrap().duplicates(1.0, 10, GO_ON).unwrap();
    assert_eq!(found.found, 3);
    let mut pairs = rows(&found);
    pairs.sort();
    assert_eq!(pairs, [[0, near], [2, last], [5, far]]);
    assert!(found.pairs.iter().all(|pair| pair.cosine > 1.0 - 1e-12));
}

#[test]
fn pairs_are_those_of_the_whole_matrix_the_most_alike_first() {
    let count = 60;
    let x = scattered(count);
    let gallery = Gallery::new(&x).unwrap();
    let norms = (&x * &x).sum_dim_intlist([1i64].as_slice(), true, None).sqrt();
    let unit = &x / norms;
    let cosines = unit.matmul(&unit.tr());
    let mut expected = Vec::new();
    for a in 0..count {
        for b in a + 1..count {
            let cosine = cosines.double_value(&[a, b]);
            if cosine >= 0.5 {
                expected.push((cosine, [a as usize, b as usize]));
            }
        }
    }
    expected.sort_by(|a, b| b.0.total_cmp(&a.0));
    let expected: Vec<_> = expected.into_iter().map(|(_, rows)| rows).collect();
    assert!(expected.len() > 20, "{}", expected.len());
    let all = gallery.duplicates(0.5, 10_000, GO_ON).unwrap();
    assert_eq!((rows(&all), all.found), (expected.clone(), expected.len() as u64));
    let some = gallery.duplicates(0.5, 7, GO_ON).unwrap();
    assert_eq!((rows(&some), some.found), (expected[..7].to_vec(), all.found));
    let none = gallery.duplicates(1.0, 7, GO_ON).unwrap();
    assert_eq!((none.found, none.pairs.len()), (0, 0));
}

#[test]
fn pairs_join_into_groups() {
    let of = |pairs: &[[usize; 2]]| {
        let pairs = pairs.iter().map(|&rows| Pair { rows, cosine: 1.0 });
        Duplicates { found: 0, pairs: pairs.collect() }.groups()
    };
    assert_eq!(of(&[]), Vec::<Vec<usize>>::new());
    assert_eq!(of(&[[3, 7], [1, 2], [2, 9]]), [vec![3, 7], vec![1, 2, 9]]);
    // Two groups that turn out to be one, and a pair within it.
    assert_eq!(
        of(&[[5, 6], [1, 2], [3, 4], [2, 6], [1, 5], [0, 4]]),
        [vec![1, 2, 5, 6], vec![0, 3, 4]]
    );
}

#[test]
fn what_can_not_be_asked_for_is_an_error() {
    let gallery = Gallery::new(&scattered(3)).unwrap();
    for threshold in [1.5, f64::NAN] {
        let error = gallery.duplicates(threshold, 1, GO_ON).unwrap_err();
        assert!(matches!(error, Error::BadSetting { .. }), "{error}");
    }
    let stop: OnProgress<'_> = &|_, _| ControlFlow::Break(());
    assert_eq!(gallery.duplicates(0.5, 1, stop).unwrap_err(), Error::Interrupted);
}
