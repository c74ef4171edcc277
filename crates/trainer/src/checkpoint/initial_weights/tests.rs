//! Tiny networks with the names of every program give the features of their own code (set L).

use std::fs;

use golden::Tensors;
use models::{Mode, WeightStream};
use serde_json::json;
use tch::Device;

use super::*;
use crate::tests::tiny_config;
use crate::{Config, DTypes};

type Named = Vec<(String, Tensor)>;

/// The network of set L, for images of `img_size` pixels.
fn config(registers: i64, patch_size: i64, img_size: i64) -> Config {
    let mut config = tiny_config("simclr");
    let shape = json!({"custom": {"embed_dim": 24, "num_heads": 3, "depth": 2}});
    let mut vit = json!({"size": shape, "patch_size": patch_size, "img_size": img_size});
    if patch_size == 14 {
        vit["layer_scale"] = json!(1e-5);
        vit["register_tokens"] = json!(registers);
        vit["no_embed_class"] = json!(registers > 0);
    }
    config.encoder = serde_json::from_value(json!({"vit": vit})).unwrap();
    config
}

fn networks(config: &Config) -> EncoderAndHead {
    let dtypes = DTypes { master: Kind::Float, compute: Kind::Float };
    EncoderAndHead::new(config, 56, WeightStream::Student, Device::Cpu, dtypes).unwrap()
}

fn open(name: &str) -> Named {
    Tensors::open(name).below("").map(|(name, t)| (name.to_owned(), t.shallow_clone())).collect()
}

/// The tensors of DINOv2's code, or of timm's, under Hugging Face's names.
fn hugging_face(tensors: Named, dinov2: bool) -> Named {
    let blocks: &[(&str, &str)] = match dinov2 {
        true => &[
            ("ls1.gamma", "layer_scale1.lambda1"),
            ("ls2.gamma", "layer_scale2.lambda1"),
            ("attn.proj", "attention.output.dense"),
        ],
        false => &[
            ("norm1", "layernorm_before"),
            ("norm2", "layernorm_after"),
            ("attn.proj", "attention.output.dense"),
            ("mlp.fc1", "intermediate.dense"),
            ("mlp.fc2", "output.dense"),
        ],
    };
    let rename = |name: &str| -> String {
        if let Some(rest) = name.strip_prefix("blocks.") {
            let mut rest = rest.to_owned();
            for (timm, theirs) in blocks {
                rest = rest.replace(timm, theirs);
            }
            return format!("encoder.layer.{rest}");
        }
        match name {
            "pos_embed" => "embeddings.position_embeddings".to_owned(),
            "norm.weight" | "norm.bias" => name.replace("norm", "layernorm"),
            name => {
                let name = name.replace("patch_embed.proj", "patch_embeddings.projection");
                format!("embeddings.{name}")
            }
        }
    };
    let split = |(name, tensor): (String, Tensor)| -> Named {
        match name.contains("attn.qkv") {
            false => vec![(rename(&name), tensor)],
            true => ["query", "key", "value"]
                .into_iter()
                .zip(tensor.chunk(3, 0))
                .map(|(part, tensor)| {
                    let part = format!("attention.attention.{part}");
                    (rename(&name.replace("attn.qkv", &part)), tensor)
                })
                .collect(),
        }
    };
    tensors.into_iter().flat_map(split).collect()
}

/// The same with something around the names, and a head beside it.
fn wrapped(tensors: Named, prefix: &str, head: &str) -> Named {
    let inside = tensors.into_iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor));
    let head = (head.to_owned(), Tensor::zeros([5, 24], (Kind::Float, Device::Cpu)));
    inside.chain([head]).collect()
}

fn write(folder: &Path, name: &str, tensors: &Named) -> PathBuf {
    let path = folder.join(name);
    let contiguous: Named =
        tensors.iter().map(|(name, tensor)| (name.clone(), tensor.contiguous())).collect();
    Tensor::write_safetensors(&contiguous, &path).unwrap();
    path
}

/// Expects the features of set L for the network `name` at all its sizes, or at `only` one.
fn check_features(what: &str, networks: &EncoderAndHead, name: &str, only: Option<i64>) {
    let reference = golden::json("l_vit.json");
    let tensors = Tensors::open("l_vit.safetensors");
    let mut checked = 0;
    for case in reference["cases"].as_array().unwrap() {
        let side = |key: &str| case[key].as_i64().unwrap();
        let ours = case["loss"] == "ViT_timm"
            && case["pool"] == "token"
            && case["options"] == json!({})
            && case["name"].as_str().unwrap().starts_with(&format!("{name}."));
        if !ours || only.is_some_and(|only| (side("height"), side("width")) != (only, only)) {
            continue;
        }
        let image = tensors.get("image").to_kind(Kind::Float);
        let image = image.narrow(2, 0, side("height")).narrow(3, 0, side("width"));
        let images = (image - 128.0) / 64.0;
        let features = no_grad(|| networks.encoder.forward(&images, Mode::Eval));
        let expected = tensors.get(case["features"].as_str().unwrap());
        let off = golden::difference(&features, expected);
        assert!(off <= 1e-5, "{what} {}: off by {off}", case["name"]);
        checked += 1;
    }
    assert!(checked > 0, "{what}: no cases");
}

#[test]
fn golden_weights_of_all_name_schemes_give_the_features_of_timm() {
    let folder = tempfile::tempdir().unwrap();
    let schemes: Vec<(&str, &str, i64, i64, Named, &str)> = vec![
        ("timm", "noreg", 0, 14, open("l_weights_noreg.safetensors"), "a timm vision"),
        ("timm reg4", "reg4", 4, 14, open("l_weights_reg4.safetensors"), "a timm vision"),
        (
            "timm augreg",
            "vitb16",
            0,
            16,
            wrapped(open("l_weights_vitb16.safetensors"), "", "head.weight"),
            "a timm vision",
        ),
        ("dinov2", "noreg", 0, 14, open("l_checkpoint_noreg.safetensors"), "of DINOv2"),
        ("dinov2 reg4", "reg4", 4, 14, open("l_checkpoint_reg4.safetensors"), "of DINOv2"),
        (
            "dinov2 training",
            "noreg",
            0,
            14,
            open("l_checkpoint_noreg.safetensors")
                .into_iter()
                .map(|(name, t)| (format!("backbone.{}", name.replace("blocks.", "blocks.0.")), t))
                .collect(),
            "of DINOv2",
        ),
        (
            "Dinov2Model",
            "noreg",
            0,
            14,
            hugging_face(open("l_checkpoint_noreg.safetensors"), true),
            "Dinov2Model",
        ),
        (
            "Dinov2WithRegistersForImageClassification",
            "reg4",
            4,
            14,
            wrapped(
                hugging_face(open("l_checkpoint_reg4.safetensors"), true),
                "dinov2_with_registers.",
                "classifier.weight",
            ),
            "Dinov2Model",
        ),
        (
            "ViTForImageClassification",
            "vitb16",
            0,
            16,
            wrapped(
                hugging_face(open("l_weights_vitb16.safetensors"), false),
                "vit.",
                "classifier.weight",
            ),
            "ViTModel",
        ),
    ];
    for (what, name, registers, patch, tensors, source) in schemes {
        let path = write(folder.path(), "weights.safetensors", &tensors);
        let about = inspect(&path).unwrap();
        assert!(about.source.contains(source), "{what}: {about}");
        let imagenet = (patch == 14).then_some(Normalize::IMAGENET);
        assert_eq!(about.normalize, imagenet, "{what}");
        // Nothing tells the number of heads of such a network.
        assert_eq!(about.encoder, None, "{what}");
        let trained = if patch == 14 { 56 } else { 48 };
        let config = config(registers, patch, trained);
        let networks = networks(&config);
        load(&path, &networks, &config.encoder).unwrap();
        check_features(what, &networks, name, None);
        // Under this program's own names.
        let own = folder.path().join("own.safetensors");
        crate::write_encoder(&own, &networks, &config).unwrap();
        assert_eq!(inspect(&own).unwrap().encoder, Some(config.encoder.clone()), "{what}");
        let again = self::networks(&config);
        load(&own, &again, &config.encoder).unwrap();
        check_features(&format!("{what}, own names"), &again, name, None);
        // Positions of another grid are interpolated once, when they are read.
        if patch == 14 {
            let config = self::config(registers, patch, 28);
            let networks = self::networks(&config);
            load(&path, &networks, &config.encoder).unwrap();
            check_features(&format!("{what}, resampled"), &networks, name, Some(28));
        }
    }
}

#[test]
fn what_is_missing_unexpected_or_misshapen_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(0, 14, 56);
    let refused = |tensors: &Named| {
        let path = write(folder.path(), "weights.safetensors", tensors);
        let error = load(&path, &networks(&config), &config.encoder).unwrap_err().to_string();
        assert!(!error.contains('\n'));
        error
    };
    let all = open("l_weights_noreg.safetensors");
    let without = |part: &str| -> Named {
        let kept = all.iter().filter(|(name, _)| !name.contains(part));
        kept.map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect()
    };
    let error = refused(&without("blocks.1."));
    let says = "expected a tensor blocks.1.attn.proj.bias, found none of this name (14 such";
    assert!(error.contains(says), "{error}");
    let zeros = |name: &str, shape: &[i64]| {
        (name.to_owned(), Tensor::zeros(shape, (Kind::Float, Device::Cpu)))
    };
    let mut more = without("nothing");
    more.push(zeros("blocks.2.norm1.bias", &[24]));
    let error = refused(&more);
    let says = "no tensors but those of the encoder, found blocks.2.norm1.bias (1 such)";
    assert!(error.contains(says), "{error}");
    let mut other = without("cls_token");
    other.push(zeros("cls_token", &[1, 1, 32]));
    let error = refused(&other);
    let says = "expected cls_token of Float [1, 1, 24], found F32 [1, 1, 32]";
    assert!(error.contains(says), "{error}");
}

#[test]
fn the_encoder_of_published_weights_is_known_by_names_and_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let of = |encoder: &str| {
        let mut config = tiny_config("simclr");
        config.encoder = serde_json::from_str(encoder).unwrap();
        (networks(&config).encoder_tensors(), config.encoder)
    };
    for (encoder, says) in [
        (
            r#"{"vit": {"size": "tiny", "patch_size": 14, "img_size": 518, "layer_scale": 1e-5,
                "normalize": "imagenet"}}"#,
            "a timm vision transformer of 192 features and 12 blocks, patches of 14 pixels, \
             position embeddings for 518 pixels",
        ),
        (
            r#"{"vit": {"size": "tiny", "patch_size": 14, "img_size": 518, "layer_scale": 1e-5,
                "register_tokens": 4, "no_embed_class": true, "normalize": "imagenet"}}"#,
            "patches of 14 pixels, 4 registers, position embeddings for 518 pixels",
        ),
        (
            r#"{"vit": {"size": "tiny", "patch_size": 16, "img_size": 224, "pool": "avg"}}"#,
            "patches of 16 pixels, position embeddings for 224 pixels",
        ),
        (
            r#"{"resnet": {"depth": 18, "stem": "imagenet", "norm": "batch",
                "normalize": "imagenet"}}"#,
            "a torchvision ResNet of depth 18",
        ),
        (
            r#"{"convnext": {"size": "tiny", "normalize": "imagenet"}}"#,
            "a timm ConvNeXt of size tiny",
        ),
    ] {
        let (tensors, encoder) = of(encoder);
        let path = write(folder.path(), "weights.safetensors", &tensors);
        let about = inspect(&path).unwrap();
        assert_eq!(about.encoder, Some(encoder));
        assert!(about.source.ends_with(says), "{}", about.source);
    }
    // A vision transformer for a ResNet.
    let (tensors, vit) = of(r#"{"vit": {"size": "tiny", "patch_size": 16, "img_size": 224}}"#);
    let path = write(folder.path(), "weights.safetensors", &tensors);
    let (_, resnet) = of(r#"{"resnet": {"depth": 18, "stem": "stl", "norm": "batch"}}"#);
    let error = explain(damaged(&path, "", ""), &path, &resnet).to_string();
    assert!(error.contains("expected weights of the encoder {\"resnet\""), "{error}");
    assert!(error.contains("those of a timm vision transformer of 192 features"), "{error}");
    // Not of another encoder: what else went wrong is said.
    let error = explain(damaged(&path, "this", "that"), &path, &vit).to_string();
    assert!(error.ends_with("expected this, found that"), "{error}");
}

#[test]
fn a_pickle_is_refused_with_what_converts_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dinov2_vits14.pth");
    for start in [&b"PK\x03\x04"[..], b"\x80\x02}q\x00"] {
        fs::write(&path, start).unwrap();
        let error = inspect(&path).unwrap_err().to_string();
        let says = "safetensors.torch.save_file(torch.load(\"dinov2_vits14.pth\", \
                    map_location=\"cpu\", weights_only=True), \"dinov2_vits14.safetensors\")";
        assert!(error.contains(says) && !error.contains('\n'), "{error}");
    }
}
