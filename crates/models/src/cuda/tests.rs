//! On a GPU where there is one, and that errors say so where there is none.

use tch::{Device, Kind, Tensor};

use super::*;
use crate::DeviceChoice;

#[test]
fn bytes_arrive_or_there_is_no_cuda() {
    let Ok(Device::Cuda(gpu)) = DeviceChoice::Auto.open() else {
        let errors = [
            CudaEvent::record(0).err(),
            PageLock::new(&[0; 10]).err(),
            CopyStream::new(0).err(),
            ComputeStream::enter(0).err(),
            CudaGraph::capture(0, &mut GraphMemory::default(), || ()).err(),
            peak_memory(0).err(),
            reset_peak_memory(0).err(),
        ];
        // Where there is a CUDA libtorch, it says that there is no GPU.
        let errors = errors.map(|error| error.unwrap().to_string());
        let expected = "CUDA: libtorch has no CUDA loaded";
        let loaded = errors.iter().all(|error| error != expected);
        assert!(loaded || errors.iter().all(|error| error == expected), "{errors:#?}");
        return;
    };
    let pages: Vec<u8> = (0..1 << 20).map(|i| (i * i % 251) as u8).collect();
    let lock = PageLock::new(&pages).unwrap();
    let mut transfer =
        CopyStream::new(gpu).unwrap().start(&pages[..], |pages| vec![pages, &pages[..5]]).unwrap();
    let received = transfer.receive().unwrap();
    let sums = received.iter().map(|bytes| Vec::<u8>::try_from(&bytes.to(Device::Cpu)).unwrap());
    assert_eq!(sums.collect::<Vec<_>>(), [pages.clone(), pages[..5].to_vec()]);
    assert!(transfer.is_done().unwrap() && peak_memory(gpu).unwrap() >= 1 << 20);
    assert_eq!(transfer.into_source().unwrap(), pages);
    drop(lock);
}

#[test]
fn a_graph_repeats_what_was_captured() {
    let Ok(Device::Cuda(gpu)) = DeviceChoice::Auto.open() else { return };
    let options = (Kind::Float, Device::Cuda(gpu));
    let mut input = Tensor::ones([4], options);
    let mut sums = Tensor::zeros([4], options);
    let stream = ComputeStream::enter(gpu).unwrap();
    let mut memory = GraphMemory::default();
    let mut step = || {
        let squares = input.square();
        sums += &squares;
        squares
    };
    // Library handles are made outside of a graph.
    drop(step());
    let (graph, squares) = CudaGraph::capture(gpu, &mut memory, &mut step).unwrap();
    for value in [2.0, 3.0] {
        let _ = input.fill_(value);
        graph.replay().unwrap();
        assert_eq!(squares.double_value(&[0]), value * value);
    }
    assert_eq!(sums.double_value(&[3]), 14.0);
    drop(stream);
}
