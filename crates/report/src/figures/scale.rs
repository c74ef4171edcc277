//! How the numbers of a figure are written: on the axis, at the ends of lines and in words.

use run::Kind;

/// What the numbers of a figure are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Shares 0..=1, written as percent.
    Percent,
    /// Numbers of any size, as they are.
    Plain,
}

impl From<Kind> for Scale {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Share => Self::Percent,
            Kind::Number | Kind::Setting => Self::Plain,
        }
    }
}

impl Scale {
    /// What a value is multiplied with before it is written.
    pub fn factor(self) -> f64 {
        match self {
            Self::Percent => 100.0,
            Self::Plain => 1.0,
        }
    }

    /// The range `low..=high`, in written numbers, and the distance of about `count` ticks in it:
    /// round, and for percent at least 1. Both ends are multiples of the distance.
    pub fn range(self, low: f64, high: f64, count: f64) -> ([f64; 2], f64) {
        let width = match self {
            Self::Percent => (high - low).max(1.0),
            // A line that is level has room around it, whatever its height.
            Self::Plain if high > low => high - low,
            Self::Plain if high == 0.0 => 1.0,
            Self::Plain => 0.2 * high.abs(),
        };
        let step = match self {
            Self::Percent => round_up(width / count).max(1.0),
            Self::Plain => round_up(width / count),
        };
        let bottom = (low / step).floor() * step;
        let top = (high / step).ceil() * step;
        ([bottom, top.max(bottom + step)], step)
    }

    /// A value with its unit.
    pub fn written(self, value: f64) -> String {
        match self {
            Self::Percent => format!("{:.1} %", 100.0 * value),
            Self::Plain => significant(value),
        }
    }
}

/// The next of ..., 0.1, 0.2, 0.5, 1, 2, 5, 10, ... that is at least `least`.
pub fn round_up(least: f64) -> f64 {
    let ten = 10f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * ten >= least * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * ten
}

/// The number at a tick, with as many digits as ticks at this distance need. Very large and very
/// small numbers have an exponent: `largest` is the largest of the axis, by its magnitude.
pub fn tick(value: f64, step: f64, largest: f64) -> String {
    if value.abs() < step / 1000.0 {
        return "0".to_owned();
    }
    let places = |number: f64| (number.abs().log10() + 1e-9).floor();
    if step < 1e-7 || (step < 1e-4 && largest < 0.01) || value.abs() >= 1e6 {
        let digits = (places(value) - places(step)).max(0.0) as usize;
        return format!("{value:.digits$e}");
    }
    let digits = (-places(step)).max(0.0) as usize;
    format!("{value:.digits$}")
}

/// A number with four significant digits.
fn significant(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-4.0..6.0).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    let digits = (3.0 - magnitude).max(0.0) as usize;
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_round() {
        for (least, expected) in [
            (0.003, 0.005),
            (0.3, 0.5),
            (1.0, 1.0),
            (1.1, 2.0),
            (4.0, 5.0),
            (6.0, 10.0),
            (40.0, 50.0),
        ] {
            let found = round_up(least);
            assert!((found / expected - 1.0).abs() < 1e-9, "{least}: {found}");
        }
    }

    #[test]
    fn a_range_holds_its_values_between_round_ends() {
        assert_eq!(Scale::Percent.range(12.3, 48.7, 8.0), ([10.0, 50.0], 5.0));
        assert_eq!(Scale::Percent.range(50.0, 50.0, 8.0), ([50.0, 51.0], 1.0));
        let ([bottom, top], step) = Scale::Plain.range(-3.9, -1.2, 4.0);
        assert_eq!((bottom, top, step), (-4.0, -1.0, 1.0));
        for level in [0.0, 0.001, -7.0, 1e300] {
            let ([bottom, top], step) = Scale::Plain.range(level, level, 4.0);
            assert!(bottom <= level && level <= top && top > bottom && step > 0.0);
        }
    }

    #[test]
    fn ticks_have_the_digits_that_tell_them_apart() {
        assert_eq!(tick(4.75, 0.05, 5.0), "4.75");
        assert_eq!(tick(0.1 + 0.2, 0.1, 1.0), "0.3");
        assert_eq!(tick(1e-18, 0.1, 1.0), "0");
        assert_eq!(tick(-2.0, 1.0, 4.0), "-2");
        assert_eq!(tick(1200.0, 200.0, 2000.0), "1200");
        assert_eq!(tick(0.00012, 0.00002, 0.0002), "1.2e-4");
        assert_eq!(tick(2_000_000.0, 500_000.0, 3e6), "2.0e6");
        // Close to each other, but not small.
        assert_eq!(tick(2.29715, 0.00005, 2.2972), "2.29715");
        assert_eq!(tick(0.08805, 0.00005, 0.0881), "0.08805");
        assert_eq!(tick(0.00998, 0.00002, 0.01002), "0.00998");
    }

    #[test]
    fn values_are_written_with_four_digits() {
        assert_eq!(Scale::Percent.written(0.4519), "45.2 %");
        assert_eq!(Scale::Plain.written(4.87312), "4.873");
        assert_eq!(Scale::Plain.written(0.031), "0.03100");
        assert_eq!(Scale::Plain.written(12_345.6), "12346");
        assert_eq!(Scale::Plain.written(-2.5e-7), "-2.50e-7");
        assert_eq!(Scale::Plain.written(0.0), "0");
    }
}
