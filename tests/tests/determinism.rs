//! The seed decides everything; the number of workers decides nothing.

use end_to_end::{Place, assert_same_tensors};

fn pretrain(place: &Place, method: &str, run: &str, more: &[&str]) {
    let config = format!("{method}.json");
    let start = end_to_end::pretrain(&config, run);
    place.run(&[&start[..], more].concat()).done();
}

#[test]
fn a_seed_gives_the_same_run_whatever_the_workers() {
    for method in ["simclr", "dino"] {
        let place = Place::furnished();
        pretrain(&place, method, "one", &["--seed", "3", "--workers", "1"]);
        for (run, workers) in [("again", "1"), ("two", "2")] {
            pretrain(&place, method, run, &["--seed", "3", "--workers", workers]);
            assert_eq!(
                place.timeless_metrics(run),
                place.timeless_metrics("one"),
                "{method} {run}"
            );
            assert_same_tensors(&place.newest(run), &place.newest("one"));
        }
    }
}

#[test]
fn another_seed_gives_another_run() {
    let place = Place::furnished();
    pretrain(&place, "simclr", "three", &["--seed", "3"]);
    pretrain(&place, "simclr", "four", &["--seed", "4"]);
    let (three, four) = (place.losses("three"), place.losses("four"));
    assert_eq!(three.len(), four.len());
    assert!(three.iter().zip(&four).all(|(three, four)| three != four));
}

#[test]
fn how_often_is_logged_changes_no_number() {
    let place = Place::furnished();
    pretrain(&place, "simclr", "often", &["--set", "train.log_every=1"]);
    pretrain(&place, "simclr", "rarely", &["--set", "train.log_every=100"]);
    assert_eq!(place.timeless_metrics("often"), place.timeless_metrics("rarely"));
}

#[test]
fn the_exported_encoder_is_the_same_file_each_time() {
    let place = Place::furnished();
    let export = |run| {
        pretrain(&place, "simclr", run, &["--max-steps", "1"]);
        place.read(&format!("{run}/encoder.safetensors"))
    };
    let first = export("first");
    for run in ["second", "third", "fourth", "fifth"] {
        assert!(export(run) == first, "{run}: encoder.safetensors differs");
    }
}
