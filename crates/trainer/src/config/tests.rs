//! Reading, settings, ranges and renamed keys.

use super::*;
use crate::tests::tiny_config;

fn text() -> String {
    serde_json::to_string_pretty(&tiny_config("simclr")).unwrap()
}

#[test]
fn a_config_reads_back_as_it_was_written() {
    let config = tiny_config("dino");
    assert_eq!(Config::parse(&config.document().to_string(), "here").unwrap(), config);
    config.validate().unwrap();
}

#[test]
fn unknown_keys_and_wrong_types_name_their_line() {
    let line =
        |text: &str, what: &str| 1 + text.lines().position(|line| line.contains(what)).unwrap();
    let unknown = text().replace("\"seed\": 0", "\"seed\": 0,\n  \"sead\": 1");
    let error = Config::parse(&unknown, "my.json").unwrap_err().to_string();
    assert!(error.starts_with(&format!("my.json:{}:", line(&unknown, "sead"))), "{error}");
    assert!(error.contains("no key is called sead; did you mean seed?"), "{error}");
    let wrong = text().replace("\"epochs\": 2", "\"epochs\": \"two\"");
    let error = Config::parse(&wrong, "my.json").unwrap_err().to_string();
    assert!(error.starts_with(&format!("my.json:{}:", line(&wrong, "two"))), "{error}");
    assert!(!error.contains(" at line "), "{error}");
}

#[test]
fn settings_change_what_they_name() {
    let config = tiny_config("simclr").with("method.simclr.temperature=0.2").unwrap();
    assert_eq!(config.document()["method"]["simclr"]["temperature"], 0.2);
    let config = config.with("augment.views.0.transforms.0.horizontal_flip.p=0").unwrap();
    assert_eq!(
        config.document()["augment"]["views"][0]["transforms"][0]["horizontal_flip"]["p"],
        0.0
    );
    assert_eq!(config.with("train.max_steps=7").unwrap().train.max_steps, Some(7));
    assert_eq!(config.with("train.precision=bf16").unwrap().train.precision, Precision::Bf16);
}

#[test]
fn settings_that_can_not_be_made_say_why() {
    let error = |assignment| tiny_config("simclr").with(assignment).unwrap_err().to_string();
    assert!(error("train.epoch=3").contains("train has epochs"), "{}", error("train.epoch=3"));
    assert!(error("train.epochs").contains("KEY=VALUE"));
    assert!(error("train.epochs=many").contains("many"));
    assert!(error("method.dino.student_temp=1").contains("method has simclr"));
    let says = "--set batch_size: no such key; did you mean train.batch_size?";
    assert_eq!(error("batch_size=3"), says);
    let vit = suggestion::example("encoder", "vit").unwrap();
    let said = error("encoder=vit");
    assert_eq!(said, format!("--set encoder=vit: expected an object, such as {vit}, found a word"));
    let said = error("encoder.vit.size=tiny");
    assert!(said.ends_with(&format!("encoder has conv; set all of it: encoder={vit}")), "{said}");
}

#[test]
fn numbers_out_of_range_are_refused() {
    for (assignment, key) in [
        ("train.epochs=0", "train.epochs"),
        ("train.batch_size=1", "train.batch_size"),
        ("train.micro_batch=0", "train.micro_batch"),
        ("train.grad_clip_norm=0", "train.grad_clip_norm"),
        ("checkpoint.keep_last=0", "checkpoint.keep_last"),
        ("train.patience=0", "train.patience"),
        ("train.freeze_encoder=1.5", "train.freeze_encoder"),
        (
            "checkpoint.best={\"val_probe_acc\":{\"val_fraction\":1}}",
            "checkpoint.best.val_probe_acc",
        ),
        ("checkpoint.every_minutes=-1", "checkpoint.every_minutes"),
        ("health.patience=0", "health.patience"),
        ("health.min_rank=-1", "health.min_rank"),
        ("optimizer.adam.betas.1=1", "optimizer.adam.betas.1"),
        ("probe.optimizer.adam.epsilon=0", "probe.optimizer.adam.epsilon"),
        ("augment.views.0.count=0", "augment.views.0.count"),
        ("augment.views.0.count=1001", "augment.views.0.count: expected 1 to 1000, found 1001"),
        (
            "projection.mlp.output_dim=4611686018427387904",
            "projection.mlp.output_dim: expected at most 1048576, found 4611686018427387904",
        ),
        (
            "projection.mlp.hidden_dims=[8,1048577]",
            "projection.mlp.hidden_dims.1: expected at most",
        ),
        ("encoder.conv.width=9999999", "encoder.conv.width: expected at most 1048576"),
        ("augment.views.0.count=1", "augment.views: expected two global views, found 1"),
        ("augment.views.0.size=0.5", "augment.views.0.size"),
        (
            "augment.views.0.transforms.1.random_resized_crop.scale.0=2",
            "augment.views.0.transforms",
        ),
    ] {
        let config = tiny_config("simclr").with(assignment).unwrap();
        let error = config.validate().unwrap_err().to_string();
        assert!(error.starts_with(key), "{assignment}: {error}");
    }
    // Any number of global views, but none after a local one; the method says how many it takes.
    let mut config = tiny_config("simclr").with("augment.views.0.count=3").unwrap();
    config.validate().unwrap();
    let mut local = config.augment.views[0].clone();
    local.size = ViewSize::Fraction(0.5);
    let global = config.augment.views[0].clone();
    config.augment.views.extend([local, global]);
    let error = config.validate().unwrap_err().to_string();
    let says = "augment.views.2.size: expected less than 1 for views after local ones, found 1.0";
    assert_eq!(error, says);
    let config = tiny_config("simclr").with("checkpoint.best=null").unwrap();
    let config = config.with("train.patience=3").unwrap();
    let error = config.validate().unwrap_err().to_string();
    assert!(error.contains("null where checkpoint.best is null"), "{error}");
}

#[test]
fn sizes_of_views_are_fractions_or_pixels() {
    let sizes = |image_size: usize, assignment: &str| -> Vec<usize> {
        let config = tiny_config("dino").with(&format!("image_size={image_size}")).unwrap();
        let config = config.with(assignment).unwrap();
        config.view_recipes().iter().map(|recipe| recipe.size).collect()
    };
    assert_eq!(sizes(96, "augment.views.0.size=1"), [96, 96]);
    assert_eq!(sizes(224, "augment.views.0.size=1.0"), [224, 224]);
    assert_eq!(sizes(96, "augment.views.0.size=0.5"), [48, 48]);
    assert_eq!(sizes(224, "augment.views.0.size=0.4286"), [96, 96]);
    assert_eq!(sizes(224, "augment.views.0.size=96"), [96, 96]);
    for wrong in ["0", "-0.5", "1.5", "5000", "\"large\""] {
        let assignment = format!("augment.views.0.size={wrong}");
        let error = tiny_config("dino").with(&assignment).unwrap_err().to_string();
        assert!(error.starts_with(&format!("--set {assignment}: ")), "{error}");
    }
}

#[test]
fn keys_and_values_of_earlier_versions_name_the_new_ones() {
    for (old, says) in [
        ("train.steps=3", "train.steps is now max_steps"),
        ("train.clip_norm=1", "train.clip_norm is now grad_clip_norm"),
        ("augment.views.0.ops.0.flip.p=0", "augment.views.0.ops is now transforms"),
        ("augment.views.0.transforms.0.flip.p=0", "flip is now horizontal_flip"),
        ("augment.views.0.transforms.1.random_resized_crop.area=1", "area is now scale"),
        ("method.dino.sharpening=0.5", "teacher_temp, which is absolute"),
        ("method.dino.momentum=0.5", "method.dino.momentum is now teacher_momentum"),
        ("optimizer.adam.learning_rate=0.1", "learning_rate is now lr"),
        ("optimizer.adam.lr={\"cosine\": {\"from\": 1, \"to\": 0}}", "from is now start"),
        ("optimizer.adam.lr={\"warm_up\": {}}", "optimizer.adam.lr.warm_up is now warmup"),
        ("optimizer.adam.variant=usual", "optimizer.adam.variant=usual is now pytorch"),
        ("projection.mlp.hidden=[8]", "projection.mlp.hidden is now hidden_dims"),
        ("health.least_std=0", "health.least_std is now min_std"),
        ("checkpoint.keep=1", "checkpoint.keep is now keep_last"),
        ("checkpoint.best=rank", "checkpoint.best=rank is now effective_rank"),
    ] {
        let error = tiny_config("dino").with(old).unwrap_err().to_string();
        assert!(error.starts_with("--set ") && error.contains(says), "{old}: {error}");
    }
    let old = text().replace("\"max_steps\"", "\"steps\"").replace("\"variant\"", "\"form\"");
    let error = Config::parse(&old, "my.json").unwrap_err().to_string();
    assert_eq!(error, "my.json: method.simclr.form is now variant");
}
