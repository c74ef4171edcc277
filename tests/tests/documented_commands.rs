//! The `twinview` commands of README and docs, as they stand there, on small sets: `pretrain` only
//! checks its arguments (`--dry-run`), and what would take minutes is cut short. Of the results
//! pages, the commands that make sets and train.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use end_to_end::{Finished, Place, binary, picture, pretrain, small};

/// Pages whose commands another test runs, or that tell how tests are run.
const LEFT_OUT: [&str; 2] = ["photos.md", "reliability.md"];
/// The page that tells how published numbers were made, by runs of many epochs.
const RESULTS: &str = "results.md";

/// Stands in front of the program: what is long is made short.
const SHORT: &str = r#"#!/bin/sh
for word; do
    case "$word" in
        pretrain)
            case "$*" in *--dry-run*) ;; *) set -- "$@" --dry-run ;; esac
            break ;;
        compare)
            rm -rf comparison
            case "$*" in *--methods*) ;; *) set -- "$@" --methods simclr ;; esac
            set -- "$@" --set train.max_steps=1 --set image_size=64
            set -- "$@" --set 'encoder={"conv": {"width": 8, "layers": 4, "pool": "mean"}}'
            break ;;
        sgd*|finetune) set -- "$@" --epochs 1; break ;;
    esac
done
exec "$TWINVIEW" "$@"
"#;

fn put_folder(place: &Place, name: &str, train: usize, test: usize) {
    for number in 0..2 * (train + test) {
        let class = ["cat", "dog"][number % 2];
        let split = if number < 2 * train { "train" } else { "test" };
        let path = format!("{name}/{split}/{class}/{number:03}.png");
        place.put(&path, picture(number % 2, number));
    }
}

/// A place that has the files and runs that the pages speak of.
fn furnished() -> Place {
    let place = Place::new();
    put_folder(&place, "photos", 100, 10);
    for number in 0..205 {
        place.put(&format!("photos/unlabeled/{number}.png"), picture(number % 2, 230 + number));
    }
    for name in ["labeled", "pets", "other", "imagenette2-160"] {
        put_folder(&place, name, 6, 6);
    }
    for (archive, folder) in [
        ("photos.tar", "photos"),
        ("shards/photos.tar", "photos"),
        ("train.tar", "labeled/train"),
        ("test.tar", "labeled/test"),
    ] {
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_dir_all("", place.path(folder)).unwrap();
        place.put(archive, builder.into_inner().unwrap());
    }
    let jpeg = image::load_from_memory(&picture(0, 3)).unwrap();
    jpeg.save(place.path("cat.jpg")).unwrap();
    let labels = |split: &str, number: usize| {
        let class = ["cat", "dog"][number % 2];
        format!("{split}/{class}/{number:03}.png,{class},{split}\n")
    };
    let train = (0..200).map(|number| labels("train", number));
    let test = (200..220).map(|number| labels("test", number));
    let table: String = train.chain(test).collect();
    place.put("labels.csv", format!("path,label,split\n{table}"));
    for batch in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"] {
        place.put(&format!("data/cifar-10-batches-bin/{batch}.bin"), cifar10());
    }
    place.put("data/cifar-10-batches-bin/test_batch.bin", cifar10());
    for (method, name) in [
        ("simclr", "simclr"),
        ("dino", "dino"),
        ("dino", "a"),
        ("simclr", "large"),
        ("simclr", "teacher"),
    ] {
        place.put_config(method, |config| {
            config["train"]["epochs"] = 5.into();
            config["train"]["batch_size"] = 105.into();
            config["checkpoint"]["keep_last"] = 9.into();
            if name == "teacher" {
                config["image_size"] = 64.into();
            }
            // For images of any size.
            config["encoder"]["conv"]["pool"] = "mean".into();
        });
        let (config, run) = (format!("{method}.json"), format!("runs/{name}"));
        let mut words = pretrain(&config, &run);
        words[5] = "photos";
        place.run(&words).done();
    }
    // Weights of a vision transformer.
    let run = ["pretrain", "dinov2", "--data", "photos", "--run", "vit", "--max-steps", "1"];
    let cpu = ["--preset", "cpu", "--device", "cpu", "--batch-size", "16"];
    place.run(&[&run[..], &cpu, &small("dinov2")].concat()).done();
    place.put("dinov2_vits14.safetensors", place.read("vit/encoder.safetensors"));
    place.put("bin/twinview", SHORT);
    place
}

/// A batch of one image of each class.
fn cifar10() -> Vec<u8> {
    (0..10u8).flat_map(|class| [vec![class], vec![20 * class; 3 * 32 * 32]].concat()).collect()
}

/// README and the pages of the documentation.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let entries = fs::read_dir(root.join("docs")).unwrap();
    let mut pages: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|ending| ending == "md"));
    pages.retain(|page| !LEFT_OUT.iter().any(|name| page.ends_with(name)));
    pages.push(root.join("README.md"));
    pages.sort();
    pages
}

/// The shell blocks of a page, without the lines that aren't about the program.
fn blocks(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let trains = |line: &str| {
        let verbs = ["pretrain", "compare", "export", "data"];
        verbs.iter().any(|verb| line.starts_with(&format!("twinview {verb} ")))
    };
    let all = !page.ends_with(RESULTS);
    let blocks = text.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    let lines = |block: &str| {
        let joined = block.replace("\\\n", " ").replace("--seeds 3", "--seeds 1");
        let joined = joined.replace("--unlabeled 100000 ", "--unlabeled 100 ");
        let joined = joined.replace("--train 5000 --test 1000", "--train 300 --test 20");
        let ours = joined.lines().map(str::trim).filter(|line| {
            let assigns = line.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
            });
            match all {
                true => line.starts_with("twinview ") || line.starts_with("mkdir ") || assigns,
                false => trains(line) || assigns,
            }
        });
        // What reads the output may not be installed.
        let ours = ours.map(|line| line.split(" | jq").next().unwrap().to_owned());
        ours.collect::<Vec<_>>().join("\n")
    };
    blocks.map(lines).filter(|lines| lines.contains("twinview ")).collect()
}

#[test]
fn every_command_in_the_documentation_works() {
    let place = furnished();
    let mut commands = 0;
    for page in pages() {
        if page.ends_with(RESULTS) {
            // Not the set of a few images that another page makes: one that has batches of 256.
            fs::remove_dir_all(place.path("imagenette96")).unwrap();
            symlink("photos", place.path("imagenette96")).unwrap();
        }
        for block in blocks(&page) {
            commands += block.matches("twinview ").count();
            let script =
                format!("set -ex\nchmod +x bin/twinview\nPATH=\"$PWD/bin:$PATH\"\n{block}");
            let mut shell = place.program("sh");
            shell.args(["-c", &script]).env("TWINVIEW", binary()).env("HOME", place.path(""));
            let output = shell.output().expect("a shell starts");
            Finished::new(format!("{}:\n{block}", page.display()), output).done();
        }
    }
    assert!(commands > 60, "{commands}");
}
