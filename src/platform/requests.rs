use super::Platform;
use super::list::{Query, list, time_range};
use super::record::{RequestRecord, RequestStatus};
use crate::protocol::RequestId;

/// The requests of some endpoints. Returned by [`Platform::requests`].
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use std::time::{Duration, SystemTime};
/// use futures_util::TryStreamExt;
///
/// let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
/// let mut requests = client.platform().requests(["fal-ai/flux/dev"]).start(an_hour_ago).payloads(true).stream();
/// while let Some(request) = requests.try_next().await? {
///     println!("{} {:?} {:?}", request.request_id, request.status_code, request.output);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a list does nothing until it is fetched"]
pub struct Requests {
    query: Query,
}

/// A search of the account's requests. Returned by [`Platform::search_requests`].
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// let page = client.platform().search_requests().query("a red fox").min_similarity(0.5).page().await?;
/// for request in page.items {
///     println!("{} {:?}", request.request_id, request.similarity);
/// }
/// # Ok(())
/// # }
/// ```
///
/// Without words, a picture or a video, it lists the latest requests first.
#[derive(Clone, Debug)]
#[must_use = "a list does nothing until it is fetched"]
pub struct RequestSearch {
    query: Query,
}

/// The order of [`Requests`].
#[fal_client::open_enum]
pub enum RequestSort {
    /// By the time when the request ended.
    #[value("ended_at")]
    EndedAt,
    /// By the duration.
    #[value("duration")]
    Duration,
}

impl Platform {
    /// Lists the requests of some endpoints. Without an id, the list is empty.
    pub fn requests(&self, endpoints: impl IntoIterator<Item = impl Into<String>>) -> Requests {
        let mut query = Query::new(&self.client, "list of requests", "v1/models/requests/by-endpoint").max_limit(100);
        query.set_endpoints(endpoints);
        Requests { query }
    }

    /// Searches the requests of the account.
    pub fn search_requests(&self) -> RequestSearch {
        RequestSearch { query: Query::new(&self.client, "search of requests", "v1/models/requests/search") }
    }
}

impl Requests {
    time_range! {
        /// Sets the beginning of the time range. Default: 24 hours ago, or 90 days ago with [`request_id`](Self::request_id).
    }

    /// Lists requests with an outcome. Default: any.
    pub fn status(mut self, status: RequestStatus) -> Self {
        self.query.set("status", Some(status.as_str().to_owned()));
        self
    }

    /// Lists one request, if it exists.
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        match RequestId::parse(&id.into()) {
            Ok(id) => self.query.set("request_id", Some(id.as_str().to_owned())),
            Err(invalid) => self.query.reject(invalid.to_string()),
        }
        self
    }

    /// Sets the order. Default: [`RequestSort::EndedAt`].
    pub fn sort_by(mut self, sort: RequestSort) -> Self {
        self.query.set("sort_by", Some(sort.as_str().to_owned()));
        self
    }

    /// Includes the inputs and outputs. Default: `false`.
    pub fn payloads(mut self, include: bool) -> Self {
        self.query.set_value("expand", "payloads", include);
        self
    }
}

list!(Requests => RequestRecord,
    /// Sets the maximum number of requests of a page. Default: 50. Range: 1 to 100.
);

impl RequestSearch {
    /// Searches for requests whose outputs resemble words. Replaces the picture and the video.
    pub fn query(self, words: impl Into<String>) -> Self {
        self.resembling("query", words.into())
    }

    /// Searches for requests whose outputs resemble a picture. Replaces the words and the video.
    pub fn image_url(self, url: impl Into<String>) -> Self {
        self.resembling("image_url", url.into())
    }

    /// Searches for requests whose outputs resemble a video. Replaces the words and the picture.
    pub fn video_url(self, url: impl Into<String>) -> Self {
        self.resembling("video_url", url.into())
    }

    fn resembling(mut self, name: &'static str, value: String) -> Self {
        for other in ["query", "image_url", "video_url"] {
            self.query.set(other, None);
        }
        self.query.set(name, Some(value));
        self
    }

    /// Sets the minimum similarity. Range: 0 to 1. Default: any.
    pub fn min_similarity(mut self, similarity: f64) -> Self {
        if !(0.0..=1.0).contains(&similarity) {
            self.query.reject(format!("invalid similarity {similarity}: expected 0 to 1"));
        }
        self.query.set("min_similarity", Some(similarity.to_string()));
        self
    }

    /// Searches the requests of these endpoints. Default: all. Without an id, the list is empty.
    pub fn endpoints(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.query.set_endpoints(ids);
        self
    }

    /// Searches only requests with an API key (`true`), or only requests of fal's website (`false`). Default: both.
    pub fn with_api_key(mut self, with_key: bool) -> Self {
        let is = |value: bool| value.then(|| true.to_string());
        self.query.set("only_api_requests", is(with_key));
        self.query.set("exclude_api_requests", is(!with_key));
        self
    }
}

list!(RequestSearch => RequestRecord,
    /// Sets the maximum number of requests of a page. Default: fal's. Minimum: 1.
);
