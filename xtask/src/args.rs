//! The command line. A few verbs with a flag or two each do not pay for an argument parser that
//! every first build would have to compile.

use std::path::PathBuf;

use crate::Usage;
use crate::bench::Bench;

/// What `cargo xtask help` prints.
pub const HELP: &str = "\
Usage: cargo xtask VERB

  setup [--cuda]                       get libtorch and tell cargo where it is
  download-stl10 [--dir DIR] [--url URL]
                                       get STL-10 (2.6 GB) into DIR (data), from a mirror if given
  demo                                 set up, pretrain on a small rendered set, show what was learnt
  test                                 set up, then run all tests
  ci                                   set up, then run every check: format, lints, docs, tests, tidy,
                                       licenses
  tidy                                 check the repository's own rules
  golden [--check | --renew]           set up, then run the tests against reference vectors; --check
                                       first compares these with their checksums, --renew only
                                       writes the checksums anew
  bench [--peers] [--photos DIR] [--json FILE] [--quick] [--from FILE]
                                       set up, then measure speed and memory and write
                                       docs/benchmarks.md. --peers also measures other libraries, in a
                                       Python environment that it makes and removes; --photos takes JPEG
                                       files of DIR in place of rendered ones; --json keeps the numbers;
                                       --quick only sees whether everything runs and prints the page;
                                       --from makes the page of numbers that were kept
  soak [--steps N]                     set up, then watch what a long training of a tiny model (20000
                                       steps) holds
  sanitize                             run the tests of kernels and image sets under AddressSanitizer
  fuzz [--target NAME] [--seconds N]   feed the parsers with what fuzzing comes upon, each for N seconds
                                       (60)
";

/// One thing to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Verb {
    Help,
    Setup { cuda: bool },
    DownloadStl10 { dir: Option<PathBuf>, url: Option<String> },
    Demo,
    Test,
    Ci,
    Tidy,
    Golden { check: bool, renew: bool },
    Bench(Bench),
    Soak { steps: Option<u64> },
    Sanitize,
    Fuzz { target: Option<String>, seconds: Option<u64> },
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
        "setup" => Verb::Setup { cuda: args.flag("--cuda") },
        "download-stl10" => Verb::DownloadStl10 {
            dir: args.value("--dir")?.map(PathBuf::from),
            url: args.value("--url")?,
        },
        "demo" => Verb::Demo,
        "test" => Verb::Test,
        "ci" => Verb::Ci,
        "tidy" => Verb::Tidy,
        "golden" => Verb::Golden { check: args.flag("--check"), renew: args.flag("--renew") },
        "bench" => Verb::Bench(Bench {
            json: args.value("--json")?.map(PathBuf::from),
            peers: args.flag("--peers"),
            quick: args.flag("--quick"),
            photos: args.value("--photos")?.map(PathBuf::from),
            from: args.value("--from")?.map(PathBuf::from),
        }),
        "soak" => Verb::Soak { steps: args.number("--steps")? },
        "sanitize" => Verb::Sanitize,
        "fuzz" => {
            Verb::Fuzz { target: args.value("--target")?, seconds: args.number("--seconds")? }
        }
        other => {
            return Err(Usage(format!("unknown verb `{other}`; see `cargo xtask help`")));
        }
    };
    match args.0.first() {
        None => Ok(parsed),
        Some(extra) => {
            Err(Usage(format!("`{verb}` does not take `{extra}`; see `cargo xtask help`")))
        }
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

    /// The whole number in `--name VALUE` or `--name=VALUE`.
    fn number(&mut self, name: &str) -> Result<Option<u64>, Usage> {
        let Some(value) = self.value(name)? else {
            return Ok(None);
        };
        let number = value.parse();
        number.map(Some).map_err(|_| Usage(format!("`{name}` needs a whole number, not `{value}`")))
    }

    /// The value in `--name VALUE` or `--name=VALUE`.
    fn value(&mut self, name: &str) -> Result<Option<String>, Usage> {
        let joined =
            |arg: &String| arg.strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
        if let Some(at) = self.0.iter().position(joined) {
            return Ok(Some(self.0.remove(at)[name.len() + 1..].to_owned()));
        }
        let Some(at) = self.0.iter().position(|arg| arg == name) else {
            return Ok(None);
        };
        self.0.remove(at);
        if at == self.0.len() {
            return Err(Usage(format!("`{name}` needs a value")));
        }
        Ok(Some(self.0.remove(at)))
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
        let bench = Bench { peers: true, json: Some("raw.json".into()), ..Bench::default() };
        assert_eq!(parse("bench --peers --json raw.json"), Ok(Verb::Bench(bench)));
        assert_eq!(parse("soak --steps 7"), Ok(Verb::Soak { steps: Some(7) }));
        let (target, seconds) = (Some("untar".to_owned()), None);
        assert_eq!(parse("fuzz --target=untar"), Ok(Verb::Fuzz { target, seconds }));
        let download = |dir: Option<&str>, url: &str| {
            let dir = dir.map(PathBuf::from);
            Ok(Verb::DownloadStl10 { dir, url: Some(url.to_owned()) })
        };
        assert_eq!(parse("download-stl10 --url http://x --dir d"), download(Some("d"), "http://x"));
        assert_eq!(parse("download-stl10 --url=http://x?a=b"), download(None, "http://x?a=b"));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert!(parse("soak --steps many").unwrap_err().contains("`many`"));
        assert!(parse("setpu").unwrap_err().contains("`setpu`"));
        assert!(parse("test --cuda").unwrap_err().contains("`test` does not take `--cuda`"));
    }
}
