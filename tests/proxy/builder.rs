//! The settings of a proxy, and what is wrong with them.

use fal_client::proxy::Proxy;
use fal_client::{Client, ErrorKind};

fn client() -> Client {
    Client::builder().env_from(|_| None).key("id-of-key:secret-of-key").build().expect("a client")
}

#[test]
fn a_proxy_without_endpoints_is_an_error() {
    let error = Proxy::builder(client()).allow_anyone().build().expect_err("no endpoint");
    assert!(error.kind() == ErrorKind::Configuration && error.to_string().contains("endpoints"), "{error}");
    Proxy::builder(client()).uploads(true).allow_anyone().build().expect("a proxy for uploads");
}

#[test]
fn invalid_settings_are_errors() {
    for pattern in ["", "acme", "acme/painter?", "https://fal.run/acme/painter", "acme/**x"] {
        let error = Proxy::builder(client()).endpoints(["a/b", pattern]).allow_anyone().build().expect_err(pattern);
        assert!(error.to_string().contains("pattern"), "{error}");
    }
    let headers = [
        "Authorization",
        "cookie",
        "host",
        "content-type",
        "connection",
        "x-fal-target-url",
        "X-Fal-User-Id",
        "a b",
        "",
    ];
    for header in headers {
        let builder = Proxy::builder(client()).endpoints(["a/b"]).forward_header(header);
        let error = builder.allow_anyone().build().expect_err(header);
        assert!(error.kind() == ErrorKind::Configuration && error.to_string().contains("forwarded"), "{error}");
    }
}

#[test]
fn a_host_that_does_not_get_the_key_is_an_error() {
    let gateway = || {
        let builder = Client::builder().env_from(|_| None).key("gateway-key-1");
        builder.run_host("https://gateway.example").queue_host("https://queue.example").build().expect("a client")
    };
    Proxy::builder(gateway()).endpoints(["**"]).allow_anyone().build().expect("a proxy");
    let error = Proxy::builder(gateway()).endpoints(["**"]).uploads(true).allow_anyone().build();
    let error = error.expect_err("no REST host");
    assert!(error.to_string().contains("rest_host"), "{error}");
}

#[test]
fn a_proxy_mounts_at_a_path_below_one_and_as_a_fallback() {
    let proxy = Proxy::builder(client()).endpoints(["**"]).allow_anyone().build().expect("a proxy");
    let app = axum::Router::<()>::new().route_service("/api/fal/proxy", proxy.clone());
    let _app = app.nest_service("/fal", proxy.clone()).fallback_service(proxy);
}

#[test]
fn a_proxy_is_shareable_and_its_debug_output_has_no_key() {
    fn shareable<T: Clone + Send + Sync + 'static>(_: &T) {}
    let builder = Proxy::builder(client()).endpoints(["**"]).allow_anyone();
    let shown = format!("{builder:?}");
    let proxy = builder.build().expect("a proxy");
    shareable(&proxy);
    let shown = format!("{shown} {proxy:?}");
    assert!(shown.contains("fal.run") && !shown.contains("secret-of-key"), "{shown}");
}
