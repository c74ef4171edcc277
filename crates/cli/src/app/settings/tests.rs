use dataset::SyntheticSpec;

use super::*;

fn set(unlabeled: usize) -> Dataset {
    let spec = SyntheticSpec { unlabeled, train: 0, test: 0, size: 16, seed: 0 };
    dataset::synthetic(&spec).unwrap()
}

fn fitted(method: &str, preset: Preset, images: usize, set_keys: &[&str]) -> Config {
    let arguments = SettingsArguments {
        preset: Some(preset),
        set: set_keys.iter().map(|key| (*key).to_owned()).collect(),
        ..SettingsArguments::default()
    };
    let mut settings = Settings::new(Some(method), &arguments).unwrap();
    settings.fit(&set(images));
    settings.config
}

fn number(config: &Config, pointer: &str) -> f64 {
    config.document().pointer(pointer).unwrap().as_f64().unwrap()
}

#[test]
fn what_was_not_given_fits_the_set() {
    const LR: &str = "/optimizer/sgd/lr/cosine/start";
    const QUEUE: &str = "/method/moco/queue_size";
    let config = fitted("moco", Preset::Gpu, 64, &[]);
    assert_eq!((config.train.batch_size, config.train.epochs), (64, 200));
    assert_eq!((number(&config, LR), number(&config, QUEUE)), (0.015, 16.0));
    let config = fitted("moco", Preset::Cpu, 64, &[]);
    assert_eq!((config.train.batch_size, config.train.epochs), (64, 300));
    assert_eq!(number(&config, "/optimizer/adam/lr/cosine/start"), 0.001);
    let given = ["method.moco.queue_size=50", "optimizer.sgd.lr.cosine.start=0.5"];
    let config = fitted("moco", Preset::Gpu, 64, &given);
    assert_eq!((number(&config, LR), number(&config, QUEUE)), (0.5, 50.0));
    let config = fitted("moco", Preset::Cpu, 64, &["train.epochs=7"]);
    assert_eq!(config.train.epochs, 7);
    // SimSiam's learning rate is the same for any batch.
    assert_eq!(number(&fitted("simsiam", Preset::Gpu, 64, &[]), LR), 0.06);
}

#[test]
fn a_part_of_an_optimizer_is_of_the_encoder_s_or_the_preset_s() {
    let config = |set: &str| {
        let arguments = SettingsArguments {
            preset: Some(Preset::Gpu),
            encoder: Some(EncoderName::VitTiny),
            set: vec![set.to_owned()],
            ..SettingsArguments::default()
        };
        Settings::new(Some("simclr"), &arguments).unwrap().config.document()
    };
    for (set, pointer, value) in [
        ("optimizer.adamw.epsilon=1e-6", "/optimizer/adamw/epsilon", 1e-6),
        ("optimizer.adamw.weight_decay=0.2", "/optimizer/adamw/weight_decay/constant", 0.2),
        ("optimizer.sgd.momentum=0.8", "/optimizer/sgd/momentum", 0.8),
    ] {
        let config = config(set);
        assert_eq!(config.pointer(pointer).and_then(|found| found.as_f64()), Some(value));
        assert!(config["encoder"]["vit"].is_object());
    }
}

#[test]
fn flags_set_encoder_and_learning_rate() {
    let arguments = SettingsArguments {
        preset: Some(Preset::Gpu),
        encoder: Some(EncoderName::VitTiny),
        image_size: Some(224),
        ..SettingsArguments::default()
    };
    let mut settings = Settings::new(Some("dino"), &arguments).unwrap();
    settings.config.train.batch_size = 128;
    settings.fit(&set(200));
    let config = settings.config.document();
    assert_eq!(config["encoder"]["vit"]["patch_size"], 16);
    let lr = &config["optimizer"]["adamw"]["lr"]["warmup_cosine"];
    assert_eq!(lr["peak"], 0.00025);
    let arguments = SettingsArguments { lr: Some(0.01), ..arguments };
    let config = Settings::new(Some("dino"), &arguments).unwrap().config.document();
    assert_eq!(config["optimizer"]["adamw"]["lr"]["warmup_cosine"]["peak"], 0.01);
}
