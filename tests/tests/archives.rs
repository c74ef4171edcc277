//! Archives of images in place of folders: every command reads them where they lie.

use std::io::Write;
use std::sync::Arc;

use end_to_end::{Place, png};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::json;

/// A member: its name and content.
type Member = (String, Vec<u8>);

/// Twelve red and twelve blue images, two of each for testing, as split folders.
fn members() -> Vec<Member> {
    let mut members = Vec::new();
    for (name, color) in [("red", [220, 30, 20]), ("blue", [20, 30, 220])] {
        for number in 0..12 {
            let split = if number < 10 { "train" } else { "test" };
            members.push((format!("{split}/{name}/{number:02}.png"), png(color, number)));
        }
    }
    members
}

fn tar(members: &[Member]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, content.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn zip(members: &[Member]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The members of a split as WebDataset samples: an image and a label each.
fn samples(split: &str) -> Vec<Member> {
    let of_split = |(name, content): Member| {
        let name = name.strip_prefix(split)?.strip_prefix('/')?;
        let (class, number) = name.trim_end_matches(".png").split_once('/')?;
        let key = format!("{class}{number}");
        Some([(format!("{key}.png"), content), (format!("{key}.cls"), class.into())])
    };
    members().into_iter().filter_map(of_split).flatten().collect()
}

/// A place with the tiny configuration.
fn place() -> Place {
    let place = Place::new();
    place.put_config("simclr", |config| config["train"]["batch_size"] = json!(8));
    place
}

/// Describes, trains on, evaluates on and searches `data`; `image` is the name of one of its
/// images, and the first of the training split.
fn use_everywhere(place: &Place, data: &str, image: &str, query: &str) {
    let info = place.run(&["data", "info", data, "--image-size", "32", "--json"]).done().json();
    let counts: Vec<_> =
        info["splits"].as_array().unwrap().iter().map(|of| &of["images"]).collect();
    assert_eq!(counts, [20, 20, 4], "{info:#}");
    assert_eq!(info["files"]["formats"], json!({"PNG": 24}));
    let run = ["pretrain", "simclr", "--config", "simclr.json", "--data", data, "--run", "run"];
    place.run(&run).done();
    assert_eq!(place.read_json("run/config.json")["data"]["class_names"], json!(["blue", "red"]));
    let result = place.run(&["evaluate", "run", "--protocol", "knn", "--json"]).done().json();
    assert_eq!(result["data"]["images"], json!({"train": 20, "test": 4}));
    assert_eq!(result["protocols"]["knn"]["accuracy"], 1.0);
    let search = ["neighbors", "run", "--query", query, "--out", "near.png", "--json"];
    let found = place.run(&search).done().json();
    assert_eq!(found["nearest"][0]["name"], image, "{found:#}");
    assert!(found["nearest"][0]["cosine"].as_f64().unwrap() > 0.9999);
    let duplicates =
        ["neighbors", "run", "--duplicates", "--threshold", "0.5", "--out", "same.png"];
    place.run(&duplicates).done();
    place.run(&["report", "run", "--out", "report.html"]).done();
    let again = [&run[..], &["--resume", "--epochs", "3"]].concat();
    assert!(place.run(&again).done().stderr.contains("resuming after step"));
}

#[test]
fn a_tar_archive_of_class_folders() {
    let place = place();
    place.put("photos.tar", tar(&members()));
    let image = "photos.tar/train/blue/05.png";
    use_everywhere(&place, "photos.tar", image, image);
}

#[test]
fn a_zip_archive_of_class_folders() {
    let place = place();
    place.put("photos.zip", zip(&members()));
    let image = "photos.zip/train/blue/05.png";
    use_everywhere(&place, "photos.zip", image, image);
}

/// The images of a split as a Parquet file with the names of the classes.
fn parquet(split: &str) -> Vec<u8> {
    let of_split = |(name, content): Member| {
        let name = name.strip_prefix(split)?.strip_prefix('/')?;
        Some((content, i64::from(name.starts_with("red"))))
    };
    let (images, labels): (Vec<_>, Vec<_>) = members().into_iter().filter_map(of_split).unzip();
    let schema = "message schema {
        required group image { required binary bytes; }
        required int64 label;
    }";
    let names = r#"{"info": {"features": {"label": {"names": ["blue", "red"]}}}}"#;
    let names = KeyValue::new("huggingface".to_owned(), names.to_owned());
    let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![names])).build();
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties.into()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let images: Vec<ByteArray> = images.into_iter().map(ByteArray::from).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&images, None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&labels, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn a_folder_of_parquet_files() {
    let place = place();
    place.put("photos/data/train-00000-of-00001.parquet", parquet("train"));
    place.put("photos/data/test-00000-of-00001.parquet", parquet("test"));
    let image = "data/train-00000-of-00001.parquet/000015";
    use_everywhere(&place, "photos", image, &format!("photos/{image}"));
}

#[test]
fn a_folder_of_webdataset_shards() {
    let place = place();
    let train = samples("train");
    place.put("shards/train-000.tar", tar(&train[..20]));
    place.put("shards/train-001.tar", tar(&train[20..]));
    place.put("shards/test-000.tar", tar(&samples("test")));
    let image = "train-001.tar/blue05.png";
    use_everywhere(&place, "shards", image, &format!("shards/{image}"));
}

#[test]
fn labels_of_an_archive_from_a_file() {
    let place = place();
    place.put("photos.tar", tar(&members()));
    let rows = "photos.tar/train/red/00.png,warm\ntrain/blue/00.png,cold\n";
    place.put("labels.csv", format!("path,label\n{rows}"));
    let info = ["data", "info", "photos.tar", "--labels", "labels.csv", "--json"];
    let info = place.run(&info).done().json();
    assert_eq!(info["class_names"], json!(["cold", "warm"]));
    place.put("labels.csv", "path,label\nphotos.tar/gone.png,warm\n");
    let info = ["data", "info", "photos.tar", "--labels", "labels.csv"];
    place.refuses(&info, &["labels.csv: expected images of photos.tar, found photos.tar/gone.png"]);
}

#[test]
fn archives_that_can_not_be_used_are_refused_in_one_line() {
    let place = place();
    let whole = tar(&members());
    let cut = whole[..whole.len() / 2].to_vec();
    for (name, bytes, says) in [
        ("empty.tar", Vec::new(), "empty.tar: expected a whole tar archive, found an empty file"),
        ("cut.tar", cut, "cut.tar: expected a whole tar archive, found one of"),
        ("zipped.tar", b"\x1f\x8b\x08\0".repeat(200), "found a gzip-compressed file"),
        ("cut.zip", zip(&members())[..2000].to_vec(), "found one without its end"),
        ("text.parquet", b"text".to_vec(), "text.parquet: expected a whole Parquet file"),
        ("text.tar", tar(&[("notes.txt".into(), vec![1; 9])]), "found notes.txt"),
    ] {
        place.put(name, bytes);
        let run = ["pretrain", "simclr", "--config", "simclr.json", "--data", name];
        place.refuses(&run, &[says]);
    }
}
