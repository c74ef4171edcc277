//! The command line that makes a comparison again.

use std::path::Path;

use clap::ValueEnum;

use crate::app::words::command_line;
use crate::args::CompareArguments;

/// The command of these arguments. Of an absolute path only the last component is named, so that a
/// page does not reveal where files are.
pub fn command(arguments: &CompareArguments) -> String {
    let name = |value: Option<clap::builder::PossibleValue>| {
        value.map(|value| value.get_name().to_owned()).unwrap_or_default()
    };
    let mut words =
        vec![("--methods", arguments.methods.join(",")), ("--seeds", arguments.seeds.to_string())];
    if let Some(preset) = arguments.preset {
        words.insert(1, ("--preset", name(preset.to_possible_value())));
    }
    let shown = |path: &Path| {
        let name = path.file_name().filter(|_| path.is_absolute());
        name.unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
    };
    words.extend(arguments.data.data.iter().map(|data| ("--data", shown(data))));
    if let Some(labels) = &arguments.data.reading.labels {
        words.push(("--labels", shown(Path::new(labels))));
    }
    if let Some(epochs) = arguments.epochs {
        words.push(("--epochs", epochs.to_string()));
    }
    if let Some(batch_size) = arguments.batch_size {
        words.push(("--batch-size", batch_size.to_string()));
    }
    if let Some(precision) = arguments.precision {
        words.push(("--precision", name(precision.to_possible_value())));
    }
    if let Some(ranks) = arguments.ranks.ranks {
        words.push(("--ranks", ranks.to_string()));
    }
    words.extend(arguments.set.iter().map(|setting| ("--set", setting.clone())));
    words.push(("--out", "OUT".to_owned()));
    let words = words.iter().flat_map(|(flag, value)| [*flag, value.as_str()]);
    let skip_bad = if arguments.data.reading.skip_bad { " --skip-bad" } else { "" };
    format!("twinview compare {}{skip_bad}", command_line(words))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Arguments, Command};

    fn of(line: &[&str]) -> String {
        match Arguments::parse_from(line).command {
            Command::Compare(arguments) => command(&arguments),
            _ => unreachable!("a comparison"),
        }
    }

    #[test]
    fn everything_that_was_set_is_repeated() {
        let line = "twinview compare --methods simclr,moco --preset seed --seeds 2 --data photos \
                    --epochs 1 --batch-size 64 --precision bf16 --set train.max_steps=12 --set";
        let mut words: Vec<&str> = line.split_whitespace().collect();
        words.extend(["optimizer.adam.lr={\"constant\": 0.1}", "--out", "OUT"]);
        let quoted = "'optimizer.adam.lr={\"constant\": 0.1}'";
        let expected = format!("{} {quoted} --out OUT", words[..words.len() - 3].join(" "));
        assert_eq!(of(&words), expected);
    }

    #[test]
    fn the_data_is_said_as_it_was_given() {
        let said = of(&[
            "twinview",
            "compare",
            "--data",
            "a",
            "--data",
            "/b/c",
            "--labels",
            "/b/labels.csv",
            "--skip-bad",
            "--out",
            "d",
        ]);
        let expected = "twinview compare --methods all --seeds 1 --data a --data c \
                        --labels labels.csv --out OUT --skip-bad";
        assert_eq!(said, expected);
    }

    #[test]
    fn defaults_are_said_and_paths_are_not() {
        let said = of(&["twinview", "compare", "--data", "/srv/my photos", "--out", "a"]);
        let expected = "twinview compare --methods all --seeds 1 --data 'my photos' --out OUT";
        assert_eq!(said, expected);
    }
}
