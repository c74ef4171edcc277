use super::*;

#[test]
fn draws_depend_on_seed_stream_and_name_alone() {
    let rule = Init::GlorotUniform { fan_in: 20, fan_out: 4 };
    let rng = WeightRng { seed: 1, stream: WeightStream::Student };
    let first = rng.draw("a", &[4, 20], rule);
    assert_eq!(first, rng.draw("a", &[4, 20], rule));
    assert_ne!(first, rng.draw("b", &[4, 20], rule));
    assert_ne!(first, WeightRng { seed: 2, ..rng }.draw("a", &[4, 20], rule));
    assert_ne!(first, WeightRng { stream: WeightStream::Teacher, ..rng }.draw("a", &[4, 20], rule));
}

#[test]
fn numbers_of_streams_are_fixed() {
    use WeightStream::*;
    let numbers = [Student, Teacher, Probe, Method, Classifier].map(|stream| stream as u64);
    assert_eq!(numbers, [0, 1, 2, 3, 4], "initial weights depend on them");
}

#[test]
fn unit_rows_point_everywhere() {
    let rng = WeightRng { seed: 7, stream: WeightStream::Student };
    let rows = rng.draw("q", &[4000, 3], Init::UnitRows);
    let norms = rows.square().sum_dim_intlist([1i64].as_slice(), false, Kind::Float);
    assert!((norms - 1.0).abs().max().double_value(&[]) < 1e-6);
    // On the sphere in three dimensions each coordinate is uniform in -1..1.
    for column in 0..3 {
        let x = rows.select(1, column);
        assert!(x.mean(Kind::Float).double_value(&[]).abs() < 0.05);
        assert!((x.square().mean(Kind::Float).double_value(&[]) - 1.0 / 3.0).abs() < 0.02);
        assert!(x.max().double_value(&[]) > 0.99 && x.min().double_value(&[]) < -0.99);
    }
}

#[test]
fn kaiming_has_the_variance_and_the_tails_of_a_normal_distribution() {
    let rng = WeightRng { seed: 7, stream: WeightStream::Student };
    let draw = rng.draw("w", &[40_000], Init::KaimingNormal { fan_out: 50 });
    let (mean, deviation) = (draw.mean(Kind::Float), draw.std(false));
    assert!(mean.double_value(&[]).abs() < 0.003, "{mean}");
    assert!((deviation.double_value(&[]) - 0.2).abs() < 0.003, "{deviation}");
    // 4.55 % are further than two deviations from the mean.
    let far = draw.abs().gt(0.4).to_kind(Kind::Float).mean(Kind::Float);
    assert!((far.double_value(&[]) - 0.0455).abs() < 0.004, "{far}");
}

#[test]
fn glorot_fills_its_interval() {
    let rng = WeightRng { seed: 7, stream: WeightStream::Student };
    let draw = rng.draw("w", &[20_000], Init::GlorotUniform { fan_in: 100, fan_out: 50 });
    let bound = 0.2; // sqrt(6 / 150)
    let (low, high) = (draw.min().double_value(&[]), draw.max().double_value(&[]));
    assert!(low > -bound && low < -0.99 * bound, "{low}");
    assert!(high < bound && high > 0.99 * bound, "{high}");
    let deviation = draw.std(false).double_value(&[]);
    assert!((deviation - bound / 3f64.sqrt()).abs() < 0.002, "{deviation}");
}
