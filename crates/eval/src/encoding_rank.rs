//! What the other ranks of an [`EncodingGroup`] do.

use dataset::Dataset;
use loader::ViewBlock;
use models::DeviceChoice;

use crate::encoding_group::Message;
use crate::{EncodingGroup, Error, FrozenEncoder, Result};

impl EncodingGroup {
    /// Encodes images of `sets` on `device` for rank 0, until it says how it ended.
    ///
    /// # Errors
    /// [`Error::Group`], [`Error::Loader`] where images can't be read any more, [`Error::Encoder`]
    /// where the encoder can't be made here.
    pub fn serve(&self, sets: &[Dataset], device: DeviceChoice) -> Result<String> {
        let mut encoder: Option<FrozenEncoder> = None;
        loop {
            let mut request = match self.next()? {
                Message::End(said) => return Ok(said),
                Message::Encode(request) => request,
            };
            if let Some(run) = request.run.take() {
                // Makes room for the next one.
                drop(encoder.take());
                let made = FrozenEncoder::of_record(*run, device);
                let made = made.map_err(|error| Error::Encoder(error.to_string()))?;
                self.share_weights(made.networks.encoder_tensors())?;
                encoder = Some(made);
            }
            let encoder = encoder.as_ref().expect("weights come first");
            let mut splits = sets[request.set].splits();
            let (_, split) = splits.find(|(name, _)| *name == request.split).expect("a split");
            let encode = |block: &ViewBlock| encoder.output(request.output, block);
            self.encode(split, &request, &encode, &mut |_| Ok::<(), Error>(()))?;
        }
    }
}
