//! Every method against numbers computed elsewhere: the seed's losses (set A), published forms (set
//! D and our own formulas), in float64 and float32. A method's fixture says which cases are its
//! own.

use std::path::Path;

use golden::{Tensors, difference, largest};
use methods::{METHODS, MethodConfig, MethodContext, Projections};
use models::{WeightRng, WeightStream};
use optim::StepCount;
use serde_json::{Value, json};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad};

const KINDS: [Kind; 2] = [Kind::Double, Kind::Float];

/// The cases of a method's fixture.
fn fixture(method: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let path = folder.join(format!("{method}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let text = golden::with_teacher(&text);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// `template` with `"$key"` and `"$key*other"` replaced by hyper-parameters of the case.
fn fill(template: &Value, hyper: &Value) -> Value {
    match template {
        Value::String(text) => match text.strip_prefix('$') {
            None => template.clone(),
            Some(key) => match key.split_once('*') {
                None => hyper[key].clone(),
                Some((a, b)) => json!(hyper[a].as_f64().unwrap() * hyper[b].as_f64().unwrap()),
            },
        },
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), fill(value, hyper))).collect()
        }
        other => other.clone(),
    }
}

/// What a method is given in one case.
struct Given {
    config: MethodConfig,
    student: Vec<Tensor>,
    teacher: Vec<Tensor>,
    state: Vec<(String, Tensor)>,
    calls: u64,
}

struct Outcome {
    loss: f64,
    gradients: Vec<Tensor>,
    store: VarStore,
}

fn run(given: &Given, kind: Kind) -> Outcome {
    let mut store = VarStore::new(Device::Cpu);
    store.set_kind(kind);
    let context = MethodContext {
        path: store.root(),
        weight_rng: WeightRng { seed: 0, stream: WeightStream::Student },
        dimension: given.student[0].size()[1],
        image_size: 32,
        global_views: 2,
        compute: kind,
    };
    let mut method = given.config.build(&context).unwrap();
    for (name, values) in &given.state {
        no_grad(|| store.variables()[name].shallow_clone().copy_(values));
    }
    let cast = |tensors: &[Tensor]| -> Vec<Tensor> {
        tensors.iter().map(|p| p.to_kind(kind).copy()).collect()
    };
    let mut outcome = None;
    for step in 0..given.calls {
        let student: Vec<Tensor> =
            cast(&given.student).into_iter().map(|p| p.set_requires_grad(true)).collect();
        let projections = Projections {
            student: student.iter().map(Tensor::shallow_clone).collect(),
            teacher: cast(&given.teacher),
            features: student.iter().map(Tensor::shallow_clone).collect(),
            patches: None,
        };
        method.begin_step(StepCount { step, total: given.calls }, student[0].size()[0]);
        let loss = method.loss(&projections);
        assert_eq!(loss.kind(), kind);
        let gradients = Tensor::run_backward(&[&loss], &student, false, false);
        no_grad(|| method.update_state(&projections));
        outcome = Some((loss.double_value(&[]), gradients));
    }
    let (loss, gradients) = outcome.unwrap();
    Outcome { loss, gradients, store }
}

/// Compares a loss and those gradients that the reference has.
fn check(
    what: &str,
    outcome: &Outcome,
    loss: f64,
    gradients: &[Option<&Tensor>],
    kind: Kind,
    scale: f64,
) {
    let tolerance = match kind {
        Kind::Double => 1e-9 * loss.abs(),
        _ => 1e-5 + 1e-5 * loss.abs(),
    };
    let off = (outcome.loss - loss).abs();
    assert!(off <= tolerance, "{what}: {} instead of {loss}", outcome.loss);
    for (found, expected) in outcome.gradients.iter().zip(gradients) {
        let Some(expected) = expected else { continue };
        let tolerance = match (kind, expected.kind()) {
            (Kind::Double, Kind::Double) => 1e-8,
            (Kind::Double, _) => 2e-7,
            _ => 1e-5,
        };
        let expected = expected.to_kind(Kind::Double) * scale;
        let off = difference(found, &expected) / largest(&expected);
        assert!(off <= tolerance, "{what}: gradient off by {off} of its largest entry");
    }
}

fn indices(value: &Value, default: &[usize]) -> Vec<usize> {
    value.as_array().map_or(default.to_vec(), |list| {
        list.iter().map(|index| index.as_u64().unwrap() as usize).collect()
    })
}

/// The files of a set: its cases, its gradients and other tensors, by method.
fn files(set: &str, name: &str) -> (&'static str, String) {
    match set {
        "a" => ("a_losses.json", format!("a_{}.safetensors", name.to_lowercase())),
        "d" => ("d_lightly.json", "d_lightly.safetensors".to_owned()),
        "own" => ("d_own_paper_forms.json", "d_own_paper_forms.safetensors".to_owned()),
        other => panic!("no set {other}"),
    }
}

/// The tensors of a set, and the inputs that all sets share.
struct Sources {
    inputs: Tensors,
    own: Tensors,
}

impl Sources {
    fn find(&self, name: &str) -> Tensor {
        let source = if self.inputs.has(name) { &self.inputs } else { &self.own };
        source.get(name).shallow_clone()
    }

    /// The config of an entry with the numbers of a case, and the queue of the case's `shape`,
    /// where the config has one.
    fn config(
        &self,
        method: &str,
        entry: &Value,
        case: &Value,
        shape: &str,
    ) -> (MethodConfig, Vec<(String, Tensor)>) {
        let mut hyper = case["hyperparams"].clone();
        let mut state = Vec::new();
        if entry["config"]["queue_size"] == "$queue" {
            let queue = self.find(&format!("{shape}.queue"));
            hyper["queue"] = json!(queue.size()[0]);
            state.push(("queue".to_owned(), queue));
        }
        let config = json!({method: fill(&entry["config"], &hyper)});
        (serde_json::from_value(config).unwrap(), state)
    }

    fn given(&self, method: &str, entry: &Value, case: &Value) -> Given {
        let names = case["inputs"].as_array().unwrap();
        let get = |list: &[usize]| -> Vec<Tensor> {
            list.iter().map(|&index| self.find(names[index].as_str().unwrap())).collect()
        };
        let student = indices(&entry["student"], &[0, 1]);
        let teacher = if names.len() >= 4 { vec![2, 3] } else { student.clone() };
        let (config, state) = self.config(method, entry, case, case["case"].as_str().unwrap());
        Given {
            config,
            student: get(&student),
            teacher: get(&indices(&entry["teacher"], &teacher)),
            state,
            calls: entry["calls"].as_u64().unwrap_or(1),
        }
    }
}

/// Runs all cases of the reference that belong to one entry of a fixture; their number.
fn check_entry(method: &str, entry: &Value) -> usize {
    let (set, name) = (entry["set"].as_str().unwrap(), entry["name"].as_str().unwrap());
    let (cases, tensors) = files(set, name);
    let sources =
        Sources { inputs: Tensors::open("a_inputs.safetensors"), own: Tensors::open(&tensors) };
    let reference = golden::json(cases);
    let key = if set == "a" { "method" } else { "loss" };
    let mut checked = 0;
    for case in reference["cases"].as_array().unwrap() {
        if case[key] != name {
            continue;
        }
        let given = sources.given(method, entry, case);
        let (scale, offset) = (&entry["scale"], &entry["offset"]);
        let scale = scale.as_f64().unwrap_or(1.0);
        let value = case["loss_mean"].as_f64().or(case["value"].as_f64());
        let value = value.unwrap() * scale + offset.as_f64().unwrap_or(0.0);
        let gradient = |n| Some(sources.own.get(case[format!("grad{n}")].as_str()?));
        let gradients: Vec<_> = (1..=given.student.len()).map(gradient).collect();
        for kind in KINDS {
            let outcome = run(&given, kind);
            let (case_name, choice) = (&case["case"], &case["choice"]);
            let what = format!("{method} {name} {case_name} {choice} {kind:?}");
            check(&what, &outcome, value, &gradients, kind, scale);
            for (key, state) in [("queue_after", "queue"), ("center_after_second", "center")] {
                let Some(after) = case[key].as_str() else {
                    continue;
                };
                let found = &outcome.store.variables()[state];
                let off = difference(found, &sources.own.get(after).view(&found.size()[..]));
                assert!(off <= 1e-6, "{what}: {state} off by {off}");
            }
            checked += 1;
        }
    }
    checked
}

fn matrix(value: &Value) -> Tensor {
    let rows: Vec<Vec<f64>> = serde_json::from_value(value.clone()).unwrap();
    let columns = rows[0].len() as i64;
    Tensor::from_slice(&rows.concat()).view([-1, columns])
}

/// A case that stands in the fixture itself.
fn check_inline(method: &str, entry: &Value) -> usize {
    let matrices =
        |key: &str| -> Vec<Tensor> { entry[key].as_array().unwrap().iter().map(matrix).collect() };
    let given = Given {
        config: serde_json::from_value(json!({method: entry["config"]})).unwrap(),
        student: matrices("student"),
        teacher: matrices("teacher"),
        state: entry["state"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), matrix(value)))
            .collect(),
        calls: 1,
    };
    let gradients = matrices("gradients");
    let gradients: Vec<_> = gradients.iter().map(Some).collect();
    for kind in KINDS {
        let outcome = run(&given, kind);
        check(
            &format!("{method} {} {kind:?}", entry["name"]),
            &outcome,
            entry["loss"].as_f64().unwrap(),
            &gradients,
            kind,
            1.0,
        );
    }
    KINDS.len()
}

#[test]
fn golden_losses_and_gradients_match_every_methods_fixture() {
    let mut of_set_a = 0;
    for method in METHODS {
        let entries = fixture(method.name);
        assert!(!entries.is_empty(), "{} has no golden case", method.name);
        for entry in &entries {
            let checked = match entry["set"].as_str().unwrap() {
                "inline" => check_inline(method.name, entry),
                "a" => {
                    let checked = check_entry(method.name, entry);
                    of_set_a += checked;
                    checked
                }
                _ => check_entry(method.name, entry),
            };
            assert!(checked >= KINDS.len(), "no case of {}", entry["name"]);
        }
        let seed = entries.iter().any(|entry| entry["set"] == "a");
        assert_eq!(seed, method.has_seed_variant(), "{}: the seed's form and set A", method.name);
    }
    let cases = golden::json("a_losses.json")["cases"].as_array().unwrap().len();
    assert_eq!(of_set_a, KINDS.len() * cases, "cases of set A");
}

/// Edge cases give the student's views by name; a teacher's are the ordinary ones of the second
/// view's shape.
fn edge_case(method: &str, entry: &Value, case: &Value, sources: &Sources) -> Given {
    let name = |view: &str| case[view].as_str().unwrap().to_owned();
    let (p1, p2) = (name("p1"), name("p2"));
    let shape = p2.split('.').next().unwrap();
    let teacher = match case["hyperparams"]["momentum_coeff"].is_number() {
        true => [format!("{shape}.m1"), format!("{shape}.m2")],
        false => [p1.clone(), p2.clone()],
    };
    let (config, state) = sources.config(method, entry, case, shape);
    Given {
        config,
        student: vec![sources.find(&p1), sources.find(&p2)],
        teacher: teacher.iter().map(|name| sources.find(name)).collect(),
        state,
        calls: 1,
    }
}

#[test]
fn golden_edge_cases_match_set_a_or_are_finite() {
    let reference = golden::json("a_losses.json");
    let sources = Sources {
        inputs: Tensors::open("a_inputs.safetensors"),
        own: Tensors::open("a_edge.safetensors"),
    };
    let mut checked = 0;
    for method in METHODS {
        let entries = fixture(method.name);
        for entry in entries.iter().filter(|entry| entry["set"] == "a") {
            for case in reference["edge_cases"].as_array().unwrap() {
                if case["method"] != entry["name"] {
                    continue;
                }
                let given = edge_case(method.name, entry, case, &sources);
                let outcome = run(&given, Kind::Double);
                let what = format!("{} {}", method.name, case["edge"]);
                if let Some(loss) = case["loss_mean"].as_f64() {
                    let gradient = |view: &str| Some(sources.own.get(case[view].as_str()?));
                    let gradients = ["grad1", "grad2"].map(gradient);
                    check(&what, &outcome, loss, &gradients, Kind::Double, 1.0);
                } else {
                    // The seed gives not-a-number here.
                    assert!(outcome.loss.is_finite(), "{what}: {}", outcome.loss);
                    for gradient in &outcome.gradients {
                        assert!(largest(gradient).is_finite(), "{what}: gradient");
                    }
                }
                checked += 1;
            }
        }
    }
    assert_eq!(checked, reference["edge_cases"].as_array().unwrap().len(), "edge cases of set A");
}
