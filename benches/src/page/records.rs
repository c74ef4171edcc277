//! The measurements of a run, by part, subject, contender and metric.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::median;

/// One measurement, as a contender printed it.
#[derive(Debug, Deserialize)]
struct Record {
    part: String,
    subject: String,
    contender: String,
    metric: String,
    value: f64,
}

/// All measurements in their order, and versions of other software.
#[derive(Debug, Default, Deserialize)]
pub struct Records {
    #[serde(default)]
    pub software: BTreeMap<String, String>,
    records: Vec<Record>,
}

impl Records {
    /// The values of a quantity, one for each round.
    fn values(&self, part: &str, subject: &str, contender: &str, metric: &str) -> Vec<f64> {
        let key = (part, subject, contender, metric);
        let records = self.records.iter().filter(|record| {
            key == (&record.part, &record.subject, &record.contender, &record.metric)
        });
        records.map(|record| record.value).collect()
    }

    /// The median of a quantity; none if it was not measured.
    pub fn median(&self, part: &str, subject: &str, contender: &str, metric: &str) -> Option<f64> {
        let values = self.values(part, subject, contender, metric);
        (!values.is_empty()).then(|| median(values))
    }

    /// The range of a quantity as a fraction of its median; none of fewer than two values.
    pub fn spread(&self, part: &str, subject: &str, contender: &str, metric: &str) -> Option<f64> {
        let mut values = self.values(part, subject, contender, metric);
        values.sort_by(f64::total_cmp);
        let [least, .., most] = values[..] else { return None };
        Some((most - least) / median(values))
    }

    /// The subjects of a part.
    pub fn subjects(&self, part: &str) -> Vec<&str> {
        let records = self.records.iter().filter(|record| record.part == part);
        distinct(records.map(|record| record.subject.as_str()))
    }

    /// The contenders that were measured with a subject.
    pub fn contenders(&self, part: &str, subject: &str) -> Vec<&str> {
        let records = self.records.iter();
        let records = records.filter(|record| record.part == part && record.subject == subject);
        distinct(records.map(|record| record.contender.as_str()))
    }
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
