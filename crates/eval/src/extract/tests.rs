use std::ops::ControlFlow;

use dataset::PixelOrder;

use super::*;

/// Five 1x1 images whose red byte is their index.
fn split(labels: Option<Vec<u16>>) -> Split {
    let bytes = (0u8..5).flat_map(|index| [index, 7, 9]).collect();
    Split::in_memory(bytes, labels, 1, 1, PixelOrder::RowMajor)
}

fn pixels(block: &loader::ViewBlock) -> Tensor {
    Tensor::from_slice(&block.bytes).view([block.images as i64, 3]).to_kind(Kind::Float)
}

#[test]
fn every_image_once_in_order_whatever_the_batch() {
    for batch in [1, 2, 5, 100] {
        let labels = vec![4, 3, 2, 1, 0];
        let features = extract_labeled(&split(Some(labels)), "train", 1, batch, &pixels).unwrap();
        let red = Vec::<f32>::try_from(&features.x().select(1, 0)).unwrap();
        assert_eq!(red, [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(features.label_vec(), [4, 3, 2, 1, 0]);
        assert_eq!((features.len(), features.dim()), (5, 3));
    }
}

#[test]
fn no_gradient_is_recorded() {
    let weight = Tensor::ones([3, 2], (Kind::Float, Device::Cpu)).set_requires_grad(true);
    let x = extract(&split(None), 1, 2, &|block| pixels(block).matmul(&weight)).unwrap();
    assert!(!x.requires_grad());
}

#[test]
fn diverged_encoders_are_counted() {
    let error = extract(&split(None), 1, 2, &|block| pixels(block).log()).unwrap_err();
    assert_eq!(error, Error::NonFinite { bad: 1, images: 2 }, "the logarithm of red 0");
}

fn encoding(encode: Encode<'_>) -> Encoding<'_> {
    Encoding { side: 1, encode }
}

fn set(test: Option<Split>) -> Dataset {
    Dataset {
        kind: "test",
        unlabeled: split(None),
        train: None,
        test,
        class_names: vec![],
        folds: vec![],
    }
}

#[test]
fn a_stream_is_what_is_extracted_batch_by_batch() {
    let set = set(Some(split(Some(vec![0; 5]))));
    let images = ConcatSplits::new(&set, &[]).unwrap();
    let (mut rows, mut lengths) = (Vec::new(), Vec::new());
    stream::<Error>(&encoding(&pixels), &images, 2, &mut |x| {
        lengths.push(x.len());
        rows.extend_from_slice(x);
        Ok(())
    })
    .unwrap();
    // Batches end where splits do.
    assert_eq!(lengths, [6, 6, 3, 6, 6, 3]);
    let red: Vec<f32> = rows.iter().copied().step_by(3).collect();
    assert_eq!(red, [0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 1.0, 2.0, 3.0, 4.0]);
    let splits: Vec<&Split> = images.splits().iter().map(|(_, split)| *split).collect();
    let all = gather(&encoding(&pixels), &splits, 2, &|x| x + 1.0, GO_ON);
    let all = Vec::<f32>::try_from(&all.unwrap().view([-1])).unwrap();
    assert!(all.iter().zip(&rows).all(|(kept, row)| *kept == row + 1.0));
}

#[test]
fn a_stream_ends_where_it_is_told_to_or_the_encoder_has_diverged() {
    let set = set(None);
    let images = ConcatSplits::new(&set, &[]).unwrap();
    let mut batches = 0;
    let stopped = stream(&encoding(&pixels), &images, 2, &mut |_| {
        batches += 1;
        if batches == 2 { Err(Error::Interrupted) } else { Ok(()) }
    });
    assert_eq!((stopped, batches), (Err(Error::Interrupted), 2));
    let log = |block: &loader::ViewBlock| pixels(block).log();
    let diverged = stream(&encoding(&log), &images, 2, &mut |_| Err(Error::Interrupted));
    assert_eq!(diverged, Err(Error::NonFinite { bad: 1, images: 2 }));
    let told = std::cell::RefCell::new(Vec::new());
    let keep = |x: &Tensor| x.shallow_clone();
    let split = &set.unlabeled;
    let stopped = gather(&encoding(&pixels), &[split], 2, &keep, &|done, all| {
        told.borrow_mut().push([done, all]);
        if done < 4 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert_eq!(stopped.unwrap_err(), Error::Interrupted);
    assert_eq!(told.into_inner(), [[2, 5], [4, 5]]);
}

#[test]
fn missing_splits_and_labels_are_named() {
    let dataset = |train, test| Dataset {
        kind: "test",
        unlabeled: split(None),
        train,
        test,
        class_names: vec![],
        folds: vec![],
    };
    let labeled = || Some(split(Some(vec![0; 5])));
    let error = |train, test| labeled_splits(&dataset(train, test)).unwrap_err();
    assert_eq!(error(None, labeled()), Error::NoSplit { split: "train" });
    assert_eq!(error(labeled(), None), Error::NoSplit { split: "test" });
    assert_eq!(error(labeled(), Some(split(None))), Error::NoLabels { split: "test", images: 5 });
    assert!(labeled_splits(&dataset(labeled(), labeled())).is_ok());
    let error = extract_labeled(&split(None), "train", 1, 2, &pixels).unwrap_err();
    assert_eq!(error, Error::NoLabels { split: "train", images: 5 });
}
