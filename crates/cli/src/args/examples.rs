//! The examples below each command's help. A description follows after two spaces.

pub const TWINVIEW: &str = "\
Examples:
  twinview pretrain dino --data photos
  twinview evaluate runs/dino
  twinview neighbors runs/dino --out neighbors.png";

pub const PRETRAIN: &str = "\
Examples:
  twinview pretrain simclr --data photos        settings by device and number of images
  twinview pretrain simclr --preset gpu         STL-10 in data/stl10_binary; ResNet-18
  twinview pretrain simclr --data photos --labels labels.csv --val-split 0.2
  twinview pretrain simclr --data photos --data scans   both folders as one set
  twinview pretrain dino --data photos --image-size 224 --encoder vit-small
  twinview pretrain dino --config my.json --epochs 10
  twinview pretrain simclr --run runs/simclr --resume
  twinview pretrain byol --init-weights runs/simclr/encoder.safetensors";

pub const EVALUATE: &str = "\
Examples:
  twinview evaluate runs/simclr
  twinview evaluate runs/simclr --labels labels.csv     the images of the run, labeled since
  twinview evaluate runs/simclr --checkpoint last --checkpoint best
  twinview evaluate comparison/runs/simclr-seed*
  twinview evaluate runs/simclr --labels-per-class 1 --labels-per-class 10
  twinview evaluate runs/simclr --checkpoint initial --protocol knn --json";

pub const COMPARE: &str = "\
Examples:
  twinview compare --data photos --epochs 5 --out comparison
  twinview compare --methods simclr,dino --seeds 3 --out comparison

Run the same command again to resume.";

pub const PREVIEW: &str = "\
Examples:
  twinview preview --out views.png              views of SimCLR
  twinview preview dino --data photos --rows 4 --out views.png
  twinview preview --config my.json --set image_size=128 --out views.png";

pub const NEIGHBORS: &str = "\
Examples:
  twinview neighbors runs/dino --out neighbors.png  test images and their nearest training images
  twinview neighbors runs/dino --data photos --query cat.jpg --out cats.png
  twinview neighbors runs/dino --data photos --duplicates --threshold 0.995
  twinview neighbors runs/dino --data photos --outliers 20 --json";

pub const EMBED: &str = "\
Examples:
  twinview embed runs/dino --out features.parquet
  twinview embed runs/dino --data photos --out photos.npy      file names in photos.npy.csv
  twinview embed runs/dino --clusters 20 --out features.parquet
  twinview embed runs/dino --split train --split test --checkpoint best --out features.csv";

pub const PREDICT: &str = "\
Examples:
  twinview predict runs/dino --data photos --out labels.csv
  twinview predict runs/dino --data photos --labeled pets --top-k 3 --out labels.csv
  twinview predict runs/dino --sheet unsure.png --limit 100 --out labels.csv";

pub const SELECT: &str = "\
Examples:
  twinview select runs/dino --data photos -n 200 --out next.csv
  twinview select runs/dino -n 10 --strategy typicality --sheet next.png --out next.csv";

pub const EXPORT: &str = "\
Examples:
  twinview export runs/simclr --format torchscript --out encoder.pt
  twinview export runs/simclr --format safetensors --checkpoint best --out encoder.safetensors

The model card is written to FILE.card.json and FILE.card.md. TorchScript in Python:
  torch.jit.load('encoder.pt')(images)          images: uint8, [n, 3, height, width], RGB";

pub const REPORT: &str = "\
Examples:
  twinview report runs/simclr --out simclr.html
  twinview report comparison/runs/* --out all.html --quick

Parts that need missing images or checkpoints are left out and listed in the report.";

pub const DATA: &str = "\
Examples:
  twinview data info photos
  twinview data pack photos --out data/photos96
  twinview data cache
  twinview data synth --out data/synthetic";

pub const DATA_INFO: &str = "\
Examples:
  twinview data info photos
  twinview data info data/stl10_binary --sheet sheet.png --json";

pub const DATA_PACK: &str = "\
Examples:
  twinview data pack photos --image-size 96 --out data/photos96
  twinview data pack photos --skip-bad --out data/photos96";

pub const DATA_CACHE: &str = "\
Examples:
  twinview data cache
  twinview data cache --clear photos
  twinview data cache --older-than 30";

pub const DATA_SYNTH: &str = "\
Examples:
  twinview data synth --out data/synthetic
  twinview data synth --unlabeled 500 --train 100 --test 100 --image-size 32 --out data/small";

pub const CONFIG: &str = "\
Examples:
  twinview config simclr > my.json              then: twinview pretrain simclr --config my.json
  twinview config dino --preset gpu --encoder vit-small --image-size 224
  twinview config moco --data photos            batch, queue and epochs for these images";

pub const METHODS: &str = "\
Examples:
  twinview methods
  twinview methods --json";

pub const SCHEMA: &str = "\
Examples:
  twinview schema > schema.json               for \"$schema\": \"schema.json\" in a configuration";

pub const COMPLETIONS: &str = "\
Examples:
  twinview completions bash > ~/.local/share/bash-completion/completions/twinview
  twinview completions zsh > ~/.zfunc/_twinview  with ~/.zfunc in fpath
  twinview completions fish > ~/.config/fish/completions/twinview.fish";

pub const MAN: &str = "\
Examples:
  twinview man > twinview.1                     the main page
  twinview man --out ~/.local/share/man/man1    a page per command";

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory, Parser};

    use crate::args::Arguments;

    /// The words to type of a line of examples.
    fn words(line: &str) -> Vec<&str> {
        let typed = line.trim_start().split("  ").next().unwrap_or_default();
        let typed = typed.split(" > ").next().unwrap_or_default();
        typed.split_whitespace().collect()
    }

    /// Checks a command and those below it; their number.
    fn check(command: &Command) -> usize {
        let path: Vec<&str> = command.get_bin_name().unwrap_or("twinview").split(' ').collect();
        let help = command.get_after_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        let lines: Vec<_> =
            help.lines().filter(|line| line.starts_with("  twinview ")).map(words).collect();
        assert!(help.starts_with("Examples:\n") && !lines.is_empty(), "{path:?} has no examples");
        for line in lines {
            assert!(line.starts_with(&path), "{line:?} is no example of {path:?}");
            if let Err(error) = Arguments::try_parse_from(&line) {
                panic!("{line:?} can't be typed: {error}");
            }
        }
        1 + command.get_subcommands().map(check).sum::<usize>()
    }

    #[test]
    fn every_command_has_examples_that_can_be_typed() {
        let mut command = Arguments::command().disable_help_subcommand(true);
        command.build();
        assert!(check(&command) > 10);
    }
}
