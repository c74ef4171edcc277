//! Batches of runs, by which the Python package is tested too.

use dataset::{Dataset, PixelOrder, Split};
use loader::{Batch, Loader, Position};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tch::Device;

use super::tiny_config;
use crate::session::setup::plan;
use crate::{Config, ViewGroup, ViewSize};

/// Digests of batches that the tests of the Python package make again.
const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../python/tests/fixtures/batches.json");

/// Byte `i` of the images is `7 i mod 251`, the class of image `i` is `i mod 3`.
fn split(count: usize, labels: bool, [height, width]: [usize; 2], order: PixelOrder) -> Split {
    let bytes = (0..count * 3 * height * width).map(|i| (i * 7 % 251) as u8).collect();
    let labels = labels.then(|| (0..count).map(|image| image as u16 % 3).collect());
    Split::in_memory(bytes, labels, width, height, order)
}

fn dataset(unlabeled: Split, train: Option<Split>) -> Dataset {
    let (class_names, folds) = (Vec::new(), Vec::new());
    Dataset { kind: "test", unlabeled, train, test: None, class_names, folds }
}

/// Two global views of 32 pixels and two local ones of 16.
fn config() -> Config {
    let mut config = tiny_config("simclr");
    let group = &config.augment.views[0];
    let local = ViewGroup { count: 2, size: ViewSize::Fraction(0.5), ..group.clone() };
    config.augment.views.push(local);
    config.seed = 3;
    config.train.batch_size = 8;
    config
}

/// Of views, labels (-1 for an image without one) and indices.
fn digest(batch: &Batch) -> String {
    let mut hash = Sha256::new();
    batch.blocks.iter().for_each(|block| hash.update(&block.bytes[..]));
    let unlabeled = batch.indices.len() - batch.labels.len();
    let labels = std::iter::repeat_n(-1, unlabeled).chain(batch.labels.iter().copied());
    for number in labels.chain(batch.indices.iter().copied()) {
        hash.update(number.to_le_bytes());
    }
    files::hex(&hash.finalize())
}

#[test]
fn batches_are_those_of_the_fixture_of_the_python_package() {
    let config = config();
    let labeled = split(20, true, [12, 10], PixelOrder::RowMajor);
    let sets = [
        ("unlabeled", dataset(labeled.without_labels(), None)),
        ("labeled", dataset(labeled.without_labels(), Some(labeled))),
        (
            "stl10",
            dataset(
                split(20, false, [96, 96], PixelOrder::ColumnMajor),
                Some(split(10, true, [96, 96], PixelOrder::ColumnMajor)),
            ),
        ),
    ];
    let mut digests = serde_json::Map::new();
    for (name, set) in sets {
        let plan = plan(&config, &set, Device::Cpu);
        let steps = 2 * plan.steps_per_epoch();
        let mut loader = Loader::start(plan, Position { epoch: 0, step: 0 }).unwrap();
        let of_step = |_| Value::from(digest(&loader.next().unwrap()));
        digests.insert(name.to_owned(), (0..steps).map(of_step).collect());
    }
    let made = json!({"config": config.document(), "digests": digests});
    let text = std::fs::read_to_string(FIXTURE).unwrap();
    let fixture: Value = serde_json::from_str(&text).unwrap();
    assert!(made == fixture, "{FIXTURE}: expected\n{made:#}");
}

/// What the bytes half reads of a configuration is what a run reads.
#[test]
fn views_of_a_configuration_are_read_without_the_rest_of_it() {
    for config in [config(), tiny_config("dino")] {
        let file = augment::ViewsFile::parse(&config.document().to_string(), "a.json").unwrap();
        assert_eq!(file.recipes("a.json").unwrap(), config.view_recipes());
    }
}
