//! What was measured: a list that every contender appends to.

use anyhow::{Context, anyhow};
use serde_json::{Map, Value, json};

/// One quantity, with a value for each time it was measured.
#[derive(Clone, Debug, PartialEq)]
struct Record {
    /// Part, subject, contender, metric.
    key: [String; 4],
    values: Vec<f64>,
}

const KEYS: [&str; 4] = ["part", "subject", "contender", "metric"];

/// All quantities, in the order in which they were first measured, and the versions of what was
/// measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    records: Vec<Record>,
    software: Map<String, Value>,
}

impl Records {
    /// Adds a value to the quantity of these names.
    pub fn add(&mut self, part: &str, subject: &str, contender: &str, metric: &str, value: f64) {
        let key = [part, subject, contender, metric];
        match self.records.iter_mut().find(|record| record.key == key) {
            Some(record) => record.values.push(value),
            None => self.records.push(Record { key: key.map(str::to_owned), values: vec![value] }),
        }
    }

    /// Adds what a line of a contender's output says: a value, or under `software` the versions of
    /// what it uses.
    ///
    /// # Errors
    /// When the line is neither.
    pub fn read_line(&mut self, line: &str) -> anyhow::Result<()> {
        let wrong = || anyhow!("not a measurement: {line}");
        let parsed: Value = serde_json::from_str(line).with_context(wrong)?;
        if let Some(software) = parsed.get("software").and_then(Value::as_object) {
            self.software.extend(software.clone());
            return Ok(());
        }
        let text = |key| parsed.get(key).and_then(Value::as_str).ok_or_else(wrong);
        let value = parsed.get("value").and_then(Value::as_f64);
        let [part, subject, contender, metric] = KEYS.map(text);
        self.add(part?, subject?, contender?, metric?, value.ok_or_else(wrong)?);
        Ok(())
    }

    fn values(&self, key: [&str; 4]) -> Option<&[f64]> {
        let record = self.records.iter().find(|record| record.key == key)?;
        Some(&record.values)
    }

    /// The median of a quantity; none if it was not measured.
    pub fn median(&self, part: &str, subject: &str, contender: &str, metric: &str) -> Option<f64> {
        let mut values = self.values([part, subject, contender, metric])?.to_vec();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        Some(match values.len() % 2 {
            0 => (values[middle - 1] + values[middle]) / 2.0,
            _ => values[middle],
        })
    }

    /// How far the values of a quantity lie apart, as a share of their median; none of fewer than
    /// two.
    pub fn spread(&self, part: &str, subject: &str, contender: &str, metric: &str) -> Option<f64> {
        let values = self.values([part, subject, contender, metric])?;
        let (least, most) = values.iter().fold((f64::MAX, f64::MIN), |(least, most), &value| {
            (least.min(value), most.max(value))
        });
        let median = self.median(part, subject, contender, metric)?;
        (values.len() > 1).then(|| (most - least) / median)
    }

    /// The subjects of a part.
    pub fn subjects(&self, part: &str) -> Vec<&str> {
        self.distinct(1, |key| key[0] == part)
    }

    /// The contenders that were measured with a subject.
    pub fn contenders(&self, part: &str, subject: &str) -> Vec<&str> {
        self.distinct(2, |key| key[0] == part && key[1] == subject)
    }

    fn distinct(&self, which: usize, wanted: impl Fn(&[String; 4]) -> bool) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        for record in self.records.iter().filter(|record| wanted(&record.key)) {
            let name = record.key[which].as_str();
            if !found.contains(&name) {
                found.push(name);
            }
        }
        found
    }

    /// Names and versions of the contenders' software.
    pub fn software(&self) -> impl Iterator<Item = (&str, &str)> {
        self.software.iter().filter_map(|(name, version)| Some((name.as_str(), version.as_str()?)))
    }

    /// As it is kept in a file.
    pub fn to_json(&self) -> Value {
        let record = |record: &Record| {
            let named = KEYS.iter().zip(&record.key);
            let mut object: Map<_, _> =
                named.map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            object.insert("values".to_owned(), json!(record.values));
            Value::Object(object)
        };
        json!({
            "software": self.software,
            "records": self.records.iter().map(record).collect::<Vec<_>>(),
        })
    }

    /// Reads what [`to_json`](Self::to_json) gave.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_json(json: &Value) -> anyhow::Result<Self> {
        let mut read = Self::default();
        let list = json.get("records").and_then(Value::as_array);
        for record in list.context("no list of records")? {
            let wrong = || anyhow!("not a record: {record}");
            let text = |key| record.get(key).and_then(Value::as_str).ok_or_else(wrong);
            let values = record.get("values").and_then(Value::as_array);
            let [part, subject, contender, metric] = KEYS.map(text);
            let key = [part?, subject?, contender?, metric?];
            for value in values.ok_or_else(wrong)? {
                let value = value.as_f64().ok_or_else(wrong)?;
                read.add(key[0], key[1], key[2], key[3], value);
            }
        }
        if let Some(software) = json.get("software").and_then(Value::as_object) {
            read.software = software.clone();
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_of_a_quantity_are_gathered() {
        let mut records = Records::default();
        for value in [3, 1, 2] {
            let line = format!(
                r#"{{"part":"p","subject":"s","contender":"c","metric":"m","value":{value}}}"#
            );
            records.read_line(&line).unwrap();
        }
        records.add("p", "s", "d", "m", 5.0);
        records.read_line(r#"{"software":{"torch":"2"}}"#).unwrap();
        assert_eq!(records.median("p", "s", "c", "m"), Some(2.0));
        assert_eq!(records.spread("p", "s", "c", "m"), Some(1.0));
        assert_eq!(records.spread("p", "s", "d", "m"), None);
        assert_eq!(records.median("p", "s", "c", "n"), None);
        assert_eq!(records.subjects("p"), ["s"]);
        assert_eq!(records.contenders("p", "s"), ["c", "d"]);
        assert_eq!(Records::from_json(&records.to_json()).unwrap(), records);
        assert_eq!(records.software().collect::<Vec<_>>(), [("torch", "2")]);
    }

    #[test]
    fn a_line_of_something_else_is_an_error() {
        let mut records = Records::default();
        for line in ["warning", "{}", r#"{"part":"p","value":1}"#] {
            let error = records.read_line(line).unwrap_err();
            assert!(format!("{error:#}").contains(line), "{error:#}");
        }
    }
}
