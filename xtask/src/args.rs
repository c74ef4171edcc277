//! The command line. Seven verbs with a flag or two each do not pay for an argument parser that
//! every first build would have to compile.

use crate::Usage;

/// What `cargo xtask help` prints.
pub const HELP: &str = "\
Usage: cargo xtask VERB

  setup [--cuda]                       get libtorch and tell cargo where it is
  test                                 set up, then run all tests
  ci                                   set up, then run every check: format, lints, docs, tests, tidy
";

/// One thing to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Verb {
    Help,
    Setup { cuda: bool },
    Test,
    Ci,
}

/// Reads the arguments that follow `cargo xtask`.
///
/// # Errors
/// [`Usage`] for an unknown verb, an unknown flag, or a flag without its value.
pub fn parse(args: impl Iterator<Item = String>) -> Result<Verb, Usage> {
    let mut args = Args(args.collect());
    let Some(verb) = args.verb() else {
        return Ok(Verb::Help);
    };
    if args.flag("--help") || args.flag("-h") {
        return Ok(Verb::Help);
    }
    let parsed = match verb.as_str() {
        "help" | "--help" | "-h" => Verb::Help,
        "setup" => Verb::Setup {
            cuda: args.flag("--cuda"),
        },
        "test" => Verb::Test,
        "ci" => Verb::Ci,
        other => {
            return Err(Usage(format!(
                "unknown verb `{other}`; see `cargo xtask help`"
            )));
        }
    };
    match args.0.first() {
        None => Ok(parsed),
        Some(extra) => Err(Usage(format!(
            "`{verb}` does not take `{extra}`; see `cargo xtask help`"
        ))),
    }
}

/// The arguments not yet understood.
struct Args(Vec<String>);

impl Args {
    fn verb(&mut self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }

    fn flag(&mut self, name: &str) -> bool {
        let found = self.0.iter().position(|arg| arg == name);
        found.map(|at| self.0.remove(at)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Verb, String> {
        super::parse(line.split_whitespace().map(str::to_owned)).map_err(|usage| usage.0)
    }

    #[test]
    fn verbs_and_flags() {
        assert_eq!(parse(""), Ok(Verb::Help));
        assert_eq!(parse("setup"), Ok(Verb::Setup { cuda: false }));
        assert_eq!(parse("setup --cuda"), Ok(Verb::Setup { cuda: true }));
        assert_eq!(parse("test --help"), Ok(Verb::Help));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert!(parse("setpu").unwrap_err().contains("`setpu`"));
        assert!(
            parse("test --cuda")
                .unwrap_err()
                .contains("`test` does not take `--cuda`")
        );
    }
}
