use std::collections::BTreeMap;

use fal_client::IntoEndpoint;

use crate::emulator::Emulator;
use crate::request::received_request::ReceivedRequest;
use crate::request::requests::Requests;

impl Emulator {
    /// Returns the received requests, oldest first. Limited to the last 10,000 requests, or
    /// [another number](crate::EmulatorBuilder::history), and 256 MiB.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.state.journal.all()
    }

    /// Returns the hosts, other than fal's, that a program wanted to reach through the emulator as its proxy, with the number of
    /// connections and requests that were refused. At most 1,000 hosts. Empty if the builder
    /// [allows them](crate::EmulatorBuilder::allow_network).
    ///
    /// ```
    /// # fn example(emulator: &fal_emulator::Emulator) {
    /// assert!(emulator.refused_hosts().is_empty(), "the program calls {:?}", emulator.refused_hosts());
    /// # }
    /// ```
    pub fn refused_hosts(&self) -> BTreeMap<String, u64> {
        self.state.refused_hosts.all()
    }

    /// Returns the calls of an endpoint that were received, to check them in a test: runs, submissions, streams, and messages of
    /// WebSockets. Requests about the calls, such as those of a status, are not among them.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_client::endpoints::fal_ai::flux::dev::redux;
    /// use fal_emulator::Emulator;
    /// use serde_json::json;
    ///
    /// let emulator = Emulator::start().await?;
    /// // … use the client …
    /// # let run = emulator.client().endpoint(redux::ENDPOINT).run(redux::Input::builder().image_url("https://example.com/fox.png")).await?;
    /// emulator.requests_to(redux::ENDPOINT).assert_count(1).assert_input(&json!({
    ///     "image_url": "https://example.com/fox.png",
    /// }));
    /// emulator.requests_to("fal-ai/flux/dev").assert_none();
    /// emulator.assert_no_mistakes();
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
    /// ```
    pub fn requests_to<E: IntoEndpoint>(&self, endpoint: E) -> Requests {
        Requests::new(endpoint.into_id().into_owned(), self.requests())
    }

    /// Waits until `count` [calls of an endpoint](Self::requests_to) were received, with their inputs, and returns all that were.
    /// Never returns if fewer arrive: a test can limit the time with `tokio::time::timeout`.
    ///
    /// ```
    /// # async fn example(emulator: fal_emulator::Emulator) {
    /// // … start the program …
    /// emulator.wait_for_requests("fal-ai/flux/dev/redux", 2).await.assert_count(2);
    /// # }
    /// ```
    pub async fn wait_for_requests<E: IntoEndpoint>(&self, endpoint: E, count: usize) -> Requests {
        let id = endpoint.into_id().into_owned();
        let enough =
            || Some(Requests::new(id.clone(), self.requests())).filter(|requests| requests.received() >= count);
        self.state.journal.wait_for(enough).await
    }

    /// Requires that no request had a [mistake](ReceivedRequest::mistake).
    ///
    /// # Panics
    ///
    /// If one had, with a list of all.
    #[track_caller]
    pub fn assert_no_mistakes(&self) {
        let mistakes = self.requests().into_iter().filter_map(|request| {
            let mistake = request.mistake()?;
            Some(format!("\n  {}: {mistake}", request.line()))
        });
        let mistakes: String = mistakes.collect();
        assert!(mistakes.is_empty(), "requests with a mistake:{mistakes}");
    }
}
