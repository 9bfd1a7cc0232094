//! Runs a server with a proxy for browsers and apps.

use std::error::Error;
use std::process::ExitCode;

use axum::Router;
use fal_client::Client;
use fal_client::proxy::{Caller, Proxy};
use fal_emulator::Emulator;
use http::StatusCode;

const HELP: &str = "\
Runs a server with a proxy at http://ADDRESS/api/fal/proxy. It forwards calls to fal with the key in FAL_KEY. Without
FAL_KEY, it starts an emulator and forwards them there.

Usage: cargo run --features proxy --example proxy -- [ADDRESS]      default: 127.0.0.1:3000

Callers need the header `x-session: alice`. A JavaScript client sends it by a middleware:

    fal.config({
        proxyUrl: { url: 'http://127.0.0.1:3000/api/fal/proxy', when: 'always' },
        requestMiddleware: withMiddleware(addSession),
    });";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["--help"] => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        [] => serve("127.0.0.1:3000").await,
        [address] => serve(address).await,
        _ => {
            eprintln!("{HELP}");
            return ExitCode::FAILURE;
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(address: &str) -> Result<(), Box<dyn Error>> {
    // Lives as long as the server.
    let emulator = match std::env::var_os("FAL_KEY") {
        Some(_) => None,
        None => Some(Emulator::start().await?),
    };
    let client = match &emulator {
        Some(emulator) => emulator.client(),
        None => Client::from_env()?,
    };
    let proxy =
        Proxy::builder(client).endpoints(["fal-ai/flux/**"]).uploads(true).authenticate(is_signed_in).build()?;
    let app: Router = Router::new().route_service("/api/fal/proxy", proxy);
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("http://{}/api/fal/proxy", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

/// Admits one session. A real server looks it up, and compares `Caller::request_id` with the requests of its user.
async fn is_signed_in(caller: Caller) -> Result<(), StatusCode> {
    match caller.headers().get("x-session") {
        Some(session) if session == "alice" => Ok(()),
        _ => Err(StatusCode::UNAUTHORIZED),
    }
}
