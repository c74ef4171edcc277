//! Processor time of a view, by recipe and instruction set.

use std::hint::black_box;

use augment::{Renderer, SimdLevel, ViewKey};
use dataset::Dataset;

use crate::clock::thread_secs;
use crate::recipes::{Subject, subjects};
use crate::{median, record};

/// The contenders take turns this often, so that what changes on the machine meets all of them.
const ROUNDS: usize = 15;
/// Images between two looks at the clock.
const IMAGES: u64 = 32;

/// The name of a level on the page.
fn name(level: SimdLevel) -> &'static str {
    match level {
        SimdLevel::Scalar => "portable",
        SimdLevel::Avx2 => "AVX2",
        SimdLevel::Avx512 => "AVX-512",
    }
}

/// One recipe on one level.
struct Contender<'a> {
    subject: &'a Subject,
    level: SimdLevel,
    renderer: Renderer,
    image: u64,
    ns_per_view: Vec<f64>,
}

/// Renders views of the unlabeled images for `secs` with each recipe and level; prints the median
/// of the rounds.
pub fn measure(data: &Dataset, secs: f64) {
    let subjects = subjects();
    let mut contenders = Vec::new();
    for subject in &subjects {
        for level in SimdLevel::ALL {
            let Some(renderer) = Renderer::with_level(level) else {
                continue;
            };
            contenders.push(Contender {
                subject,
                level,
                renderer,
                image: 0,
                ns_per_view: Vec::new(),
            });
        }
    }
    for _ in 0..ROUNDS {
        for contender in &mut contenders {
            contender.round(data, secs / ROUNDS as f64);
        }
    }
    for contender in contenders {
        record(
            "augmentation",
            contender.subject.name,
            name(contender.level),
            "ns a view",
            median(contender.ns_per_view),
        );
    }
}

impl Contender<'_> {
    fn round(&mut self, data: &Dataset, secs: f64) {
        let views = &self.subject.views;
        let mut outs: Vec<Vec<u8>> =
            views.iter().map(|recipe| vec![0; 3 * recipe.size * recipe.size]).collect();
        let first = self.image;
        let begun = thread_secs();
        let spent = loop {
            for _ in 0..IMAGES {
                let image = data.unlabeled.image(self.image as usize % data.unlabeled.len());
                for (view, (recipe, out)) in views.iter().zip(&mut outs).enumerate() {
                    let key = ViewKey { seed: 0, epoch: 0, image: self.image, view: view as u32 };
                    self.renderer.render(recipe, &image, key, out);
                    black_box(out);
                }
                self.image += 1;
            }
            let spent = thread_secs() - begun;
            if spent >= secs {
                break spent;
            }
        };
        let rendered = (self.image - first) as f64 * views.len() as f64;
        self.ns_per_view.push(spent * 1e9 / rendered);
    }
}
