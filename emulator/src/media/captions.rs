use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use crate::media::caption::Caption;
use crate::saved::change::Kind;
use crate::saved::sink::Sink;
use crate::sync::lock;

/// The most captions.
const MAX_CAPTIONS: usize = 100_000;
/// The most bytes of all captions.
const MAX_BYTES: usize = 64 << 20;

/// The captions of generated files, by the motif in their names. The oldest are removed. A file without its caption is
/// drawn without words.
#[derive(Debug)]
pub(crate) struct Captions {
    known: Mutex<Known>,
    sink: Sink,
}

#[derive(Debug, Default)]
struct Known {
    captions: HashMap<u64, Arc<Caption>>,
    /// The motifs, oldest first.
    order: VecDeque<u64>,
    bytes: usize,
}

impl Captions {
    pub(crate) fn new(sink: Sink) -> Self {
        Captions { known: Mutex::default(), sink }
    }

    pub(crate) fn get(&self, motif: u64) -> Option<Arc<Caption>> {
        lock(&self.known).captions.get(&motif).cloned()
    }

    pub(crate) fn add(&self, motif: u64, caption: &Arc<Caption>) {
        if self.insert(motif, caption) {
            self.sink.put(Kind::Caption, &motif.to_string(), || Caption::clone(caption));
        }
    }

    /// Adds a caption of the state file.
    #[cfg(feature = "state")]
    pub(crate) fn restore(&self, motif: u64, caption: Caption) {
        self.insert(motif, &Arc::new(caption));
    }

    /// Returns whether the caption is new.
    fn insert(&self, motif: u64, caption: &Arc<Caption>) -> bool {
        let mut known = lock(&self.known);
        if known.captions.insert(motif, Arc::clone(caption)).is_some() {
            return false;
        }
        known.order.push_back(motif);
        known.bytes += caption.size();
        while known.order.len() > MAX_CAPTIONS || known.bytes > MAX_BYTES {
            let Some(oldest) = known.order.pop_front() else { break };
            if let Some(caption) = known.captions.remove(&oldest) {
                known.bytes -= caption.size();
                self.sink.delete(Kind::Caption, &oldest.to_string());
            }
        }
        true
    }
}
