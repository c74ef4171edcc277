//! Counts, durations and commands as people write them.

use std::path::Path;

/// A count with its noun: `1 step`, `2 steps`.
pub fn count(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    let plural = match noun {
        _ if number == 1 => noun.to_owned(),
        _ if noun.ends_with("class") => format!("{noun}es"),
        _ => format!("{noun}s"),
    };
    format!("{number} {plural}")
}

/// A number with three significant digits, without an exponent.
pub fn significant(value: f64) -> String {
    format!("{value:.2e}").parse::<f64>().unwrap_or(value).to_string()
}

/// A duration in its two largest units: `45 s`, `3 min`, `2 h 5 min`, `3 d 4 h`.
pub fn duration(secs: f64) -> String {
    let secs = secs.max(0.0).round() as u64;
    let (minutes, hours, days) = (secs.div_ceil(60), secs / 3600, secs / 86_400);
    match secs {
        0..=99 => format!("{secs} s"),
        100..=3_599 => format!("{minutes} min"),
        3_600..=86_399 => format!("{hours} h {} min", secs / 60 % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// A command line that a shell reads as these words.
pub fn command_line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// A path as a word of a command line.
pub fn quoted_path(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// A word as a shell reads it: in single quotes where it has other characters than harmless ones.
fn quoted(word: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(harmless) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        assert_eq!(count(1u32, "step"), "1 step");
        assert_eq!(count(0usize, "step"), "0 steps");
        assert_eq!(count(12u64, "libtorch thread"), "12 libtorch threads");
        assert_eq!([count(1usize, "class"), count(2usize, "class")], ["1 class", "2 classes"]);
    }

    #[test]
    fn numbers_have_three_digits() {
        let found = [31.622776601683793, 0.00031622, 100_000.0, 0.1].map(significant);
        assert_eq!(found, ["31.6", "0.000316", "100000", "0.1"]);
    }

    #[test]
    fn durations_have_two_units() {
        let found = [0.4, 45.0, 101.0, 3_599.0, 3_600.0, 12_345.0, 86_400.0, 1e6].map(duration);
        let expected =
            ["0 s", "45 s", "2 min", "60 min", "1 h 0 min", "3 h 25 min", "1 d 0 h", "11 d 13 h"];
        assert_eq!(found, expected);
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        let words = ["twinview", "--set", r#"encoder={"vit": {}}"#, "it's", "a/b.c", ""];
        let expected = r#"twinview --set 'encoder={"vit": {}}' 'it'\''s' a/b.c ''"#;
        assert_eq!(command_line(words), expected);
    }
}
