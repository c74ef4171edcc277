use super::*;

/// Directions in the plane, by their angles in turns.
fn angles(turns: &[f64]) -> Tensor {
    let turns = Tensor::from_slice(turns) * std::f64::consts::TAU;
    Tensor::stack(&[turns.cos(), turns.sin()], 1)
}

#[test]
fn neighbors_are_by_cosine_whatever_the_lengths() {
    let gallery = Gallery::new(&(angles(&[0.0, 0.25, 0.1]) * 7.0)).unwrap();
    let found = gallery.nearest(&(angles(&[0.02]) * 0.1), 2);
    assert_eq!([found[0].row, found[1].row], [0, 2]);
    let cosine = (0.02 * std::f64::consts::TAU).cos();
    assert!((found[0].cosine - cosine).abs() < 1e-12, "{found:?}");
    assert_eq!(gallery.nearest(&angles(&[0.3]), 9).len(), 3);
    assert_eq!((gallery.len(), gallery.is_empty()), (3, false));
}

#[test]
fn an_image_is_not_around_itself_though_others_be_the_same() {
    let gallery = Gallery::new(&angles(&[0.5, 0.0, 0.0, 0.0, 0.1])).unwrap();
    for row in [1, 2, 3] {
        let rows: Vec<usize> = gallery.around(row, 3).iter().map(|near| near.row).collect();
        let mut first = rows[..2].to_vec();
        first.sort();
        let others: Vec<usize> = (1..4).filter(|other| *other != row).collect();
        assert_eq!((first, rows[2]), (others, 4));
    }
    assert_eq!(gallery.around(0, 9).len(), 4);
}

#[test]
fn rows_of_zeros_are_copies_of_each_other_and_short_rows_have_a_direction() {
    let short = angles(&[0.1]) * 1e-30;
    let x = Tensor::cat(&[angles(&[0.1]), short, angles(&[0.0, 0.0, 0.2]) * 0.0], 0);
    let gallery = Gallery::new(&x.to_kind(Kind::Float)).unwrap();
    let found = gallery.duplicates(0.9999, 10, &|_, _| std::ops::ControlFlow::Continue(()));
    let pairs: Vec<[usize; 2]> = found.unwrap().pairs.iter().map(|pair| pair.rows).collect();
    assert_eq!(pairs.len(), 4, "{pairs:?}");
    for pair in [[0, 1], [2, 3], [2, 4], [3, 4]] {
        assert!(pairs.contains(&pair), "{pairs:?}");
    }
    let nearest = gallery.nearest(&(angles(&[0.7]) * 0.0), 5);
    assert_eq!(nearest.iter().filter(|near| near.cosine == 1.0).count(), 3);
    assert_eq!(nearest[4].cosine, 0.0);
}

#[test]
fn more_images_than_a_block_has_columns() {
    let count = COLUMNS as usize + 5;
    let turns: Vec<f64> = (0..count).map(|row| row as f64 / count as f64).collect();
    let gallery = Gallery::new(&angles(&turns)).unwrap();
    for row in [0, 1, COLUMNS as usize - 1, COLUMNS as usize, count - 1] {
        let mut rows: Vec<usize> = gallery.around(row, 2).iter().map(|near| near.row).collect();
        rows.sort();
        let mut beside = [(row + count - 1) % count, (row + 1) % count];
        beside.sort();
        assert_eq!(rows, beside, "around {row}");
    }
}

#[test]
fn what_can_not_be_searched_is_an_error() {
    assert!(matches!(Gallery::new(&angles(&[])), Err(Error::Empty { .. })));
    let diverged = angles(&[0.0, 0.1]).log();
    let diverged = Gallery::new(&diverged).unwrap_err();
    assert_eq!(diverged, Error::NonFinite { bad: 1, images: 2 });
}
