//! Collectives between ranks, which are threads here: each has a group of its own, over TCP as
//! between processes.
#![cfg(feature = "c10d")]

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use group::{Error, Group, Launch};
use tch::{Device, Kind, Tensor};

const TIMEOUT: Duration = Duration::from_secs(20);

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn launch(rank: usize, size: usize, port: u16) -> Launch {
    let host = "127.0.0.1".to_owned();
    Launch { rank, size, local_rank: rank, local_size: size, host, port, agent: false }
}

/// What `work` gives on each of `size` ranks.
fn on_ranks<T: Send>(size: usize, work: impl Fn(&Group) -> T + Sync) -> Vec<T> {
    let port = free_port();
    thread::scope(|scope| {
        let rank = |rank| {
            let work = &work;
            scope.spawn(move || {
                let launch = launch(rank, size, port);
                work(&Group::join(&launch, TIMEOUT).unwrap())
            })
        };
        let ranks: Vec<_> = (0..size).map(rank).collect();
        ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}

fn values(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).view(-1)).unwrap()
}

#[test]
fn every_rank_gets_what_a_collective_gives() {
    let found = on_ranks(3, |group| {
        let rank = group.rank() as f64;
        let mut sum = Tensor::from_slice(&[rank, 1.0]);
        group.all_reduce(&mut sum).unwrap();
        let mut first = Tensor::from_slice(&[rank + 7.0]);
        group.broadcast(&mut first).unwrap();
        let all = group.all_gather(&Tensor::from_slice(&[rank, -rank])).unwrap();
        assert_eq!(all.size(), [3, 2]);
        let text = if group.is_first() { "settings" } else { "" };
        let text = group.broadcast_bytes(text.as_bytes()).unwrap();
        let bytes = vec![7; group.rank()];
        let bytes = group.gather_bytes(&bytes).unwrap();
        assert_eq!(bytes, [vec![], vec![7], vec![7, 7]]);
        let any = group.any(&[group.rank() == 1, false]).unwrap();
        assert_eq!(any, [true, false]);
        group.barrier(TIMEOUT).unwrap();
        (values(&sum), values(&first), values(&all), String::from_utf8(text).unwrap())
    });
    for (sum, first, all, text) in found {
        assert_eq!(sum, [3.0, 3.0]);
        assert_eq!(first, [7.0]);
        assert_eq!(all, [0.0, 0.0, 1.0, -1.0, 2.0, -2.0]);
        assert_eq!(text, "settings");
    }
}

#[test]
fn groups_of_one_process_do_not_disturb_each_other() {
    thread::scope(|scope| {
        for number in 0..4 {
            scope.spawn(move || {
                for _ in 0..10 {
                    let sums = on_ranks(3, |group| {
                        let mut sum = Tensor::from(f64::from(number));
                        group.all_reduce(&mut sum).unwrap();
                        sum.double_value(&[])
                    });
                    assert_eq!(sums, [3.0 * f64::from(number); 3]);
                }
            });
        }
    });
}

#[test]
fn rows_of_unequal_shares_are_put_in_the_order_of_one_process() {
    // Two views of five images with two columns; the last rank has none.
    let whole = Tensor::arange(20, (Kind::Double, Device::Cpu)).view([2, 5, 2]);
    let counts = [2, 3, 0];
    let expected = values(&whole);
    let found = on_ranks(3, |group| {
        let whole = Tensor::arange(20, (Kind::Double, Device::Cpu)).view([2, 5, 2]);
        let first: usize = counts[..group.rank()].iter().sum();
        let count = counts[group.rank()] as i64;
        let own = whole.narrow(1, first as i64, count).reshape([2 * count, 2]);
        values(&group.gather_rows(&own, 2, &counts).unwrap())
    });
    assert!(found.iter().all(|rows| *rows == expected), "{found:?}");
}

/// Seven images in shares of two and five, against libtorch's normalization of all of them.
#[test]
fn synchronized_normalization_is_that_of_the_whole_batch() {
    let parts = [(0, 2), (2, 5)];
    // No generator of random numbers: libtorch has one for all threads.
    let inputs = || {
        let noise = |shape: &[i64], shift: f64| {
            let numbers =
                Tensor::arange(shape.iter().product::<i64>(), (Kind::Double, Device::Cpu));
            (numbers * 12.9898 + shift).sin().view(shape)
        };
        let x = noise(&[7, 4, 3, 3], 1.0) * 3.0 + 100.0;
        let learned = [x, noise(&[4], 2.0), noise(&[4], 3.0)];
        let learned = learned.map(|tensor| tensor.set_requires_grad(true));
        learned.into_iter().chain([noise(&[7, 4, 3, 3], 4.0)]).collect::<Vec<_>>()
    };
    let of_all = inputs();
    let none = None::<Tensor>;
    let y = of_all[0].batch_norm(
        Some(&of_all[1]),
        Some(&of_all[2]),
        none.as_ref(),
        none.as_ref(),
        true,
        0.0,
        1e-5,
        false,
    );
    (&y * &of_all[3]).sum(Kind::Double).backward();
    let near = |found: &Tensor, expected: &Tensor| {
        let off = (found - expected).abs().max().double_value(&[]);
        assert!(off < 1e-9, "off by {off}");
    };
    let found = on_ranks(2, |group| {
        let all = inputs();
        let (first, count) = parts[group.rank()];
        let part = |tensor: &Tensor| tensor.narrow(0, first, count);
        let x = part(&all[0]).detach().set_requires_grad(true);
        let (y, statistics) = group.sync_batch_norm(&x, &all[1], &all[2], 1e-5).unwrap();
        (&y * part(&all[3])).sum(Kind::Double).backward();
        group.check().unwrap();
        let mut parameters = Tensor::cat(&[all[1].grad(), all[2].grad()], 0);
        group.all_reduce(&mut parameters).unwrap();
        (y.detach(), x.grad(), parameters, statistics)
    });
    for ((first, count), (y_part, gradient, parameters, statistics)) in parts.iter().zip(&found) {
        near(y_part, &y.detach().narrow(0, *first, *count));
        near(gradient, &of_all[0].grad().narrow(0, *first, *count));
        near(parameters, &Tensor::cat(&[of_all[1].grad(), of_all[2].grad()], 0));
        let x = of_all[0].detach();
        near(&statistics.mean, &x.mean_dim([0i64, 2, 3].as_slice(), false, Kind::Double));
        near(&statistics.variance, &x.var_dim([0i64, 2, 3].as_slice(), false, false));
        assert_eq!(statistics.count.double_value(&[]), 63.0);
    }
    assert!(Group::alone().sync_batch_norm(&y, &of_all[1], &of_all[2], 1e-5).is_none());
}

#[test]
fn a_rank_that_ends_fails_the_others_at_once() {
    let begun = Instant::now();
    let found = on_ranks(2, |group| {
        if group.rank() == 1 {
            return None;
        }
        let failed = (0..1000).find_map(|_| {
            thread::sleep(Duration::from_millis(10));
            group.all_reduce(&mut Tensor::from(1.0)).err()
        });
        Some((failed.expect("the other rank is gone"), group.all_reduce(&mut Tensor::from(1.0))))
    });
    let (error, after) = found.into_iter().next().unwrap().unwrap();
    let text = error.to_string();
    assert!(text.starts_with("rank 0 of 2: all-reduce failed: ") && text.lines().count() == 1);
    assert!(text.ends_with("; rank 1 ended or doesn't answer"), "{text}");
    assert!(after.is_err());
    assert!(begun.elapsed() < TIMEOUT / 2, "{text}");
}

#[test]
fn a_rank_that_never_comes_is_waited_for_once() {
    let short = Duration::from_millis(1500);
    let port = free_port();
    // Nobody listens.
    let error = Group::join(&launch(1, 2, port), short).unwrap_err();
    let expected = Error::NoAnswer { host: "127.0.0.1".to_owned(), port, secs: 1 };
    assert_eq!(error, expected);
    // Nobody else comes.
    let error = Group::join(&launch(0, 2, free_port()), short).unwrap_err();
    assert!(matches!(&error, Error::Collective { absent, .. } if *absent == [1]), "{error}");
}

#[test]
fn a_restart_meets_at_a_store_of_its_own() {
    // A launcher's server outlives two attempts.
    let port = free_port();
    let agent = launch(0, 1, port);
    let server = thread::spawn(move || {
        let listens = Launch { size: 2, ..agent };
        // It serves its store until nobody comes.
        Group::join(&listens, Duration::from_secs(8)).is_err()
    });
    for attempt in 0..2 {
        let sums: Vec<f64> = thread::scope(|scope| {
            let ranks: Vec<_> = (0..2)
                .map(|rank| {
                    scope.spawn(move || {
                        let launch = Launch { agent: true, ..launch(rank, 2, port) };
                        let group = Group::join(&launch, TIMEOUT).unwrap();
                        let mut sum = Tensor::from(1.0 + f64::from(attempt));
                        group.all_reduce(&mut sum).unwrap();
                        sum.double_value(&[])
                    })
                })
                .collect();
            ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
        });
        assert_eq!(sums, [2.0 + 2.0 * f64::from(attempt); 2]);
    }
    assert!(server.join().unwrap());
}

#[test]
fn nccl_without_a_gpu_is_one_line() {
    let port = free_port();
    let refused = |rank| {
        let launch = launch(rank, 2, port);
        let group = Group::join(&launch, TIMEOUT).unwrap();
        group.use_nccl().err().map(|error| error.to_string())
    };
    let texts: Vec<String> = thread::scope(|scope| {
        let ranks: Vec<_> = (0..2).map(|rank| scope.spawn(move || refused(rank))).collect();
        ranks.into_iter().filter_map(|rank| rank.join().unwrap()).collect()
    });
    if !tch::Cuda::is_available() {
        assert_eq!(texts.len(), 2);
        for text in texts {
            assert!(text.contains("NCCL") && text.lines().count() == 1, "{text}");
        }
    }
}
