//! The work of the processes that are killed, and of the one that finishes it.

use std::path::Path;
use std::time::Duration;

use fal_client::endpoints::fal_ai::flux::dev::redux::{self, ImageSizeChoice};
use fal_client::money::{Cost, Decimal, IntoAmount, Price, PriceTable};
use fal_client::{Client, ImageSize};
use fal_jobs::{Budget, Error, Journal, OnFailed, OnUncertain};

/// The lease of processes that are killed. A process that is stopped for longer loses its jobs, which is safe.
const LEASE: Duration = Duration::from_millis(1000);

/// Items that a batch works on concurrently.
pub(crate) const CONCURRENCY: usize = 4;

/// The emulator lists each request, without a delay.
pub(crate) const ON_UNCERTAIN: OnUncertain = OnUncertain::Resolve { permit_after: Some(Duration::ZERO) };

/// Opens the journal as child processes do.
pub(crate) async fn journal(database: &str) -> Result<Journal, Box<dyn std::error::Error>> {
    Ok(Journal::builder().prices(prices()?).lease(LEASE).open(database).await?)
}

pub(crate) fn url(index: usize) -> String {
    format!("https://example.com/{index}.png")
}

/// An input with a small image as its output.
pub(crate) fn input(index: usize) -> redux::Input {
    let size = ImageSizeChoice::Custom(ImageSize::new(16, 16));
    redux::Input::builder().image_url(url(index)).image_size(size).into()
}

pub(crate) fn prices() -> Result<PriceTable, fal_client::Error> {
    Ok([Price::new(redux::ENDPOINT.id(), "0.025".into_amount()?, "images")].into_iter().collect())
}

/// The units that the budget reserves for each job, which has one.
pub(crate) const ESTIMATED_UNITS: Decimal = Decimal::TWO;

/// A budget for all items.
pub(crate) async fn budget(journal: &Journal) -> Result<Budget, Box<dyn std::error::Error>> {
    let estimate = prices()?.estimate(redux::ENDPOINT.id(), ESTIMATED_UNITS)?;
    Ok(journal.budget("photos", Cost::usd(1000)?).await?.estimate(&estimate)?)
}

/// Runs items with a budget, and saves their files. Returns the errors.
pub(crate) async fn run_batch(
    journal: &Journal,
    client: &Client,
    folder: &Path,
    items: impl IntoIterator<Item = usize, IntoIter: Send + 'static>,
) -> Result<Vec<Error>, Box<dyn std::error::Error>> {
    let budget = budget(journal).await?;
    let batch =
        journal.batch(&client.endpoint(redux::ENDPOINT)).concurrency(CONCURRENCY).budget(&budget).download_to(folder);
    let batch = batch.on_failed(OnFailed::Retry).on_uncertain(ON_UNCERTAIN);
    let mut finished = batch.run_iter(items.into_iter().map(|index| (index.to_string(), input(index))));
    let mut errors = Vec::new();
    while let Some(item) = finished.next().await {
        errors.extend(item.result.err());
    }
    Ok(errors)
}
