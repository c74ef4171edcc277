//! The columns of a leaderboard: what each is called, how it is written and what it means.

use run::{CONTRASTIVE_ACC, CORRELATION_ACC, EFFECTIVE_RANK, FEATURE_STD, IMAGES_PER_SEC, Metric};

use crate::{MeanStd, Row};

/// One column of numbers.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Name in machine-readable files, as the field of [`Row`].
    pub key: &'static str,
    /// Heading for people, without the unit.
    pub title: &'static str,
    /// What it is, in a sentence or two.
    pub definition: &'static str,
    /// How it is written for people.
    pub unit: Unit,
    /// Whether a larger number is a better one, so that the best is worth marking.
    pub score: bool,
    /// Its number in a row.
    pub value: fn(&Row) -> Option<MeanStd>,
}

impl Column {
    /// Heading for people, unit included.
    pub fn heading(&self) -> String {
        let unit = match self.unit {
            Unit::Percent => " (%)",
            Unit::Digits(_) => "",
            Unit::Minutes => " (min)",
            Unit::Gibibytes => " (GiB)",
        };
        format!("{}{unit}", self.title)
    }
}

/// How a number is written for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share 0..=1, as percent.
    Percent,
    /// As it is, with this many digits behind the point.
    Digits(usize),
    /// Seconds, as minutes.
    Minutes,
    /// Bytes, as GiB.
    Gibibytes,
}

impl Unit {
    /// The mean, and the standard deviation where there is one.
    pub fn write(self, spread: &MeanStd) -> String {
        match self.parts(spread) {
            (mean, Some(std)) => format!("{mean} ± {std}"),
            (mean, None) => mean,
        }
    }

    /// Both in the same unit and with the same digits.
    pub(crate) fn parts(self, spread: &MeanStd) -> (String, Option<String>) {
        let (scale, digits) = match self {
            Self::Percent => (100.0, 1),
            Self::Digits(digits) => (1.0, digits),
            Self::Minutes => (1.0 / 60.0, 1),
            Self::Gibibytes => (1.0 / f64::from(1 << 30), 2),
        };
        let write = |value: f64| format!("{:.digits$}", value * scale);
        (write(spread.mean), spread.std.map(write))
    }
}

/// The column of a metric, which is no score.
const fn of_metric(metric: &Metric, unit: Unit, value: fn(&Row) -> Option<MeanStd>) -> Column {
    let Metric { key, title, definition, .. } = *metric;
    Column { key, title, definition, unit, score: false, value }
}

/// The columns, in order.
pub const COLUMNS: [Column; 14] = [
    Column {
        key: "probe_last",
        title: "Probe, last",
        definition: "Test accuracy of the online linear probe after the last epoch. The probe is \
                     trained beside the encoder on labeled images; no gradient of it reaches the \
                     encoder.",
        unit: Unit::Percent,
        score: true,
        value: |row| row.probe_last,
    },
    Column {
        key: "probe_best",
        title: "Probe, best",
        definition: "Test accuracy of the online linear probe at its best epoch. That epoch is found \
                     on the test split, so it describes the curve and is no result; no checkpoint is \
                     selected by it.",
        unit: Unit::Percent,
        score: true,
        value: |row| row.probe_best,
    },
    Column {
        key: "linear",
        title: "Linear",
        definition: "Test accuracy of a linear classifier fitted to convergence on the frozen \
                     features of the last epoch, with the penalty chosen on held-out training \
                     images. Without a test split, the mean over folds of the labeled images.",
        unit: Unit::Percent,
        score: true,
        value: |row| row.linear,
    },
    Column {
        key: "linear_initial",
        title: "Linear, before",
        definition: "The same before training: with random weights, or with those that the run \
                     started from.",
        unit: Unit::Percent,
        score: false,
        value: |row| row.linear_initial,
    },
    Column {
        key: "knn",
        title: "kNN",
        definition: "Test accuracy of k nearest neighbors: a weighted vote of the nearest training \
                     images by cosine similarity of the frozen features. Without a test split, \
                     the mean over folds of the labeled images.",
        unit: Unit::Percent,
        score: true,
        value: |row| row.knn,
    },
    Column {
        key: "knn_initial",
        title: "kNN, before",
        definition: "The same before training: with random weights, or with those that the run \
                     started from.",
        unit: Unit::Percent,
        score: false,
        value: |row| row.knn_initial,
    },
    Column {
        key: "chance",
        title: "Chance",
        definition: "Accuracy of always answering the most frequent class.",
        unit: Unit::Percent,
        score: false,
        value: |row| row.chance,
    },
    of_metric(&CONTRASTIVE_ACC, Unit::Percent, |row| row.contrastive_acc),
    of_metric(&CORRELATION_ACC, Unit::Percent, |row| row.correlation_acc),
    of_metric(&EFFECTIVE_RANK, Unit::Digits(1), |row| row.effective_rank),
    of_metric(&FEATURE_STD, Unit::Digits(4), |row| row.feature_std),
    of_metric(&IMAGES_PER_SEC, Unit::Digits(0), |row| row.images_per_sec),
    Column {
        key: "wall_secs",
        title: "Time",
        definition: "Wall time of all epochs, with the metrics after each, without the evaluation of \
                     the trained encoder.",
        unit: Unit::Minutes,
        score: false,
        value: |row| row.wall_secs,
    },
    Column {
        key: "peak_memory_bytes",
        title: "Memory",
        definition: "The most memory that the process held at once.",
        unit: Unit::Gibibytes,
        score: false,
        value: |row| row.peak_memory_bytes,
    },
];

/// The columns of which at least one of `rows` has a number.
pub fn shown<'a>(rows: impl Iterator<Item = &'a Row> + Clone) -> Vec<Column> {
    let shown = |column: &Column| rows.clone().any(|row| (column.value)(row).is_some());
    COLUMNS.into_iter().filter(shown).collect()
}

/// Numbers as people write a few of them: `3`, `2, 5` or `2–5` for the range of many.
pub fn few(numbers: &[u32]) -> String {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    match sorted[..] {
        [] => String::new(),
        [one] => one.to_string(),
        [a, b] => format!("{a}, {b}"),
        [first, .., last] => format!("{first}–{last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_their_unit() {
        let spread = |mean, std| MeanStd { mean, std, min: mean, max: mean, n: 1 };
        assert_eq!(Unit::Percent.write(&spread(0.4519, Some(0.0123))), "45.2 ± 1.2");
        assert_eq!(Unit::Percent.write(&spread(0.4519, None)), "45.2");
        assert_eq!(Unit::Digits(0).write(&spread(67.94, None)), "68");
        assert_eq!(Unit::Minutes.write(&spread(90.0, None)), "1.5");
        assert_eq!(Unit::Gibibytes.write(&spread(1_610_612_736.0, None)), "1.50");
    }

    #[test]
    fn epochs_are_written_shortly() {
        assert_eq!(few(&[]), "");
        assert_eq!(few(&[4, 4]), "4");
        assert_eq!(few(&[5, 3]), "3, 5");
        assert_eq!(few(&[5, 3, 9, 4]), "3–9");
    }

    #[test]
    fn a_key_is_the_name_of_its_field() {
        let folder = tempfile::tempdir().unwrap();
        let path = crate::tests::sample::finished(folder.path(), "simclr", 0, &[0.5]);
        let rows = crate::Comparison::of(&[crate::Run::read(&path).unwrap()]).rows;
        let json = serde_json::to_value(&rows[0]).unwrap();
        for column in COLUMNS {
            let found = json.get(column.key).unwrap_or_else(|| panic!("{}", column.key));
            let expected = serde_json::to_value((column.value)(&rows[0])).unwrap();
            assert_eq!(found, &expected, "{}", column.key);
        }
    }
}
