//! Distillation against lightly-train's (set N).

use golden::{Tensors, cases, difference};
use models::{WeightRng, WeightStream};
use tch::nn::VarStore;
use tch::{Device, Kind, no_grad};

use super::*;

#[test]
fn golden_losses_gradients_and_queues_match_set_n() {
    let tensors = Tensors::open("n_others.safetensors");
    let mut checked = 0;
    for case in cases("n_others.json", "Distillation") {
        let name = |index: usize| case["inputs"][index].as_str().unwrap();
        let temperature = case["hyperparams"]["temperature"].as_f64().unwrap();
        for (kind, of_value, of_gradient) in [(Kind::Double, 1e-9, 1e-8), (Kind::Float, 1e-5, 5e-5)]
        {
            let [student, teacher, rows] =
                [0, 1, 2].map(|index| tensors.get(name(index)).to_kind(kind));
            let mut store = VarStore::new(Device::Cpu);
            store.set_kind(kind);
            let context = MethodContext {
                path: store.root(),
                weight_rng: WeightRng { seed: 0, stream: WeightStream::Method },
                dimension: student.size()[1],
                image_size: 16,
                global_views: 2,
                compute: kind,
            };
            let mut queue = Queue::zeros(&context, rows.size()[0], rows.size()[1]);
            no_grad(|| queue.rows().shallow_clone().copy_(&rows));
            let student = student.copy().set_requires_grad(true);
            let loss = distillation(&student, &teacher, &queue.after(&[&teacher]), temperature);
            queue.push(&[&teacher]);
            let what = format!("{} {} {temperature} {kind:?}", case["form"], case["case"]);
            let (found, expected) = (loss.double_value(&[]), case["value"].as_f64().unwrap());
            let off = (found - expected).abs();
            assert!(off <= of_value * (1.0 + expected.abs()), "{what}: {found}, not {expected}");
            let gradient = &Tensor::run_backward(&[&loss], &[&student], false, false)[0];
            golden::assert_gradient(&what, gradient, &case, &tensors, of_gradient);
            if let Some(name) = case["queue_after"].as_str() {
                let off = difference(queue.rows(), tensors.get(name));
                assert!(off <= 1e-6, "{what}: queue off by {off}");
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 14, "cases of set N");
}
