//! Names of members.

/// The checked name of a member: parts joined by `/`, none of them `.` or `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    /// The name that an archive has for a member; what is wrong with it, in words. `None` for the
    /// top folder itself.
    pub fn new(raw: &str) -> Result<Option<Self>, String> {
        let found = |what: &str| Err(format!("{what} {raw:?}"));
        if raw.starts_with('/') {
            return found("an absolute name");
        }
        let mut parts = Vec::new();
        for part in raw.split('/') {
            match part {
                "" | "." => {}
                ".." => return found("a name that leads out of it"),
                part if part.contains('\0') => return found("a name with a zero byte"),
                part => parts.push(part),
            }
        }
        Ok((!parts.is_empty()).then(|| Self(parts.join("/"))))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}
