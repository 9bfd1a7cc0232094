use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use crate::media::caption::Caption;
use crate::sync::lock;

/// The most captions.
const MAX_CAPTIONS: usize = 100_000;
/// The most bytes of all captions.
const MAX_BYTES: usize = 64 << 20;

/// The captions of generated files, by the motif in their names. The oldest are removed. A file without its caption is
/// drawn without words.
#[derive(Debug, Default)]
pub(crate) struct Captions(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    captions: HashMap<u64, Arc<Caption>>,
    /// The motifs, oldest first.
    order: VecDeque<u64>,
    bytes: usize,
}

impl Captions {
    pub(crate) fn get(&self, motif: u64) -> Option<Arc<Caption>> {
        lock(&self.0).captions.get(&motif).cloned()
    }

    pub(crate) fn add(&self, motif: u64, caption: &Arc<Caption>) {
        let mut known = lock(&self.0);
        if known.captions.insert(motif, Arc::clone(caption)).is_some() {
            return;
        }
        known.order.push_back(motif);
        known.bytes += caption.size();
        while known.order.len() > MAX_CAPTIONS || known.bytes > MAX_BYTES {
            let Some(oldest) = known.order.pop_front() else { return };
            if let Some(caption) = known.captions.remove(&oldest) {
                known.bytes -= caption.size();
            }
        }
    }
}
