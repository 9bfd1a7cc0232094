use std::ffi::OsString;
use std::future::IntoFuture;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::AsyncWriteExt;
use tracing::Instrument;
use url::Url;

use super::{MediaUrl, data_uri};
use crate::transport::MediaStream;
use crate::{Client, Error, ErrorKind};

impl Client {
    /// Saves a file of an output.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client, image: fal_client::Image) -> Result<(), fal_client::Error> {
    /// let saved = client.download(&image, "fox.png").overwrite(true).await?;
    /// println!("{}", saved.display());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The file appears under its name when all of it is there, and a file of that name is kept unless
    /// [`overwrite`](Download::overwrite) says otherwise. The key is not sent. A data URI (`sync_mode`) is decoded.
    pub fn download(&self, media: impl Into<MediaUrl>, path: impl AsRef<Path>) -> Download {
        Download {
            client: self.clone(),
            url: media.into().into_string(),
            path: path.as_ref().to_owned(),
            overwrite: false,
        }
    }

    /// Fetches a file of an output into memory. The key is not sent. A data URI (`sync_mode`) is decoded.
    ///
    /// # Errors
    ///
    /// The URL is none of http, https or data, the host answers with an error, or the connection breaks.
    pub async fn download_bytes(&self, media: impl Into<MediaUrl>) -> Result<Bytes, Error> {
        let url = media.into().into_string();
        let mut source = Source::open(self, &url).await?;
        let mut bytes = bytes::BytesMut::new();
        while let Some(chunk) = source.next().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }
}

/// A download to a file, which starts when it is awaited and gives the file's path.
#[derive(Debug)]
#[must_use = "a download does nothing until it is awaited"]
pub struct Download {
    client: Client,
    url: String,
    path: PathBuf,
    overwrite: bool,
}

impl Download {
    /// Whether a file of the same name is replaced (default false).
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    async fn save(self) -> Result<PathBuf, Error> {
        let Download { client, url, path, overwrite } = self;
        let kept = || Error::new(ErrorKind::File, format!("{} exists already and is kept", path.display()));
        if !overwrite && path.exists() {
            return Err(kept());
        }
        let mut source = Source::open(&client, &url).await?;
        let part = Part::beside(&path)?;
        let unwritable = |error: std::io::Error| {
            Error::new(ErrorKind::File, format!("{} cannot be written: {error}", path.display())).caused_by(error)
        };
        let mut file = tokio::fs::File::create_new(&part.0).await.map_err(unwritable)?;
        while let Some(chunk) = source.next().await? {
            file.write_all(&chunk).await.map_err(unwritable)?;
        }
        file.flush().await.map_err(unwritable)?;
        drop(file);
        if !overwrite && path.exists() {
            return Err(kept());
        }
        tokio::fs::rename(&part.0, &path).await.map_err(unwritable)?;
        Ok(path)
    }
}

impl IntoFuture for Download {
    type Output = Result<PathBuf, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let span = tracing::info_span!("fal.download", path = %self.path.display());
        self.save().instrument(span).boxed()
    }
}

/// The bytes of a file, from wherever they come.
enum Source {
    Data(Option<Bytes>),
    Stream(Box<MediaStream>),
}

impl Source {
    async fn open(client: &Client, url: &str) -> Result<Self, Error> {
        if url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
            let (_, data) = data_uri::decode(url)
                .ok_or_else(|| Error::new(ErrorKind::UnexpectedResponse, "the output has a data URI that is none"))?;
            return Ok(Source::Data(Some(data)));
        }
        let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let parsed = parsed.ok_or_else(|| {
            let shown: String = url.chars().take(100).collect();
            let message = format!("{shown:?} is no URL of a file that can be downloaded");
            Error::new(ErrorKind::UnexpectedResponse, message)
        })?;
        MediaStream::open(client.shared(), parsed).await.map(|stream| Source::Stream(Box::new(stream)))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match self {
            Source::Data(data) => Ok(data.take()),
            Source::Stream(stream) => stream.next().await,
        }
    }
}

/// The file that a download grows in, which goes away if the download does not end well.
struct Part(PathBuf);

impl Part {
    fn beside(path: &Path) -> Result<Self, Error> {
        let name = path
            .file_name()
            .ok_or_else(|| Error::new(ErrorKind::File, format!("{} is not the name of a file", path.display())))?;
        let mut part = OsString::from(".");
        part.push(name);
        part.push(format!(".{:016x}.part", crate::transport::random()));
        Ok(Part(path.with_file_name(part)))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // After the renaming there is none.
        let _ = std::fs::remove_file(&self.0);
    }
}
