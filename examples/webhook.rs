//! Receives webhooks with axum, and waits for jobs without polling.

use std::error::Error;
use std::process::ExitCode;

use axum::Router;
use axum::routing::post;
use fal_client::Client;
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::webhook::Receiver;
use futures_util::future::try_join_all;
use tokio::net::TcpListener;

const HELP: &str = "\
Submits a request for each image, and waits for their webhooks instead of polling. Needs a key in FAL_KEY. With the real fal,
PUBLIC_URL must lead to this program from the internet. To use a local emulator, run `cargo run -p cargo-fal -- emulate`, set
the variables that it prints, and leave PUBLIC_URL out.

Usage: cargo run --example webhook --features webhook -- [--url PUBLIC_URL] [--listen ADDRESS] IMAGE_URL...

The default of ADDRESS is 127.0.0.1:3000.";

#[tokio::main]
async fn main() -> ExitCode {
    let mut images = Vec::new();
    let (mut url, mut address) = (None, "127.0.0.1:3000".to_owned());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match (argument.as_str(), arguments.by_ref()) {
            ("--url", rest) => url = rest.next(),
            ("--listen", rest) => address = rest.next().unwrap_or(address),
            ("--help", _) => {
                println!("{HELP}");
                return ExitCode::SUCCESS;
            }
            (image, _) => images.push(image.to_owned()),
        }
    }
    if images.is_empty() {
        println!("{HELP}");
        return ExitCode::FAILURE;
    }
    match run(&images, url, &address).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(images: &[String], url: Option<String>, address: &str) -> Result<(), Box<dyn Error>> {
    let client = Client::from_env()?;
    let receiver = Receiver::new(&client);
    let app: Router = Router::new().route("/fal", post(receiver.handler()));
    let listener = TcpListener::bind(address).await?;
    let url = url.unwrap_or(format!("http://{}/fal", listener.local_addr()?));
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    println!("waiting for webhooks at {url}");

    let results = images.iter().map(async |image| {
        let input = redux::Input::builder().image_url(image.as_str());
        let job = client.endpoint(redux::ENDPOINT).submit(input).webhook(&url).await?;
        println!("submitted {}", job.request_id);
        receiver.wait(&job).await
    });
    for response in try_join_all(results).await? {
        for image in &response.data.images {
            println!("{}", image.url);
        }
    }
    server.abort();
    Ok(())
}
