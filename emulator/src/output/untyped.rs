//! Outputs of endpoints whose documents do not describe them.

use serde_json::{Value, json};

use crate::output::spec::OutputSpec;
use crate::output::texts::{Text, text};

/// The numbers of an embedding.
const DIMENSIONS: u64 = 16;

/// Returns the output of an endpoint that has the API of OpenAI.
pub(super) fn open_ai(spec: &OutputSpec) -> Option<Value> {
    let id = format!("emulator-{:016x}", spec.motif(0));
    let model = spec.echo("model").cloned().unwrap_or_else(|| json!("emulator"));
    let reply = text(Text::Reply, &spec.caption.prompt, spec.seed);
    let words = |text: &str| text.split_whitespace().count();
    let (given, made) = (words(&spec.caption.prompt), words(&reply));
    let (_, call) = spec.caption.endpoint.split_once("/openai/")?;
    if call.ends_with("/chat/completions") {
        let message = json!({ "role": "assistant", "content": reply });
        return Some(json!({
            "id": id,
            "object": "chat.completion",
            "created": 1_767_225_600,
            "model": model,
            "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
            "usage": { "prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made },
        }));
    }
    if call.ends_with("/responses") {
        let content = json!([{ "type": "output_text", "text": reply, "annotations": [] }]);
        let message = json!({ "id": format!("{id}-0"), "type": "message", "status": "completed", "role": "assistant", "content": content });
        return Some(json!({
            "id": id,
            "object": "response",
            "created_at": 1_767_225_600,
            "status": "completed",
            "model": model,
            "output": [message],
            "usage": { "input_tokens": given, "output_tokens": made, "total_tokens": given + made },
        }));
    }
    if call.ends_with("/embeddings") {
        let inputs = spec.texts("input").len().max(1);
        let data: Vec<Value> = (0..inputs).map(|index| embedding(spec, index as u64)).collect();
        return Some(json!({
            "object": "list",
            "data": data,
            "model": model,
            "usage": { "prompt_tokens": given, "total_tokens": given },
        }));
    }
    None
}

/// Returns numbers from -1 to 1 that follow from the input.
fn embedding(spec: &OutputSpec, index: u64) -> Value {
    let number = |dimension: u64| {
        let bits = spec.motif(index * DIMENSIONS + dimension).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        (bits as f64 / f64::from(1 << 23) * 1e6).round() / 1e6 - 1.0
    };
    let numbers: Vec<f64> = (0..DIMENSIONS).map(number).collect();
    json!({ "object": "embedding", "index": index, "embedding": numbers })
}
