//! Every format reads back as what was written, whatever the batches; nothing is there before it is
//! whole.

use std::fs;
use std::path::Path;

use dataset::{ConcatSplits, Dataset, OpenOptions};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{ListAccessor, RowAccessor};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

use crate::{Error, Format, Table, Writer};

const FEATURES: usize = 3;

/// Three unlabeled images without names, two training images with names that need quotes.
fn set(dir: &Path) -> Dataset {
    let put = |name: &str, bytes: &[u8]| fs::write(dir.join(name), bytes).unwrap();
    put("shape.json", br#"{"width":1,"height":1,"channels":3,"classes":2}"#);
    put("unlabeled_X.bin", &[7; 9]);
    put("train_X.bin", &[8; 6]);
    put("train_y.bin", &[2, 1]);
    put("class_names.txt", b"cat, big\ndog\n");
    put("train_names.txt", "a \"b\",c.png\né.png\n".as_bytes());
    dataset::open(dir, &OpenOptions::default()).unwrap()
}

/// Features that only all digits tell apart, and the extremes.
fn features() -> Vec<f32> {
    let mut numbers: Vec<f32> =
        (0..5 * FEATURES).map(|i| f32::from_bits(0x3dcc_cccd + i as u32)).collect();
    numbers[..6].copy_from_slice(&[0.0, -0.0, f32::MIN_POSITIVE, f32::MAX, -1e-45, 16_777_216.0]);
    numbers
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

/// Writes the file `name`, `batch` rows at a time, and looks at what is there before and after.
fn written(name: &str, batch: usize, check: impl Fn(&Path, &Table<'_>)) {
    let (data, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let set = set(data.path());
    let images = ConcatSplits::new(&set, &[]).unwrap();
    let table = Table {
        images: &images,
        features: FEATURES,
        patches: None,
        clusters: None,
        about: vec![("method", "simclr".to_owned())],
    };
    let path = out.path().join(name);
    let names = || -> Vec<String> {
        let entries = fs::read_dir(out.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| !name.starts_with(".partial-")).collect();
        names.sort();
        names
    };
    let mut writer = Writer::create(&path, &table).unwrap();
    for rows in features().chunks(batch * FEATURES) {
        writer.write(rows).unwrap();
    }
    assert_eq!((writer.rows(), names().len()), (5, 0), "nothing is there yet");
    writer.finish().unwrap();
    let mut expected: Vec<String> = Format::of(&path)
        .unwrap()
        .files(&path)
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    expected.sort();
    assert_eq!(names(), expected);
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), expected.len());
    check(&path, &table);
}

const KNOWN: [&str; 6] = [
    "split,index,name,label,class",
    "unlabeled,0,,,",
    "unlabeled,1,,,",
    "unlabeled,2,,,",
    "train,0,\"a \"\"b\"\",c.png\",1,dog",
    "train,1,é.png,0,\"cat, big\"",
];

#[test]
fn csv_has_every_digit() {
    for batch in [1, 2, 5] {
        written("x.csv", batch, |path, _| {
            let text = fs::read_to_string(path).unwrap();
            let mut lines = text.lines();
            assert_eq!(lines.next().unwrap(), format!("{},f0,f1,f2", KNOWN[0]));
            let mut numbers = Vec::new();
            for (line, known) in lines.zip(&KNOWN[1..]) {
                let rest = line.strip_prefix(known).unwrap_or_else(|| panic!("{line}"));
                let fields = rest.split(',').skip(1);
                numbers.extend(fields.map(|field| field.parse::<f32>().unwrap()));
            }
            assert_eq!(bits(&numbers), bits(&features()));
        });
    }
}

#[test]
fn npy_is_the_array_with_a_table_beside_it() {
    for batch in [1, 2, 5] {
        written("x.npy", batch, |path, _| {
            let bytes = fs::read(path).unwrap();
            let length = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
            let head = String::from_utf8_lossy(&bytes[10..length]);
            let says = "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 3), }";
            assert_eq!(head.trim_end(), says);
            let numbers = bytes[length..].as_chunks::<4>().0.iter();
            let numbers: Vec<f32> = numbers.map(|bytes| f32::from_le_bytes(*bytes)).collect();
            assert_eq!(bits(&numbers), bits(&features()));
            let table = fs::read_to_string(path.with_extension("npy.csv")).unwrap();
            assert_eq!(table.lines().collect::<Vec<_>>(), KNOWN);
        });
    }
}

#[test]
fn safetensors_have_three_tensors_and_the_names() {
    for batch in [1, 2, 5] {
        written("x.safetensors", batch, |path, _| {
            let bytes = fs::read(path).unwrap();
            let file = SafeTensors::deserialize(&bytes).unwrap();
            let tensor = |name: &str, kind: Dtype, shape: &[usize]| {
                let tensor = file.tensor(name).unwrap();
                assert_eq!((tensor.dtype(), tensor.shape()), (kind, shape));
                tensor.data().to_vec()
            };
            let numbers = tensor("features", Dtype::F32, &[5, 3]);
            let expected: Vec<u8> = features().iter().flat_map(|x| x.to_le_bytes()).collect();
            assert_eq!(numbers, expected);
            let labels = tensor("labels", Dtype::I64, &[5]);
            let expected = [-1i64, -1, -1, 1, 0].map(i64::to_le_bytes).concat();
            assert_eq!(labels, expected);
            assert_eq!(tensor("split", Dtype::U8, &[5]), [0, 0, 0, 1, 1]);
            let (length, head) = SafeTensors::read_metadata(&bytes).unwrap();
            assert!(length.is_multiple_of(8), "tensors are aligned");
            let metadata = head.metadata().as_ref().unwrap();
            assert_eq!(metadata["method"], "simclr");
            assert_eq!(metadata["split_names"], r#"["unlabeled","train"]"#);
            assert_eq!(metadata["class_names"], r#"["cat, big","dog"]"#);
        });
    }
}

#[test]
fn parquet_has_a_column_of_lists() {
    for batch in [1, 2, 5] {
        written("x.parquet", batch, |path, table| {
            let file = fs::File::open(path).unwrap();
            let reader = SerializedFileReader::new(file).unwrap();
            let metadata = reader.metadata().file_metadata();
            assert_eq!(metadata.num_rows(), 5);
            let said = metadata.key_value_metadata().unwrap();
            let said = said.iter().map(|said| (said.key.as_str(), said.value.as_deref()));
            assert!(said.clone().any(|said| said == ("method", Some("simclr"))));
            assert!(said.clone().any(|(name, _)| name == "class_names"));
            let mut numbers = Vec::new();
            for (number, row) in reader.get_row_iter(None).unwrap().enumerate() {
                let (row, record) = (row.unwrap(), table.images.record(number));
                assert_eq!(row.get_string(0).unwrap(), record.split);
                assert_eq!(row.get_long(1).unwrap(), record.index as i64);
                let text = |column| row.get_string(column).ok().map(String::as_str);
                assert_eq!(text(2), record.name.as_deref());
                assert_eq!(row.get_int(3).ok(), record.label.map(i32::from));
                assert_eq!(text(4), record.class);
                let list = row.get_list(5).unwrap();
                assert_eq!(list.len(), FEATURES);
                numbers.extend((0..FEATURES).map(|place| list.get_float(place).unwrap()));
            }
            assert_eq!(bits(&numbers), bits(&features()));
        });
    }
}

#[test]
fn the_name_says_the_format() {
    let of = |name: &str| Format::of(Path::new(name));
    assert_eq!(of("a/b.NPY").unwrap(), Format::Npy);
    assert_eq!(of("b.tar.csv").unwrap(), Format::Csv);
    for name in ["features.txt", "features", ".csv", "csv"] {
        let error = of(name).unwrap_err().to_string();
        let says = "expected a name that ends in .npy, .parquet, .csv or .safetensors";
        assert_eq!(error, format!("{name}: {says}"));
    }
}

#[test]
fn nothing_stays_of_a_file_that_is_not_finished() {
    for name in ["x.npy", "x.csv", "x.safetensors", "x.parquet"] {
        let (data, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let set = set(data.path());
        let images = ConcatSplits::new(&set, &["train"]).unwrap();
        let table = Table {
            images: &images,
            features: FEATURES,
            patches: None,
            clusters: None,
            about: vec![],
        };
        let path = out.path().join(name);
        fs::write(&path, "what was there").unwrap();
        let mut writer = Writer::create(&path, &table).unwrap();
        writer.write(&[0.0; FEATURES]).unwrap();
        drop(writer);
        assert_eq!(fs::read(&path).unwrap(), b"what was there");
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1);
        let missing = Writer::create(&out.path().join("no").join(name), &table);
        let error = missing.err().unwrap();
        assert!(matches!(error, Error::File(_)), "{error}");
    }
}

#[test]
#[should_panic(expected = "rows written of a table")]
fn a_file_without_all_its_rows_is_not_whole() {
    let (data, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let set = set(data.path());
    let images = ConcatSplits::new(&set, &[]).unwrap();
    let table =
        Table { images: &images, features: FEATURES, patches: None, clusters: None, about: vec![] };
    let path = out.path().join("x.csv");
    let mut writer = Writer::create(&path, &table).unwrap();
    writer.write(&[0.0; FEATURES]).unwrap();
    let _ = writer.finish();
}
