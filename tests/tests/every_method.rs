//! Every method of `twinview methods`, by its built-in settings, through the binary.

use end_to_end::{Place, pretrain, small};
use serde_json::json;

fn train(place: &Place, method: &str, epochs: &str, more: &[&str]) {
    let start = [
        "pretrain",
        method,
        "--data",
        "data",
        "--run",
        method,
        "--batch-size",
        "32",
        "--epochs",
        epochs,
    ];
    place.run(&[&start[..], more].concat()).done();
}

#[test]
fn every_method_trains_resumes_and_is_evaluated() {
    let place = Place::furnished();
    place.put_teacher();
    let listed = place.run(&["methods", "--json"]).done().json();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 16);
    for entry in listed {
        let method = entry["name"].as_str().unwrap();
        let changed = [small(method), vec!["--device", "cpu"]].concat();
        train(&place, method, "1", &changed);
        train(&place, method, "2", &["--resume"]);
        let summary = place.read_json(&format!("{method}/summary.json"));
        // A tenth of the labeled images is held out, at least one of each class.
        let record = place.read_json(&format!("{method}/config.json"));
        assert_eq!(record["data"]["held_out"], 10, "{method}");
        // 96 and 22 images, at most 32 a step.
        assert_eq!(summary["steps"], 8, "{method}");
        assert!(summary["last"]["loss"].as_f64().unwrap().is_finite(), "{method}");
    }
    let report = place.run(&["evaluate", "swav", "--json", "--protocol", "knn"]).done().json();
    assert_eq!((&report["method"], &report["step"]), (&json!("swav"), &json!(8)));
}

#[test]
fn local_views_need_a_method_and_an_encoder_that_take_them() {
    let place = Place::furnished();
    let run = ["pretrain", "dino", "--data", "data", "--run", "run", "--batch-size", "32"];
    let run = [&run[..], &["--device", "cpu"]].concat();
    let conv = r#"encoder={"conv": {"width": 8, "layers": 4, "pool": "mean"}}"#;
    let run = [&run[..], &["--set", conv]].concat();
    let flatten = [&run[..], &["--set", "encoder.conv.pool=flatten"]].concat();
    place.refuses(&flatten, &["augment.views.2.size", "expected 96", "found 48"]);
    let small = [&run[..], &["--set", "augment.views.2.size=20"]].concat();
    place.refuses(&small, &["augment.views.2.size", "at least 31", "found 20 pixels"]);
    place.put_config("simclr", |config| {
        let mut view = config["augment"]["views"][0].clone();
        (view["count"], view["size"]) = (json!(1), json!(0.5));
        config["augment"]["views"].as_array_mut().unwrap().push(view);
    });
    let run = pretrain("simclr.json", "run");
    place.refuses(&run, &["augment.views", "simclr", "found 3 views"]);
}

#[test]
fn pictures_are_drawn_of_what_goes_in_and_of_what_was_learned() {
    let place = Place::trained("simclr");
    let preview = ["preview", "dino", "--preset", "gpu", "--data", "data", "--rows", "3"];
    place.run(&[&preview[..], &["--out", "views.png"]].concat()).done();
    let views = image::open(place.path("views.png")).unwrap();
    // Three rows of an image and two times eight views, in cells of 96 pixels with 2 between.
    assert_eq!((views.width(), views.height()), (17 * 98 - 2, 3 * 98 - 2));
    let neighbors = ["neighbors", "run", "--rows", "4", "-k", "5", "--out", "near.png"];
    place.run(&neighbors).done();
    let near = image::open(place.path("near.png")).unwrap();
    // Four rows of a query and five answers, enlarged to at least 144 pixels, with captions.
    assert!(near.width() > 6 * 144 && near.height() > 4 * 144, "{:?}", near.color());
    place.refuses(&["neighbors", "nowhere", "--out", "near2.png"], &["nowhere", "expected a run"]);
    place.refuses(&["preview", "dyno", "--out", "x.png"], &["dyno", "did you mean dino"]);
}

#[test]
fn an_evaluation_that_can_not_be_written_is_refused_before_it_is_measured() {
    let place = Place::trained("simclr");
    let refused = ["evaluate", "run", "--out", "no/such/folder/out.json"];
    place.refuses(&refused, &["no/such/folder/out.json", "expected a file that can be written"]);
}
