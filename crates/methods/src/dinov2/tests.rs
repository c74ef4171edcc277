//! DINOv2 as in its own code (set K): iBOT, and the whole loss from tokens of the backbone.

use golden::{Tensors, cases, difference, largest};
use models::{DinoHeadConfig, ProjectionConfig, ProjectionHead, WeightRng, WeightStream};
use serde_json::{Value, json};
use tch::nn::VarStore;
use tch::{Device, Kind, no_grad};

use super::*;
use crate::MethodConfig;

const KINDS: [Kind; 2] = [Kind::Double, Kind::Float];
const RNG: WeightRng = WeightRng { seed: 0, stream: WeightStream::Student };

/// Allowed errors of values and of gradients against their largest entry.
fn tolerances(kind: Kind, expected: &Tensor) -> [f64; 2] {
    match (kind, expected.kind()) {
        (Kind::Double, Kind::Double) => [1e-9, 1e-8],
        (Kind::Double, _) => [1e-9, 2e-7],
        _ => [1e-5, 2e-5],
    }
}

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_else(|| panic!("{key} of {case}"))
}

/// The method of a case, in `store`.
fn method(case: &Value, store: &VarStore, separate_heads: bool) -> Box<dyn Method> {
    let variant = match text(case, "form").starts_with("sinkhorn") {
        true => json!({"sinkhorn": {"iterations": 3}}),
        false => json!({"centering": {"center_momentum": 0.9}}),
    };
    let hyper = &case["hyperparams"];
    let weight = |key: &str| hyper[key].as_f64().unwrap_or(1.0);
    let config = json!({"dinov2": {
        "variant": variant, "mask_probability": 0.5, "mask_ratio": [0.1, 0.5],
        "dino": weight("dino_weight"), "ibot": weight("ibot_weight"),
        "koleo": weight("koleo_weight"), "separate_heads": separate_heads,
        "student_temp": hyper["student_temp"],
        "teacher_temp": {"constant": hyper["teacher_temp"]},
        "teacher_momentum": {"constant": 0.99},
    }});
    let config: MethodConfig = serde_json::from_value(config).unwrap();
    let path = store.root() / "method";
    let compute = store.kind();
    let context = MethodContext {
        path,
        weight_rng: RNG,
        dimension: 24,
        image_size: 32,
        global_views: 2,
        compute,
    };
    config.build(&context).unwrap()
}

/// Checks a center of `store` against the tensor of a case, where it has one.
fn check_center(store: &VarStore, name: &str, case: &Value, key: &str, tensors: &Tensors) {
    let Some(after) = case[key].as_str() else { return };
    let found = &store.variables()[&format!("method.{name}")];
    let off = difference(found, &tensors.get(after).view_as(found));
    let bound = if found.kind() == Kind::Double { 1e-10 } else { 1e-6 };
    assert!(off <= bound, "{name} of {}: {off}", case["case"]);
}

fn set(store: &VarStore, name: &str, values: &Tensor) {
    let mut own = store.variables()[name].shallow_clone();
    no_grad(|| own.copy_(&values.view_as(&own)));
}

#[test]
fn golden_ibot_matches_set_k() {
    let tensors = Tensors::open("k_dinov2.safetensors");
    let masks = tensors.get("masks").to_kind(Kind::Int64);
    for case in cases("k_dinov2.json", "iBOT") {
        for kind in KINDS {
            let mut store = VarStore::new(Device::Cpu);
            store.set_kind(kind);
            let mut method = method(&case, &store, false);
            let (weights, places) = PatchProjections::places(&masks, kind);
            let get = |name: &str| tensors.get(name).to_kind(kind).copy();
            let student = get("student_patches").set_requires_grad(true);
            assert_eq!(places.size(), student.size()[..1]);
            // Of class tokens and features nothing is asked here: they get no gradient.
            let rows = || Vec::from([0, 4].map(|first| get("student_global").narrow(0, first, 4)));
            let projections = |teacher: &str| Projections {
                student: rows(),
                teacher: rows(),
                features: rows(),
                patches: Some(PatchProjections {
                    student: student.shallow_clone(),
                    teacher: get(teacher),
                    weights: weights.shallow_clone(),
                }),
            };
            let mut value = |teacher: &str| {
                let projections = projections(teacher);
                let without = Projections { patches: None, ..self::projections(&projections) };
                let loss = method.loss(&projections);
                let ibot = loss.double_value(&[]) - method.loss(&without).double_value(&[]);
                no_grad(|| method.update_state(&projections));
                (ibot, loss)
            };
            let what = format!("{} {} {kind:?}", case["form"], case["case"]);
            let close = |found: f64, key: &str| {
                let expected = case[key].as_f64().unwrap();
                let bound = if kind == Kind::Double { 1e-9 } else { 2e-5 };
                assert!((found - expected).abs() <= bound * (1.0 + expected), "{what}: {found}");
            };
            let (first, mut loss) = value("teacher_patches_1");
            match case["first_value"].is_f64() {
                true => {
                    close(first, "first_value");
                    check_center(&store, "patch_center", &case, "center_before", &tensors);
                    let (second, last) = value("teacher_patches_2");
                    close(second, "value");
                    loss = last;
                }
                false => close(first, "value"),
            }
            check_center(&store, "patch_center", &case, "center_after", &tensors);
            let gradient = &Tensor::run_backward(&[&loss], &[&student], false, false)[0];
            let expected = tensors.get(text(&case, "grad1"));
            let off = difference(gradient, expected) / largest(expected);
            assert!(off <= tolerances(kind, expected)[1], "{what}: gradient off by {off}");
        }
    }
}

/// The same without masked patches.
fn projections(of: &Projections) -> Projections {
    let clone = |views: &[Tensor]| views.iter().map(Tensor::shallow_clone).collect();
    Projections {
        student: clone(&of.student),
        teacher: clone(&of.teacher),
        features: clone(&of.features),
        patches: None,
    }
}

/// The names of a head's tensors here and in DINOv2.
const HEAD: [(&str, &str); 8] = [
    ("dense1.weight", "mlp.0.weight"),
    ("dense1.bias", "mlp.0.bias"),
    ("dense2.weight", "mlp.2.weight"),
    ("dense2.bias", "mlp.2.bias"),
    ("dense3.weight", "mlp.4.weight"),
    ("dense3.bias", "mlp.4.bias"),
    ("gains", "last_layer.weight_g"),
    ("prototypes", "last_layer.weight_v"),
];

/// The head called `name` in the reference, registered under that name.
fn head(store: &VarStore, name: &str, tensors: &Tensors) -> ProjectionHead {
    let config = ProjectionConfig::DinoHead(DinoHeadConfig {
        hidden_dims: vec![20, 20],
        bottleneck_dim: 8,
        output_dim: 24,
        norm_last_layer: false,
    });
    let head = config.build(&(store.root() / name), RNG, 12, store.kind()).unwrap();
    for (own, theirs) in HEAD {
        set(store, &format!("{name}.{own}"), tensors.get(&format!("{name}.{theirs}")));
    }
    head
}

#[test]
fn golden_losses_and_gradients_from_tokens_match_set_k() {
    let tensors = Tensors::open("k_dinov2.safetensors");
    let masks = tensors.get("masks").to_kind(Kind::Int64);
    let mut checked = 0;
    for case in cases("k_dinov2.json", "DINOv2_combined") {
        let separate = case["case"] == "separate heads";
        for kind in KINDS {
            let mut store = VarStore::new(Device::Cpu);
            store.set_kind(kind);
            let mut method = method(&case, &store, separate);
            let get = |name: &str| tensors.get(name).to_kind(kind).copy();
            let heads = ["head", "teacher_head", "patch_head", "teacher_patch_head"];
            let [of_class, teacher_of_class, of_patch, teacher_of_patch] =
                heads.map(|name| head(&store, name, &tensors));
            let (of_patch, teacher_of_patch) = match separate {
                true => (&of_patch, &teacher_of_patch),
                false => (&of_class, &teacher_of_class),
            };
            if text(&case, "form") == "centering" {
                set(&store, "method.center", &get("center_cls"));
                set(&store, "method.patch_center", &get("center_patches"));
            }
            let inputs = ["cls_student", "cls_local", "patches_student"]
                .map(|name| get(name).set_requires_grad(true));
            let (weights, places) = PatchProjections::places(&masks, kind);
            let masked = |patches: &Tensor| patches.flatten(0, 1).index_select(0, &places);
            let views = |head: &ProjectionHead, rows: &Tensor| -> Vec<Tensor> {
                rows.split(4, 0).iter().map(|view| head.forward(view)).collect()
            };
            let mut student = views(&of_class, &inputs[0]);
            student.extend(views(&of_class, &inputs[1]));
            let projections = Projections {
                student,
                teacher: no_grad(|| views(&teacher_of_class, &get("cls_teacher"))),
                features: inputs[0].split(4, 0),
                patches: Some(PatchProjections {
                    student: of_patch.forward(&masked(&inputs[2])),
                    teacher: no_grad(|| teacher_of_patch.forward(&masked(&get("patches_teacher")))),
                    weights,
                }),
            };
            let loss = method.loss(&projections);
            let what = format!("{} {} {kind:?}", case["form"], case["case"]);
            let (found, expected) = (loss.double_value(&[]), case["value"].as_f64().unwrap());
            let bound = if kind == Kind::Double { 1e-9 } else { 1e-5 };
            assert!((found - expected).abs() <= bound * (1.0 + expected), "{what}: {found}");
            let named = store.variables();
            let of = |name: &str| match inputs_of(name) {
                Some(index) => inputs[index].shallow_clone(),
                None => {
                    let (head, theirs) = name.split_once('.').unwrap();
                    let (own, _) = HEAD.iter().find(|(_, name)| *name == theirs).unwrap();
                    named[&format!("{head}.{own}")].shallow_clone()
                }
            };
            let names = case["gradients_wrt"].as_array().unwrap();
            let wanted: Vec<Tensor> = names.iter().map(|name| of(name.as_str().unwrap())).collect();
            let gradients = Tensor::run_backward(&[&loss], &wanted, false, false);
            for (number, (name, gradient)) in (1..).zip(names.iter().zip(&gradients)) {
                let Some(key) = case[format!("grad{number}")].as_str() else {
                    let length = case[format!("grad{number}_l2")].as_f64().unwrap();
                    let off = (gradient.norm().double_value(&[]) - length).abs() / length;
                    let bound = if kind == Kind::Double { 1e-8 } else { 2e-5 };
                    assert!(off <= bound, "{what}: {name} is {off} longer");
                    continue;
                };
                let expected = tensors.get(key);
                let off = difference(gradient, &expected.view_as(gradient)) / largest(expected);
                let [_, bound] = tolerances(kind, expected);
                assert!(off <= bound, "{what}: {name} off by {off}");
            }
            no_grad(|| method.update_state(&projections));
            check_center(&store, "center", &case, "center_cls_after", &tensors);
            check_center(&store, "patch_center", &case, "center_patches_after", &tensors);
            checked += 1;
        }
    }
    assert_eq!(checked, 8);
}

/// The place of an input among those that gradients are taken of.
fn inputs_of(name: &str) -> Option<usize> {
    ["cls_student", "cls_local", "patches_student"].iter().position(|input| *input == name)
}

#[test]
fn patches_of_a_view_count_as_much_as_the_view_however_many_are_masked() {
    let masks = Tensor::from_slice2(&[[1i64, 0, 1, 1], [0, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0]]);
    let (weights, places) = PatchProjections::places(&masks, Kind::Double);
    assert_eq!(Vec::<i64>::try_from(places).unwrap(), [0, 2, 3, 9, 12, 13]);
    let expected = [12.0, 12.0, 12.0, 4.0, 8.0, 8.0].map(|one: f64| one.recip());
    assert_eq!(Vec::<f64>::try_from(weights).unwrap(), expected);
}
