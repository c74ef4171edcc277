//! Names of classes, and their order, in every format that has them.

use std::fs;
use std::process::Command;

use end_to_end::{Place, tensors};
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::{Value, json};

/// Names that programs take for something else: missing values, numbers, formulas, other columns.
const NAMES: [&str; 8] = [" blank ", "007", "1e5", "NA", "None", "a, \"b\"", "nan", "null"];

/// A run on a folder of these classes, two images of each, numbered by class in their names.
fn run() -> Place {
    let place = Place::new();
    place.put_config("simclr", |config| config["train"]["batch_size"] = json!(8));
    for (class, name) in NAMES.iter().enumerate() {
        for number in 0..2 {
            let shade = [(20 * class) as u8, (90 * number) as u8, 200];
            let picture = image::RgbImage::from_pixel(32, 32, image::Rgb(shade));
            let mut bytes = std::io::Cursor::new(Vec::new());
            picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
            place.put(&format!("data/train/{name}/{class}-{number}.png"), bytes.into_inner());
        }
    }
    let epochs = ["--data", "data", "--run", "run", "--epochs", "1"];
    place.run(&[&["pretrain", "simclr", "--config", "simclr.json"][..], &epochs].concat()).done();
    place
}

#[test]
fn they_are_the_same_in_every_format() {
    let place = run();
    let record = place.read_json("run/config.json");
    assert_eq!(record["data"]["class_names"], json!(NAMES));
    place.run(&["data", "pack", "data", "--image-size", "32", "--out", "packed"]).done();
    let info = place.run(&["data", "info", "packed", "--json"]).done().json();
    assert_eq!(info["class_names"], json!(NAMES));
    // A packed set of another order of bytes has the same fingerprint, so it is the same set.
    assert_eq!(info["fingerprint"], record["data"]["fingerprint"]);
    for data in ["data", "packed"] {
        for name in ["f.csv", "f.npy", "f.parquet", "f.safetensors"] {
            place.run(&["embed", "run", "--data", data, "--out", name]).done();
        }
        for table in ["f.csv", "f.npy.csv"] {
            let text = String::from_utf8(place.read(table)).unwrap();
            for (label, name) in NAMES.iter().enumerate() {
                let quoted = match name.contains(',') {
                    true => format!("\"{}\"", name.replace('"', "\"\"")),
                    false => (*name).to_owned(),
                };
                let count = text.lines().filter(|line| {
                    line.contains(&format!("/{label}-"))
                        && line.contains(&format!(",{label},{quoted}"))
                });
                assert_eq!(count.count(), 2, "{name}: {text}");
            }
        }
        let file = fs::File::open(place.path("f.parquet")).unwrap();
        let file = SerializedFileReader::new(file).unwrap();
        let pairs = file.metadata().file_metadata().key_value_metadata().unwrap();
        let names = pairs.iter().find(|pair| pair.key == "class_names").unwrap();
        let names: Value = serde_json::from_str(names.value.as_ref().unwrap()).unwrap();
        assert_eq!(names, json!(NAMES));
        let labels = tensors(&place.path("f.safetensors"));
        let labels = &labels.iter().find(|tensor| tensor.0 == "labels").unwrap().3;
        let labels = labels.as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes));
        assert!(labels.eq((0..8).flat_map(|label| [label; 2])));
    }
}

/// The recipe of docs/use.md.
#[test]
#[ignore = "needs python3 with pandas, pyarrow and safetensors; TWINVIEW_PYTHON names it"]
fn pandas_reads_them_by_the_recipe() {
    let place = run();
    for name in ["features.csv", "features.npy", "features.parquet", "features.safetensors"] {
        place.run(&["embed", "run", "--out", name]).done();
    }
    let page = include_str!("../../docs/use.md");
    let recipe = page.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let check = "table = pandas.read_csv('features.csv', **as_text)\n\
                 also = pandas.read_csv('features.npy.csv', **as_text)\n\
                 assert len(table) == 16 and list(table['class']) == list(also['class'])\n\
                 print(*[repr(name) for name in table['class'][::2]], sep='\\n')\n";
    let python = std::env::var("TWINVIEW_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = format!("{recipe}\n{check}");
    let mut command = Command::new(python);
    let output = command.arg("-c").arg(script).current_dir(place.path("")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let quoted = |name: &&str| format!("'{name}'\n");
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        NAMES.iter().map(quoted).collect::<String>()
    );
}
