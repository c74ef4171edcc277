//! Keys that may be missing in a configuration, but can be set by their path.

use serde_json::{Value, json};

/// The objects that have such keys, as JSON pointers, and the keys with the values that missing
/// ones stand for.
fn keys() -> [(&'static str, Value); 11] {
    [
        ("", json!({"data": {}})),
        ("/data", json!({"store": null})),
        (
            "/encoder/vit",
            json!({
                "layer_scale": null, "register_tokens": 0, "no_embed_class": false,
                "drop_path": null, "pool": "token", "normalize": "none",
            }),
        ),
        ("/encoder/resnet", json!({"normalize": "none"})),
        ("/encoder/convnext", json!({"drop_path": 0.0, "normalize": "none"})),
        ("/optimizer/adamw", json!({"layer_decay": null})),
        ("/projection/dino_head", json!({"norm_last_layer": true})),
        ("/health", json!({"on_regression": "warn"})),
        ("/method/dino", json!({"koleo": null})),
        ("/method/distill", json!({"teacher_sha256": null})),
        (
            "/train",
            json!({
                "freeze_encoder": null, "freeze_last_layer": null, "ema": null,
                "grad_clip_per": "all", "sync_norm": true, "cuda_graph": false,
            }),
        ),
    ]
}

/// Keys of schedules among them, for which a number is a constant one.
pub(super) const SCHEDULES: [&str; 1] = ["train.ema"];

/// Adds the keys that are missing in `document`.
pub(super) fn fill(document: &mut Value) {
    for (pointer, keys) in keys() {
        let (Some(Value::Object(object)), Value::Object(keys)) =
            (document.pointer_mut(pointer), keys)
        else {
            continue;
        };
        for (key, value) in keys {
            object.entry(key).or_insert(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::tests::tiny_config;

    #[test]
    fn missing_keys_can_be_set_and_are_not_written() {
        let vit = r#"encoder={"vit": {"size": "tiny", "patch_size": 14, "img_size": 56}}"#;
        let resnet = r#"encoder={"resnet": {"depth": 18, "stem": "stl", "norm": "batch"}}"#;
        for (encoder, key, value) in [
            (vit, "vit.layer_scale", json!(1e-5)),
            (vit, "vit.register_tokens", json!(4)),
            (vit, "vit.no_embed_class", json!(true)),
            (vit, "vit.drop_path", json!({"rate": 0.1, "rule": "uniform"})),
            (vit, "vit.pool", json!("avg")),
            (vit, "vit.normalize", json!("imagenet")),
            (resnet, "resnet.normalize", json!([[0.5, 0.5, 0.5], [0.25, 0.25, 0.25]])),
        ] {
            let before = tiny_config("simclr").with(encoder).unwrap();
            let after = before.with(&format!("encoder.{key}={value}")).unwrap();
            let pointer = format!("/encoder/{}", key.replace('.', "/"));
            assert_eq!(after.document().pointer(&pointer), Some(&value), "{key}");
            assert_eq!(before.document().pointer(&pointer), None, "{key}");
        }
        let config = tiny_config("simclr").with("train.ema=0.99").unwrap();
        assert_eq!(config.document()["train"]["ema"], json!({"constant": 0.99}));
        assert_eq!(config.with("train.ema=null").unwrap(), tiny_config("simclr"));
        let config = tiny_config("simclr").with("data.store=aspect").unwrap();
        assert_eq!(config.document()["data"], json!({"store": "aspect"}));
        assert_eq!(config.with("data.store=null").unwrap(), tiny_config("simclr"));
        let error = config.with("data.store=round").unwrap_err().to_string();
        assert!(error.contains("square") && error.contains("encoded"), "{error}");
        let config = tiny_config("simclr").with(vit).unwrap();
        let error = config.with("encoder.vit.normalize=mean").unwrap_err().to_string();
        assert!(error.contains("imagenet"), "{error}");
    }
}
