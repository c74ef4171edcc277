//! Schedules.

use crate::{Interval, Schedule, StepCount};

fn at(schedule: Schedule, step: u64) -> f64 {
    schedule.at(StepCount { step, total: 100 })
}

#[test]
fn schedules_pass_through_their_ends() {
    let cosine = Schedule::Cosine { start: 0.996, end: 1.0 };
    assert!((at(cosine, 0) - 0.996).abs() < 1e-12);
    assert!((at(cosine, 50) - 0.998).abs() < 1e-12);
    assert!((at(cosine, 100) - 1.0).abs() < 1e-12);
    let warm = Schedule::Warmup { start: 0.04, end: 0.07, warmup_fraction: 0.3 };
    assert!((at(warm, 0) - 0.04).abs() < 1e-12);
    assert!((at(warm, 10) - 0.05).abs() < 1e-12);
    assert_eq!(at(warm, 30), 0.07);
    assert_eq!(at(warm, 99), 0.07);
    assert_eq!(at(Schedule::Constant(0.9), 7), 0.9);
}

#[test]
fn a_warm_up_ends_where_the_cosine_begins() {
    let schedule = |warmup_fraction| Schedule::WarmupCosine {
        start: 0.1,
        peak: 0.9,
        end: 0.3,
        warmup_fraction,
    };
    for (share, step, expected) in [
        (0.2, 0, 0.1),
        (0.2, 5, 0.3),
        (0.2, 20, 0.9),
        (0.2, 60, 0.6),
        (0.2, 100, 0.3),
        // No warm-up, and nothing else.
        (0.0, 0, 0.9),
        (0.0, 50, 0.6),
        (1.0, 50, 0.5),
        (1.0, 100, 0.9),
    ] {
        let found = at(schedule(share), step);
        assert!((found - expected).abs() < 1e-12, "{share} {step}: {found}");
    }
}

#[test]
fn values_and_shares_are_what_is_checked() {
    let schedule = |start, peak, end, warmup_fraction| Schedule::WarmupCosine {
        start,
        peak,
        end,
        warmup_fraction,
    };
    let check = |schedule: Schedule| schedule.checked("method.key", Interval::NonNegative);
    check(schedule(0.0, 1.0, 0.0, 0.1)).unwrap();
    for (wrong, says) in [
        (schedule(-1.0, 1.0, 0.0, 0.1), "found -1"),
        (schedule(0.0, -2.0, 0.0, 0.1), "found -2"),
        (schedule(0.0, 1.0, -3.0, 0.1), "found -3"),
        (schedule(0.0, 1.0, 0.0, 1.5), "found 1.5"),
    ] {
        let error = check(wrong).unwrap_err().to_string();
        assert!(error.starts_with("method.key: ") && error.ends_with(says), "{error}");
    }
}

#[test]
fn golden_schedules_match_set_h() {
    let reference = golden::json("h_optim.json");
    let cases = reference["schedules"].as_array().unwrap();
    for case in cases {
        let number = |key: &str| case[key].as_f64().unwrap();
        let values = case["values"].as_array().unwrap();
        // There the last of the steps has the end's value: as a plan of one less after its end.
        let of = number("max_steps") - 1.0;
        let (schedule, warm) = match case["name"].as_str().unwrap() {
            "cosine" => {
                let (start, end) = (number("start"), number("end"));
                (Schedule::Cosine { start, end }, 0)
            }
            "cosine_warmup" => {
                let warm = number("warmup_steps");
                let schedule = Schedule::WarmupCosine {
                    start: number("warmup_start"),
                    peak: number("start"),
                    end: number("end"),
                    warmup_fraction: warm / of,
                };
                (schedule, warm as usize)
            }
            other => panic!("no schedule called {other}"),
        };
        for (index, expected) in values.iter().enumerate() {
            // There a warm-up never has its first value, and ends a step earlier.
            let step = (index + usize::from(index < warm)) as u64;
            let total = of as u64;
            let found = schedule.at(StepCount { step, total });
            let off = (found - expected.as_f64().unwrap()).abs();
            assert!(off < 1e-12, "{case} at {index}: {found}");
        }
    }
    assert!(!cases.is_empty());
}

/// A schedule here has no more steps than training; DINOv2's stays at its end after them, and its
/// warm-up has one value for its last step and the step after it.
#[test]
fn golden_cosines_match_set_m() {
    let mut checked = 0;
    for case in golden::cases("m_groups.json", "schedule") {
        let number = |key: &str| case["hyperparams"][key].as_f64();
        if number("warmup_iters").is_some() {
            continue;
        }
        let (start, end) = (number("base_value").unwrap(), number("final_value").unwrap());
        let total = number("total_iters").unwrap() as u64;
        let schedule = Schedule::Cosine { start, end };
        let values = case["values"].as_array().unwrap();
        for (step, expected) in (0..total).zip(values) {
            let found = schedule.at(StepCount { step, total });
            let off = (found - expected.as_f64().unwrap()).abs();
            assert!(off <= 1e-12, "{} at {step}: {found}", case["name"]);
        }
        checked += 1;
    }
    assert_eq!(checked, 2, "weight decay and teacher momentum");
}
