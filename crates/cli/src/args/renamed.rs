//! Flags that were renamed: a command line with the old name is an error that gives the new one.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};

use super::Arguments;

/// Old flags, what replaces them, and the flag that a command must have for this to apply.
const RENAMED: &[[&str; 3]] = &[
    ["--settings", "--preset", "preset"],
    ["--init", "--init-weights", "init-weights"],
    ["--steps", "--max-steps", "max-steps"],
    ["--epoch", "--checkpoint (last, best, epoch:N)", "checkpoint"],
    ["--untrained", "--checkpoint initial", "checkpoint"],
    ["--passes", "--epochs", "epochs"],
    ["--draws", "--repeats", "repeats"],
    ["--confusion", "--confusion-matrix", "confusion-matrix"],
    ["--most", "--limit", "limit"],
    ["--licence", "--license", "license"],
    ["--size", "--image-size", "image-size"],
];

/// Values of flags that were renamed: the flag, the old value and the new one.
const RENAMED_VALUES: &[[&str; 3]] = &[["--preset", "recommended", "gpu"]];

/// The message for a renamed flag or value among `words`, if that is what `error` is about.
pub fn renamed_flag(error: &clap::Error, words: &[String]) -> Option<String> {
    if error.kind() == ErrorKind::InvalidValue {
        return renamed_value(error);
    }
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let Some(ContextValue::String(found)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let has = |command: &Command, long: &str| {
        command.get_arguments().any(|argument| argument.get_long() == Some(long))
    };
    let command = subcommand(Arguments::command(), words);
    let [old, new, _] =
        RENAMED.iter().find(|[old, _, long]| old == found && has(&command, long))?;
    Some(format!("{old} is now {new}"))
}

/// The message for a renamed value, if that is what `error` is about.
fn renamed_value(error: &clap::Error) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let (flag, value) = (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue));
    let of = |[renamed, old, _]: &&[&str; 3]| flag.starts_with(renamed) && value == *old;
    let [flag, old, new] = RENAMED_VALUES.iter().find(of)?;
    Some(format!("{flag} {old} is now {flag} {new}"))
}

/// The subcommand that `words` name.
pub(super) fn subcommand(mut command: Command, words: &[String]) -> Command {
    for word in words {
        if let Some(found) = command.find_subcommand(word) {
            command = found.clone();
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    /// The message for `line`.
    fn message(line: &str) -> Option<String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let error = Arguments::try_parse_from(&words).unwrap_err();
        renamed_flag(&error, &words[1..])
    }

    #[test]
    fn each_old_flag_names_its_new_one() {
        let lines = [
            ("pretrain simclr --settings seed", "--settings is now --preset"),
            ("preview --settings=seed --out a.png", "--settings is now --preset"),
            ("--json compare --settings seed --out a", "--settings is now --preset"),
            ("pretrain simclr --preset recommended", "--preset recommended is now --preset gpu"),
            ("pretrain simclr --init a.safetensors", "--init is now --init-weights"),
            ("pretrain simclr --steps 3", "--steps is now --max-steps"),
            ("evaluate run --epoch 3", "--epoch is now --checkpoint (last, best, epoch:N)"),
            (
                "embed run --epoch best --out a.npy",
                "--epoch is now --checkpoint (last, best, epoch:N)",
            ),
            ("export run --epoch=last", "--epoch is now --checkpoint (last, best, epoch:N)"),
            ("evaluate run --untrained", "--untrained is now --checkpoint initial"),
            ("evaluate run --passes 3", "--passes is now --epochs"),
            ("evaluate run --draws 3", "--draws is now --repeats"),
            ("evaluate run --confusion a.png", "--confusion is now --confusion-matrix"),
            ("neighbors run --duplicates --most 3", "--most is now --limit"),
            ("export run --licence MIT", "--licence is now --license"),
            ("data info a --size 32", "--size is now --image-size"),
            ("data pack a --size 32", "--size is now --image-size"),
            ("data synth --size 32", "--size is now --image-size"),
        ];
        for (line, want) in lines {
            assert_eq!(message(&format!("twinview {line}")).as_deref(), Some(want), "{line}");
        }
        for [old, ..] in RENAMED {
            let tested = lines.iter().any(|(_, want)| want.starts_with(&format!("{old} is ")));
            assert!(tested, "{old}");
        }
    }

    #[test]
    fn a_flag_that_a_command_never_had_is_only_unknown() {
        for line in ["compare --steps 3 --out a", "methods --settings seed", "evaluate a --bogus"] {
            assert_eq!(message(&format!("twinview {line}")), None, "{line}");
        }
    }
}
