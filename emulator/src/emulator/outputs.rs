use std::sync::Arc;

use fal_client::IntoEndpoint;
use serde_json::Value;

use crate::documents::document::Document;
use crate::emulator::Emulator;
use crate::error::Error;
use crate::output::maker;
use crate::output::scripted::ScriptedOutputs;
use crate::output::spec::OutputSpec;
use crate::urls::Urls;

impl Emulator {
    /// Sets the output of an endpoint: of every request that is accepted from now on, until another output is set.
    ///
    /// Inputs are still validated, and jobs still queue and run. A [fault](Self::inject_fault) takes precedence. URLs in the
    /// output stay as they are: [`add_file`](Self::add_file) returns one that the emulator serves.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fal_emulator::Emulator;
    /// # use serde_json::json;
    /// use fal_client::endpoints::fal_ai::flux::dev::redux;
    ///
    /// let emulator = Emulator::start().await?;
    /// let fox = emulator.add_file("fox.png", "image/png", b"the bytes of an image")?;
    /// emulator.answer(redux::ENDPOINT, &json!({
    ///     "images": [{ "url": fox.url() }],
    ///     "timings": {},
    ///     "seed": 7,
    ///     "has_nsfw_concepts": [false],
    ///     "prompt": "",
    /// }))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Error::UnknownEndpoint`]: the emulator has no document of the endpoint.
    /// - [`Error::InvalidOutput`]: the output does not fit the document. To test such an output, inject
    ///   [`Fault::outcome(200)`](crate::Fault::outcome) with a body.
    pub fn answer<E: IntoEndpoint>(&self, endpoint: E, output: &Value) -> Result<(), Error> {
        self.set_output(endpoint, |outputs, document| outputs.set(document, output.clone()))
    }

    /// Sets the outputs of the next requests to an endpoint that are accepted, one each and in order, after the outputs that are
    /// set already. Later requests get the output of [`answer`](Self::answer), or one that the emulator makes.
    ///
    /// ```
    /// # fn example(emulator: &fal_emulator::Emulator) -> Result<(), fal_emulator::Error> {
    /// use fal_client::endpoints::openrouter::router;
    /// use serde_json::json;
    ///
    /// // Two requests get these outputs, and three more the same one.
    /// emulator.answer_next(router::ENDPOINT, [json!({ "output": "A fox" }), json!({ "output": "A cat" })])?;
    /// emulator.answer_next(router::ENDPOINT, std::iter::repeat_n(json!({ "output": "A lamp" }), 3))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`answer`](Self::answer). No output is set then.
    pub fn answer_next<E: IntoEndpoint>(
        &self,
        endpoint: E,
        outputs: impl IntoIterator<Item = Value>,
    ) -> Result<(), Error> {
        self.set_output(endpoint, |scripted, document| scripted.add_next(document, outputs.into_iter().collect()))
    }

    /// Sets a function that makes the output of an endpoint from the input: of every request that is accepted from now on, until
    /// another output is set. The input is valid, and may lack fields with a default.
    ///
    /// The function runs when a request is accepted, and must not block. A request whose output does not fit the document fails
    /// with the status 500 and the reason.
    ///
    /// ```
    /// # fn example(emulator: &fal_emulator::Emulator) -> Result<(), fal_emulator::Error> {
    /// use fal_client::endpoints::openrouter::router;
    /// use serde_json::json;
    ///
    /// emulator.answer_with(router::ENDPOINT, |input| json!({ "output": format!("You said {}", input["prompt"]) }))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEndpoint`]: the emulator has no document of the endpoint. [`Error::InvalidOutput`]: its document is
    /// unusable.
    pub fn answer_with<E: IntoEndpoint>(
        &self,
        endpoint: E,
        make: impl Fn(&Value) -> Value + Send + Sync + 'static,
    ) -> Result<(), Error> {
        self.set_output(endpoint, |outputs, document| outputs.set_made(document, Arc::new(make)))
    }

    /// Sets the events of an endpoint's streams, from now on until other events are set. Each event is the JSON of one
    /// server-sent event, and may break the document. On a realtime connection, they are the outputs for each input.
    ///
    /// Inputs are still validated. A [fault](Self::inject_fault) takes precedence: [`Fault::events`](crate::Fault::events) sets the bytes of one
    /// stream, and [`Fault::drop_response_after`](crate::Fault::drop_response_after) or [`Fault::stall_response_after`](crate::Fault::stall_response_after) end one early.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fal_emulator::Emulator;
    /// # use serde_json::json;
    /// use fal_client::endpoints::openrouter::router;
    ///
    /// let emulator = Emulator::start().await?;
    /// emulator.script_stream(router::ENDPOINT, [
    ///     json!({ "output": "A lamp", "partial": true }),
    ///     json!({ "type": "error", "node_id": "write", "error": { "status": 500, "body": {} } }),
    /// ])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEndpoint`]: the emulator has no document of the endpoint.
    pub fn script_stream<E: IntoEndpoint>(
        &self,
        endpoint: E,
        events: impl IntoIterator<Item = Value>,
    ) -> Result<(), Error> {
        self.state.outputs.set_series(&self.document(endpoint)?.id, events.into_iter().collect());
        Ok(())
    }

    /// Makes an output of an endpoint, as a job with this input gets it. The input is not validated, and no job is recorded. The
    /// URLs of the output work while the emulator lives.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_client::endpoints::fal_ai::flux::dev::redux;
    /// use fal_emulator::Emulator;
    /// use serde_json::json;
    ///
    /// let emulator = Emulator::start().await?;
    /// let output = emulator.sample_output(redux::ENDPOINT, &json!({ "num_images": 2 }))?;
    /// assert_eq!(output["images"].as_array().map(Vec::len), Some(2));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Error::UnknownEndpoint`]: the emulator has no document of the endpoint.
    /// - [`Error::InvalidOutput`]: no output can be made from the document.
    pub fn sample_output<E: IntoEndpoint>(&self, endpoint: E, input: &Value) -> Result<Value, Error> {
        let document = self.document(endpoint)?;
        let spec = OutputSpec::new(document, input, None, None, self.state.settings.seed);
        let made = maker::make(document, &spec, &Urls::Base(Arc::clone(&self.state.base_url)))
            .map_err(|reason| Error::InvalidOutput { endpoint: document.id.clone(), reason })?;
        made.files.iter().for_each(|file| self.state.store.captions.add(file.motif(), &spec.caption));
        Ok(made.output)
    }

    fn set_output<E: IntoEndpoint>(
        &self,
        endpoint: E,
        set: impl FnOnce(&ScriptedOutputs, &Document) -> Result<(), String>,
    ) -> Result<(), Error> {
        let document = self.document(endpoint)?;
        let invalid = |reason| Error::InvalidOutput { endpoint: document.id.clone(), reason };
        set(&self.state.outputs, document).map_err(invalid)
    }

    /// Returns the document of an endpoint.
    fn document<E: IntoEndpoint>(&self, endpoint: E) -> Result<&Document, Error> {
        let id = endpoint.into_id();
        match self.state.catalog.endpoint(&id) {
            Some(endpoint) => Ok(&endpoint.document),
            None => Err(Error::UnknownEndpoint(id.into_owned())),
        }
    }
}
