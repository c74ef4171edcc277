use serde_json::Value;

use super::*;

#[test]
fn every_method_has_valid_built_in_configs() {
    for entry in methods::METHODS {
        for preset in Preset::value_variants() {
            let config = preset.config(entry.name).unwrap();
            config.validate().unwrap();
            assert_eq!(config.method.name(), entry.name);
            let variant = &config.document()["method"][entry.name]["variant"];
            assert_eq!(
                variant == "seed",
                *preset == Preset::Seed && entry.has_seed_variant(),
                "{} {preset:?}",
                entry.name
            );
        }
    }
    assert_eq!(CONFIGS.len(), methods::METHODS.len());
}

#[test]
fn settings_of_a_preset_differ_in_what_is_a_method_s_own() {
    for preset in [Preset::Cpu, Preset::Gpu] {
        let shared = |method: &str| {
            let mut document = preset.config(method).unwrap().document();
            for own in ["method", "projection", "optimizer"] {
                document.as_object_mut().unwrap().remove(own);
            }
            document["augment"]["views"] = Value::Null;
            if method == "dinov2" {
                // It needs patches, and its gradients are clipped as in its source.
                document["encoder"] = preset.config("simclr").unwrap().document()["encoder"].take();
                let train = document["train"].as_object_mut().unwrap();
                assert_eq!(train.insert("grad_clip_norm".to_owned(), Value::Null).unwrap(), 3.0);
                for own in ["grad_clip_per", "freeze_last_layer"] {
                    assert!(train.remove(own).is_some(), "{own}");
                }
            }
            if method == "visreg" {
                // Its gradient grows without bound near collapse.
                let clip = document["train"]["grad_clip_norm"].take();
                assert_eq!(clip, 1.0);
            }
            document
        };
        for entry in methods::METHODS {
            assert_eq!(shared(entry.name), shared("simclr"), "{} {preset:?}", entry.name);
        }
    }
}

#[test]
fn a_plan_for_a_cpu_has_as_many_images_whatever_the_set() {
    let epochs = |images| Preset::Cpu.epochs(images).unwrap();
    assert_eq!([100, 500, 5_000, 100_000, 1_000_000].map(epochs), [300, 300, 30, 2, 1]);
    assert_eq!(Preset::Gpu.epochs(5_000), None);
}
