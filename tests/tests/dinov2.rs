//! `dinov2`: masked patches, through the binary.

use end_to_end::{Place, assert_same_tensors, small, tensors};

fn pretrain<'a>(run: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let start = ["pretrain", "dinov2", "--data", "data", "--run", run, "--batch-size", "32"];
    let cpu = ["--device", "cpu", "--preset", "cpu", "--on-collapse", "warn"];
    // Not schedules, which depend on the number of epochs.
    let constant = [
        "--set",
        "optimizer.adamw.lr=0.001",
        "--set",
        "optimizer.adamw.weight_decay=0.04",
        "--set",
        "method.dinov2.teacher_temp=0.05",
        "--set",
        "method.dinov2.teacher_momentum=0.99",
        "--set",
        "train.freeze_last_layer=null",
    ];
    [&start[..], &cpu, &small("dinov2"), &constant, more].concat()
}

#[test]
fn a_run_has_the_same_bits_resumed_and_with_any_number_of_workers() {
    let place = Place::furnished();
    place.run(&pretrain("whole", &["--epochs", "2", "--workers", "3"])).done();
    place.run(&pretrain("run", &["--epochs", "1", "--workers", "1"])).done();
    let resume = ["pretrain", "dinov2", "--run", "run", "--resume", "--epochs", "2"];
    place.run(&resume).done();
    assert_eq!(place.timeless_metrics("run"), place.timeless_metrics("whole"));
    assert_same_tensors(&place.newest("run"), &place.newest("whole"));
    // The mask token was learned, and is no part of the encoder that others load.
    let token = |file: &std::path::Path, name: &str| {
        tensors(file).into_iter().find(|stored| stored.0 == name).map(|stored| stored.3)
    };
    let learned = token(&place.newest("run"), "encoder.mask_token").unwrap();
    assert!(learned.iter().any(|byte| *byte != 0));
    assert!(token(&place.path("run/encoder.safetensors"), "mask_token").is_none());
    place.run(&["evaluate", "run", "--protocol", "knn"]).done();
}

#[test]
fn patches_of_their_own_head_and_balanced_targets_train_too() {
    let place = Place::furnished();
    let sinkhorn = r#"method.dinov2.variant={"sinkhorn": {"iterations": 3}}"#;
    let separate = ["--set", sinkhorn, "--set", "method.dinov2.separate_heads=true"];
    let whole = [&separate[..], &["--max-steps", "2"]].concat();
    place.run(&pretrain("whole", &whole)).done();
    let split = [&whole[..], &["--set", "train.micro_batch=16"]].concat();
    place.run(&pretrain("split", &split)).done();
    let names = tensors(&place.newest("whole")).into_iter().map(|stored| stored.0);
    let head = names.filter(|name| name.starts_with("patch_projection.")).count();
    assert!(head > 0);
}

#[test]
fn what_can_not_be_masked_is_refused() {
    let place = Place::furnished();
    let refuses = |more: &[&str], says: &[&str]| place.refuses(&pretrain("run", more), says);
    let encoder = [
        "pretrain",
        "dinov2",
        "--data",
        "data",
        "--run",
        "run",
        "--preset",
        "cpu",
        "--device",
        "cpu",
        "--encoder",
        "resnet18",
    ];
    place.refuses(&encoder, &["encoder: expected a vision transformer", "found resnet"]);
    let ratio = ["--set", "method.dinov2.mask_ratio=[0.1, 1.0]"];
    refuses(&ratio, &["method.dinov2.mask_ratio: expected [low, high]", "< 1, found [0.1, 1]"]);
    let probability = ["--set", "method.dinov2.mask_probability=1.5"];
    refuses(&probability, &["method.dinov2.mask_probability: expected a number in 0..=1"]);
    // Images of 32 pixels have four patches of 8 in a row, and two of 16.
    let coarse = ["--set", "encoder.vit.patch_size=16"];
    refuses(&coarse, &["image_size: expected at least 48, 3 patches in a row", "found 32 pixels"]);
    let vit = r#"encoder={"vit": {"size": "tiny", "patch_size": 14, "img_size": 98}}"#;
    let patch = ["--set", vit, "--image-size", "96"];
    refuses(&patch, &["image_size: expected a multiple of 14", "such as 84 or 98", "found 96"]);
}
