use std::cell::RefCell;
use std::fmt::Write;
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

thread_local! {
    /// What this thread has emitted since it began to be recorded.
    static EMITTED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Writes down everything that its thread emits, at every level.
///
/// The subscriber is the process's: one for a thread alone can miss what another thread came by first without one.
pub(crate) struct Recorder(());

impl Recorder {
    pub(crate) fn listen() -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| tracing::subscriber::set_global_default(Pen).expect("no other subscriber"));
        EMITTED.set(Some(String::new()));
        Recorder(())
    }

    /// Ends the recording.
    pub(crate) fn emitted(self) -> String {
        EMITTED.take().unwrap_or_default()
    }
}

struct Pen;

struct Writer<'a>(&'a mut String);

impl Visit for Writer<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = writeln!(self.0, "  {field} = {value:?}");
    }
}

fn write(line: impl FnOnce(&mut String)) {
    EMITTED.with_borrow_mut(|text| text.as_mut().map(line));
}

impl Subscriber for Pen {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        write(|text| {
            let _ = writeln!(text, "span {}", span.metadata().name());
            span.record(&mut Writer(text));
        });
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, values: &Record<'_>) {
        write(|text| values.record(&mut Writer(text)));
    }

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        write(|text| {
            let _ = writeln!(text, "event {}", event.metadata().target());
            event.record(&mut Writer(text));
        });
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}
