use fal_emulator::{Emulator, Error, Fault, Operation, Pace};
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, document, inpainting, object};

async fn fal() -> Fal {
    let output = json!({
        "type": "object",
        "properties": { "caption": { "type": "string" }, "score": { "type": "number" } },
        "required": ["caption"],
    });
    let captions = document("acme/captions", &object(&json!({ "length": { "type": "integer" } })), &output, &json!({}));
    let other = document("acme/other", &json!({}), &output, &json!({}));
    Fal::start(Emulator::builder().document(captions).document(other).pace(Pace::instant())).await
}

async fn caption(fal: &Fal) -> Value {
    fal.run("acme/captions", &json!({})).await.body["caption"].clone()
}

#[tokio::test]
async fn output_of_later_requests_is_set() {
    let fal = fal().await;
    let usual = caption(&fal).await;
    let before = fal.submit("acme/captions", &json!({})).await;
    let output = json!({ "caption": "a fox", "extra": [1] });
    fal.answer("acme/captions", &output).unwrap();
    assert_eq!(fal.run("acme/captions", &json!({})).await.body, output);
    let job = fal.submit("acme/captions", &json!({})).await;
    let result = fal.get(&job.path).await;
    assert_eq!((result.status, &result.body), (200, &output));
    assert_eq!(result.header("x-fal-billable-units"), Some("1"));

    fal.answer("acme/captions", &json!({ "caption": "a cat" })).unwrap();
    assert_eq!(caption(&fal).await, "a cat");
    assert_eq!(fal.get(&job.path).await.body, output, "an accepted request keeps its output");
    assert_eq!(fal.get(&before.path).await.body["caption"], usual);
    assert_eq!(fal.run("acme/other", &json!({})).await.body["caption"], usual);
}

#[tokio::test]
async fn inputs_are_validated_and_faults_take_precedence() {
    let fal = fal().await;
    fal.answer("acme/captions", &json!({ "caption": "a fox" })).unwrap();
    assert_eq!(fal.run("acme/captions", &json!({ "length": "long" })).await.status, 422);
    fal.inject_fault(Operation::Run, Fault::outcome(500));
    assert_eq!(fal.run("acme/captions", &json!({})).await.status, 500);
    fal.inject_fault(Operation::Run, Fault::outcome(200).json(&json!({ "caption": 5 })));
    assert_eq!(caption(&fal).await, 5);
    assert_eq!(caption(&fal).await, "a fox");
}

#[tokio::test]
async fn output_that_breaks_the_document_is_an_error() {
    let fal = fal().await;
    let usual = caption(&fal).await;
    for (output, reason) in [
        (json!({ "caption": 5 }), "at /caption: 5 is not of type \"string\""),
        (json!({}), "\"caption\" is a required property"),
        (json!("a fox"), "\"a fox\" is not of type \"object\""),
    ] {
        let error = fal.answer("acme/captions", &output).unwrap_err();
        assert!(matches!(&error, Error::InvalidOutput { endpoint, .. } if endpoint == "acme/captions"), "{error:?}");
        let expected = format!(
            "invalid output of `acme/captions`: {reason}; for an output that breaks the document, use \
             `Fault::outcome(200).json(…)`"
        );
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(caption(&fal).await, usual);
}

#[tokio::test]
async fn output_of_an_unknown_endpoint_is_an_error() {
    let error = fal().await.answer("acme/captoins", &json!({})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown endpoint `acme/captoins`: choose one of `Emulator::endpoints`, or start with its document"
    );
}

#[tokio::test]
async fn environment_makes_a_client_use_the_emulator() {
    let emulator = Emulator::builder().key("id:only").pace(Pace::instant()).start().await.unwrap();
    let environment = emulator.environment();
    let variable = |name: &str| environment.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone());
    let client = fal_client::Client::builder().env_from(variable).build().unwrap();
    client.endpoint(INPAINTING).subscribe(inpainting()).await.unwrap();
    client.storage().upload(fal_client::FileInput::bytes("hello", "text/plain")).await.unwrap();
    assert_eq!((emulator.jobs().len(), emulator.files().len()), (1, 1));
}
