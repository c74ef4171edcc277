//! The file of a frozen teacher, which a run is bound to by its checksum.

use methods::MethodConfig;

use super::{Config, ConfigError};

impl Config {
    /// Records the SHA-256 of the teacher's file, where there is one, or compares it with the
    /// recorded one.
    ///
    /// # Errors
    /// [`ConfigError::Range`] where the file can't be read or is another one.
    pub fn pin_teacher(&mut self) -> Result<(), ConfigError> {
        let MethodConfig::Distill(config) = &mut self.method else { return Ok(()) };
        let Some(file) = &config.teacher else { return Ok(()) };
        let wrong = |expected: String, found: String| ConfigError::Range {
            key: "method.distill.teacher".to_owned(),
            expected,
            found: format!("{file:?}{found}"),
        };
        let found = files::sha256(file)
            .map_err(|error| wrong("a TorchScript file".to_owned(), format!(": {error}")))?;
        match &config.teacher_sha256 {
            Some(recorded) if *recorded != found => {
                let expected = format!("the teacher with the SHA-256 {recorded}");
                Err(wrong(expected, format!(" with {found}")))
            }
            _ => {
                config.teacher_sha256 = Some(found);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::Config;
    use crate::tests::tiny_config;

    #[test]
    fn a_configuration_is_bound_to_its_teacher() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["a.pt", "moved.pt", "b.pt"] {
            std::fs::write(path(name), name[..1].replace('m', "a")).unwrap();
        }
        let config = |name: &str, sha256: Option<&str>| -> Config {
            let mut config = tiny_config("simclr");
            let method = json!({"distill": {
                "teacher": path(name), "teacher_input": "float", "teacher_sha256": sha256,
                "temperature": 0.1, "queue_size": 4,
            }});
            config.method = serde_json::from_value(method).unwrap();
            config
        };
        let mut pinned = config("a.pt", None);
        pinned.pin_teacher().unwrap();
        let recorded = pinned.document()["method"]["distill"]["teacher_sha256"].clone();
        let recorded = recorded.as_str().unwrap();
        // Of the one byte "a", by sha256sum.
        assert!(recorded.starts_with("ca978112ca1bbdcafac231b39a23dc4d"), "{recorded}");
        config("moved.pt", Some(recorded)).pin_teacher().unwrap();
        for (name, says) in [
            ("b.pt", "expected the teacher with the SHA-256 ca978112"),
            ("c.pt", "expected a TorchScript file, found"),
        ] {
            let error = config(name, Some(recorded)).pin_teacher().unwrap_err().to_string();
            assert!(error.starts_with(&format!("method.distill.teacher: {says}")), "{error}");
            assert!(error.contains(name) && !error.contains('\n'), "{error}");
        }
    }
}
