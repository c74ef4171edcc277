//! The accuracy of the weights that a run begins with: how far it is, and that it can be ended.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use crate::tests::batch_statistics::{Silent, config, small_trainer};
use crate::*;

#[test]
fn measuring_initial_weights_tells_how_far_it_is_and_ends_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("first");
    let mut config = config("simclr", "batch", None);
    config.train.max_steps = Some(1);
    let mut trainer = small_trainer(config.clone());
    let proceed = |_, _| ControlFlow::Continue(());
    trainer.measure_initial(&mut { proceed }).unwrap();
    assert_eq!(trainer.record().initial_knn, None, "only weights of a file are measured");
    let run = trainer.create(&first).unwrap();
    trainer.train(run, &mut Silent, &AtomicBool::new(false)).unwrap();

    let mut trainer = small_trainer(config);
    trainer.begin_from(&first).unwrap();
    let ended = trainer.measure_initial(&mut |_, _| ControlFlow::Break(()));
    assert!(matches!(ended, Err(Error::Interrupted)), "{ended:?}");
    assert_eq!(trainer.record().initial_knn, None);
    let mut seen = Vec::new();
    let watched = trainer.measure_initial(&mut |done, total| {
        seen.push((done, total));
        ControlFlow::Continue(())
    });
    watched.unwrap();
    let images = trainer.record().initial_knn.unwrap().images as usize;
    assert_eq!(seen, [(images, images)]);
}
