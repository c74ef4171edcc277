use super::*;

/// Accuracy by the definition, with loops; query `i` does not ask image `i` to `leave_out` it.
fn by_loops(
    vote: KnnVote,
    bank: &[(Vec<f64>, i64)],
    queries: &[(Vec<f64>, i64)],
    leave_out: bool,
) -> f64 {
    let length = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>().sqrt();
    let cosine = |a: &[f64], b: &[f64]| {
        let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        dot / length(a) / length(b)
    };
    let mut correct = 0;
    for (number, (query, class)) in queries.iter().enumerate() {
        let others = bank.iter().enumerate().filter(|(row, _)| !leave_out || *row != number);
        let mut near: Vec<(f64, i64)> =
            others.map(|(_, (x, class))| (cosine(query, x), *class)).collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut votes = [0.0; 4];
        for (cosine, class) in near.iter().take(vote.k as usize) {
            votes[*class as usize] += (cosine / vote.temperature).exp();
        }
        let most = votes.iter().copied().fold(0.0, f64::max);
        let predicted = votes.iter().position(|&votes| votes == most).unwrap();
        correct += usize::from(predicted as i64 == *class);
    }
    correct as f64 / queries.len() as f64
}

/// Images of four classes that overlap.
fn images(count: usize, start: u64) -> Vec<(Vec<f64>, i64)> {
    let mut state = start;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    let image = |index: usize| {
        let class = index as i64 % 4;
        let center = |axis: i64| if axis == class { 0.8 } else { 0.0 };
        ((0..6).map(|axis| center(axis) + draw()).collect(), class)
    };
    (0..count).map(image).collect()
}

fn tensors(images: &[(Vec<f64>, i64)]) -> (Tensor, Tensor) {
    let rows: Vec<f32> = images.iter().flat_map(|(x, _)| x.iter().map(|&v| v as f32)).collect();
    let labels: Vec<i64> = images.iter().map(|(_, class)| *class).collect();
    (Tensor::from_slice(&rows).view([-1, 6]), Tensor::from_slice(&labels))
}

#[test]
fn the_vote_is_that_of_its_definition() {
    // More images than a block.
    let (bank, queries) = (images(700, 1), images(90, 2));
    let ((x, y), (q, z)) = (tensors(&bank), tensors(&queries));
    for vote in [KnnVote::default(), KnnVote { k: 1, temperature: 1.0 }] {
        let expected = by_loops(vote, &bank, &queries, false);
        assert_eq!(vote.accuracy((&x, &y), (&q, &z)), expected);
        assert!(expected > 0.3 && expected < 0.95, "{expected}: too easy or too hard a case");
        let expected = by_loops(vote, &bank, &bank, true);
        assert_eq!(vote.leave_one_out_accuracy(&x, &y), expected);
    }
}

#[test]
fn few_images_all_vote_and_none_for_itself() {
    let x = Tensor::from_slice2(&[[1.0f32, 0.0], [1.0, 0.1], [0.0, 1.0]]);
    let y = Tensor::from_slice(&[0i64, 0, 1]);
    let vote = KnnVote::default();
    assert_eq!(vote.accuracy((&x, &y), (&x, &y)), 1.0);
    // The last image has no other of its class.
    assert_eq!(vote.leave_one_out_accuracy(&x, &y), 2.0 / 3.0);
}
