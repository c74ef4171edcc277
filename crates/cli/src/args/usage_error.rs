//! Errors of the command line as one line that says what to type instead.

use std::path::Path;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Arguments;
use super::renamed::{renamed_flag, subcommand};

const OPTIMIZER: &str = "--set optimizer.adam.lr=NUMBER, or sgd, adamw or lars in place of adam \
                         (`twinview config METHOD` shows which)";
const ENCODER: &str =
    "--set 'encoder={\"resnet\": {\"depth\": 18, \"stem\": \"small\", \"norm\": \"batch\"}}'";
const WEIGHT_DECAY: &str = "--set optimizer.adamw.weight_decay=NUMBER, or sgd or lars in place of \
                            adamw (`twinview config METHOD` shows which)";

/// Flags of other programs, what is typed here for them, and the flag that a command must have for
/// this to apply.
const OF_OTHERS: &[[&str; 3]] = &[
    ["--lr", OPTIMIZER, "set"],
    ["--learning-rate", "--lr NUMBER", "lr"],
    ["--learning-rate", OPTIMIZER, "set"],
    ["--weight-decay", WEIGHT_DECAY, "set"],
    ["--temperature", "--set method.NAME.temperature=NUMBER", "set"],
    ["--backbone", "--encoder NAME", "encoder"],
    ["--arch", "--encoder NAME", "encoder"],
    ["--model", "--encoder NAME", "encoder"],
    ["--encoder", ENCODER, "set"],
    ["--backbone", ENCODER, "set"],
    ["--arch", ENCODER, "set"],
    ["--model", ENCODER, "set"],
    ["--gpu", "--device cuda", "device"],
    ["--cuda", "--device cuda", "device"],
    ["--cpu", "--device cpu", "device"],
    ["--gpu", "--set train.device=cuda", "set"],
    ["--cuda", "--set train.device=cuda", "set"],
    ["--device", "--set train.device=NAME", "set"],
    ["--workers", "--set train.workers=NUMBER", "set"],
    ["--fp16", "--precision bf16", "precision"],
    ["--amp", "--precision bf16", "precision"],
    ["--out", "--run DIR", "run"],
    ["--output", "--run DIR", "run"],
    ["--name", "--run DIR", "run"],
    ["--output", "--out", "out"],
    ["--dataset", "--data DIR", "data"],
    ["--resume", "the same command again", "methods"],
];

/// What is wrong with the command line `words`, the program's name left out.
pub fn usage_error(error: &clap::Error, words: &[String]) -> String {
    if let Some(message) = renamed_flag(error, words) {
        return message;
    }
    let unknown = (error.kind() == ErrorKind::UnknownArgument)
        .then(|| text_of(error, ContextKind::InvalidArg))
        .flatten();
    let message = match unknown {
        Some(found) => unknown_argument(error, &found, words),
        None => one_line(&error.render().to_string()),
    };
    format!("{message} (see --help)")
}

/// Which argument is not known, and what was meant.
fn unknown_argument(error: &clap::Error, found: &str, words: &[String]) -> String {
    let command = subcommand(Arguments::command(), words);
    let has =
        |long: &str| command.get_arguments().any(|argument| argument.get_long() == Some(long));
    if !found.starts_with('-') {
        let folder = has("data") && Path::new(found).exists();
        let hint = if folder { format!("; did you mean --data {found}?") } else { String::new() };
        return format!("unexpected argument '{found}'{hint}");
    }
    let typed = OF_OTHERS.iter().find(|[flag, _, long]| *flag == found && has(long));
    let hint = match (typed, text_of(error, ContextKind::SuggestedArg)) {
        (Some([_, here, _]), _) => format!("; use {here}"),
        (None, Some(similar)) => format!("; did you mean '{similar}'?"),
        (None, None) => String::new(),
    };
    format!("unknown flag '{found}'{hint}")
}

fn text_of(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    }
}

/// The lines of a message of the parser as one.
fn one_line(text: &str) -> String {
    let lines = text.trim_start_matches("error: ").lines().map(str::trim);
    let lines = lines
        .take_while(|line| !line.starts_with("Usage:"))
        .filter(|line| !line.is_empty() && !line.starts_with("For more information"));
    let mut message = String::new();
    for line in lines {
        let line = line.strip_prefix("tip: ").unwrap_or(line);
        let line = match line.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']').unwrap_or(inner),
            None => line,
        };
        match message.chars().last() {
            None => {}
            Some(':') => message.push(' '),
            Some(_) => message.push_str("; "),
        }
        message += line;
    }
    message
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    /// The message for `line`.
    fn message(line: &str) -> String {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let error = Arguments::try_parse_from(&words).unwrap_err();
        usage_error(&error, &words[1..])
    }

    #[test]
    fn flags_of_other_programs_name_those_of_this_one() {
        for (line, says) in [
            ("compare --lr 0.1 --out a", "unknown flag '--lr'; use --set optimizer.adam.lr="),
            ("pretrain simclr --learning-rate 0.1", "use --lr NUMBER (see --help)"),
            ("pretrain simclr --gpu", "unknown flag '--gpu'; use --device cuda (see --help)"),
            ("pretrain simclr --out a", "unknown flag '--out'; use --run DIR (see --help)"),
            ("pretrain simclr --name=a", "unknown flag '--name'; use --run DIR (see --help)"),
            ("pretrain simclr --arch resnet50", "use --encoder NAME (see --help)"),
            ("compare --arch resnet50 --out a", "use --set 'encoder={\"resnet\": {\"depth\": 18"),
            ("compare --gpu --out a", "unknown flag '--gpu'; use --set train.device=cuda"),
            ("compare --resume --out a", "use the same command again (see --help)"),
            ("evaluate a --bogus", "unknown flag '--bogus' (see --help)"),
            ("pretrain simclr --dta a", "unknown flag '--dta'; did you mean '--data'?"),
        ] {
            let said = message(&format!("twinview {line}"));
            assert!(said.contains(says), "{line}: {said}");
        }
        for [flag, here, _] in OF_OTHERS {
            assert!(flag.starts_with("--") && !here.contains("-- "), "{flag}");
        }
    }

    #[test]
    fn the_rest_is_one_line_that_says_everything_once() {
        for (line, says) in [
            (
                "export a --format onnx --out b",
                "invalid value 'onnx' for '--format <FORMAT>'; possible values: torchscript, \
                 safetensors (see --help)",
            ),
            (
                "evaluate",
                "the following required arguments were not provided: <RUN>... (see --help)",
            ),
            ("pretrain simclr nothing", "unexpected argument 'nothing' (see --help)"),
        ] {
            assert_eq!(message(&format!("twinview {line}")), says);
        }
    }
}
