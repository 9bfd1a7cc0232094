use std::time::Duration;

use super::failure::failed;
use super::{Store, millis, with_pool};
use crate::error::Error;

impl Store {
    /// Returns the URL of an upload that has not expired.
    pub(crate) async fn upload(&self, id: &str) -> Result<Option<String>, Error> {
        let sql = format!("SELECT url FROM uploads WHERE id = $1 AND expires_at > {}", self.now());
        let found = with_pool!(self, pool => sqlx::query_scalar(&sql).bind(id).fetch_optional(pool).await);
        found.map_err(|error| failed(error, "cannot read the uploads"))
    }

    /// Records the URL of an upload for a time, and forgets expired ones.
    pub(crate) async fn keep_upload(&self, id: &str, url: &str, time: Duration) -> Result<(), Error> {
        let sql = format!("DELETE FROM uploads WHERE expires_at <= {}", self.now());
        let removed = with_pool!(self, pool => sqlx::query(&sql).execute(pool).await.map(drop));
        removed.map_err(|error| failed(error, "cannot forget expired uploads"))?;
        let sql = format!(
            "INSERT INTO uploads (id, url, expires_at) VALUES ($1, $2, {} + $3) \
             ON CONFLICT (id) DO UPDATE SET url = excluded.url, expires_at = excluded.expires_at",
            self.now()
        );
        let kept = with_pool!(self, pool => sqlx::query(&sql)
            .bind(id)
            .bind(url)
            .bind(millis(time))
            .execute(pool)
            .await
            .map(drop));
        kept.map_err(|error| failed(error, "cannot record an upload"))
    }

    /// Forgets uploads by their URLs. Returns the URLs that were there.
    pub(crate) async fn forget_uploads(&self, urls: &[String]) -> Result<Vec<String>, Error> {
        let mut forgotten = Vec::new();
        for url in urls {
            let sql = "DELETE FROM uploads WHERE url = $1";
            let removed = with_pool!(self, pool => sqlx::query(sql)
                .bind(url)
                .execute(pool)
                .await
                .map(|done| done.rows_affected() > 0));
            if removed.map_err(|error| failed(error, "cannot forget an upload"))? {
                forgotten.push(url.clone());
            }
        }
        Ok(forgotten)
    }
}
