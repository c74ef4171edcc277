//! Numbers and tables as they stand on the page.

/// A table in Markdown: the first column is text, the others are numbers.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let rule: Vec<&str> =
        (0..head.len()).map(|column| if column == 0 { ":--" } else { "--:" }).collect();
    let mut text = line(head) + &line(&rule);
    for row in rows {
        text += &line(&row.iter().map(String::as_str).collect::<Vec<_>>());
    }
    text
}

/// A table in Markdown of names and what they stand for.
pub fn facts(rows: &[(&str, String)]) -> String {
    let lines = rows.iter().map(|(name, fact)| format!("| {name} | {fact} |\n"));
    format!("| | |\n| :-- | :-- |\n{}", lines.collect::<String>())
}

/// What stands in a cell where nothing was measured.
pub const NOTHING: &str = "";

/// A cell for what may not have been measured.
pub fn cell(value: Option<f64>, form: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| NOTHING.to_owned(), form)
}

/// A number with about three digits that mean something: `12,345`, `12.3`, `0.0123`.
pub fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => grouped(value),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        size if size >= 0.1 => format!("{value:.3}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.4}"),
    }
}

/// A whole number with a comma between thousands.
pub fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share as a percentage.
pub fn percent(share: f64) -> String {
    format!("{} %", short(100.0 * share))
}

/// Bytes in megabytes or gigabytes.
pub fn bytes(count: f64) -> String {
    match count {
        count if count >= 1e9 => format!("{:.2} GB", count / 1e9),
        count => format!("{:.1} MB", count / 1e6),
    }
}

/// A ratio: `12.3 x`.
pub fn times(ratio: f64) -> String {
    format!("{} x", short(ratio))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(grouped(1234567.4), "1,234,567");
        assert_eq!(grouped(-999.0), "-999");
        let shown = [0.0, 0.012, 0.25, 1.5, 12.34, 1234.0].map(short);
        assert_eq!(shown, ["0", "0.0120", "0.250", "1.50", "12.3", "1,234"]);
        assert_eq!(percent(0.0123), "1.23 %");
        assert_eq!((bytes(2.5e9), bytes(3e5)), ("2.50 GB".into(), "0.3 MB".into()));
    }

    #[test]
    fn tables_are_markdown() {
        let facts = facts(&[("x", "y".to_owned())]);
        assert_eq!(facts, "| | |\n| :-- | :-- |\n| x | y |\n");
        let rows = [vec!["a".to_owned(), "1".to_owned()]];
        assert_eq!(table(&["x", "y"], &rows), "| x | y |\n| :-- | --: |\n| a | 1 |\n");
    }
}
