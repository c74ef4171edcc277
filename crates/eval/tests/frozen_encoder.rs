//! The encoder of a run, frozen and exported.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use dataset::{Dataset, SyntheticSpec};
use eval::{CheckpointChoice, ExportError, FrozenEncoder, Pixels};
use loader::ViewBlock;
use models::DeviceChoice;
use tch::{CModule, Kind, Tensor};
use trainer::{Config, EpochProgress, EpochRecord, Observer, Outcome, Provenance, Trainer};

/// Side of the images in pixels.
const SIDE: usize = 32;

/// Says nothing.
struct Silent;

impl Observer for Silent {
    fn progress(&mut self, _: &EpochProgress) {}
    fn epoch(&mut self, _: &EpochRecord) {}
    fn collapse_warning(&mut self, _: u32, _: &str) {}
}

fn set() -> Dataset {
    let spec = SyntheticSpec { unlabeled: 18, train: 6, test: 6, size: SIDE, seed: 0 };
    dataset::synthetic(&spec).unwrap()
}

/// A small run of `method` with `encoder`.
fn run(method: &str, encoder: &str) -> Trainer {
    let path = format!("../../configs/gpu/{method}.json");
    let mut config = Config::read(path.as_ref()).unwrap();
    for setting in [
        &format!("image_size={SIDE}"),
        &format!("encoder={encoder}"),
        "train.epochs=1",
        "train.batch_size=8",
        "train.device=cpu",
        "train.precision=f32",
        "health.on_collapse=warn",
    ] {
        config = config.with(setting).unwrap();
    }
    let origin =
        Provenance { version: "0".to_owned(), revision: "0".to_owned(), data: Default::default() };
    Trainer::prepare(config, set(), origin).unwrap()
}

/// The untrained encoder of a run that has only its record.
fn untrained(folder: &Path) -> FrozenEncoder {
    let folder = folder.join("run");
    let encoder = r#"{"conv": {"width": 8, "layers": 4, "pool": "flatten"}}"#;
    drop(run("simclr", encoder).create(&folder).unwrap());
    FrozenEncoder::open(&folder, CheckpointChoice::Untrained, DeviceChoice::Cpu).unwrap()
}

#[test]
fn an_image_is_encoded_on_its_own_whatever_is_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let encoder = r#"{"resnet": {"depth": 18, "stem": "imagenet", "norm": "batch"}}"#;
    let mut trainer = run("byol", encoder);
    let created = trainer.create(&path).unwrap();
    let outcome = trainer.train(created, &mut Silent, &AtomicBool::new(false));
    assert_eq!(outcome.unwrap(), Outcome::Finished);
    let frozen = FrozenEncoder::open(&path, CheckpointChoice::Newest, DeviceChoice::Cpu).unwrap();
    assert_eq!(frozen.trained.epoch, 1);
    let encode = |batch| -> Vec<Tensor> {
        let test = set().test.unwrap();
        let blocks = loader::sequential(&test, SIDE, batch);
        blocks.map(|block| frozen.encode(&block.unwrap())).collect()
    };
    let (together, alone) = (encode(6), encode(1));
    let off = golden::difference(&together[0], &Tensor::cat(&alone, 0));
    assert!(off < 1e-4 * golden::largest(&together[0]), "{off}");
}

#[test]
fn a_traced_encoder_gives_the_features_that_evaluation_sees() {
    let folder = tempfile::tempdir().unwrap();
    let frozen = untrained(folder.path());
    // More images than go through the encoder at a time.
    let bytes: Vec<u8> = (0..70 * 3 * 32 * 32u64).map(|i| (i * i % 241) as u8).collect();
    let shape = [70, 3, 32, 32];
    let images = Tensor::from_data_size(&bytes, &shape, Kind::Uint8);
    let bytes = bytes[..].into();
    let expected = frozen.encode(&ViewBlock { bytes, views: 1, images: 70, height: 32, width: 32 });
    let path = folder.path().join("encoder.pt");
    for (pixels, input) in [
        (Pixels::Bytes, images.shallow_clone()),
        (Pixels::Floats, images.to_kind(Kind::Float) / 255.0),
    ] {
        frozen.save_traced(pixels, &path).unwrap();
        let found = CModule::load(&path).unwrap().forward_ts(&[input]).unwrap();
        let off = (&found - &expected).abs().max().double_value(&[]);
        assert!(expected.abs().max().double_value(&[]) > 1e-2);
        assert!(off < 1e-5, "{pixels:?}: off by {off}");
    }
}

#[test]
fn what_can_not_be_written_is_said_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let frozen = untrained(folder.path());
    let path = folder.path().join("absent/encoder.pt");
    let error = frozen.save_traced(Pixels::Bytes, &path).unwrap_err();
    assert!(matches!(error, ExportError::Io(_)), "{error}");
}
