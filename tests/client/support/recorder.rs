use std::cell::RefCell;
use std::fmt::Write;
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

thread_local! {
    /// The spans and events of this thread since its recorder was started.
    static EMITTED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Records the spans and events of its thread, at every level.
///
/// The subscriber is global. A thread-local one misses callsites that another thread reached first without one.
pub(crate) struct Recorder(());

impl Recorder {
    pub(crate) fn start() -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| tracing::subscriber::set_global_default(Global).expect("no other subscriber"));
        EMITTED.set(Some(String::new()));
        Recorder(())
    }

    /// Stops the recording and returns it as text.
    pub(crate) fn stop(self) -> String {
        EMITTED.take().unwrap_or_default()
    }
}

struct Global;

struct Writer<'a>(&'a mut String);

impl Visit for Writer<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = writeln!(self.0, "  {field} = {value:?}");
    }
}

fn write(line: impl FnOnce(&mut String)) {
    EMITTED.with_borrow_mut(|text| text.as_mut().map(line));
}

impl Subscriber for Global {
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
