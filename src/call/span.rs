use tracing::Span;

use crate::text::shown;

/// Adds the id of a request to its span. Costs nothing if tracing is off.
pub(crate) fn record_request_id(span: &Span, request_id: &str) {
    if !span.is_disabled() {
        span.record("request_id", shown(request_id));
    }
}
