//! Configuration of a client: keys, hosts, the environment.

use std::collections::BTreeMap;

use fal_client::{Client, ErrorKind};

use crate::support::server::{KEY, Reply, Server};

fn from_vars(vars: &[(&str, &str)]) -> Result<Client, fal_client::Error> {
    let vars: BTreeMap<String, String> =
        vars.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Client::builder().env_from(|name| vars.get(name).cloned()).build()
}

/// Returns the `Authorization` header of a client configured with these variables.
async fn authorization(vars: &[(&str, &str)]) -> Option<String> {
    let server = Server::start(|_, _| Reply::json(200, "{}")).await;
    let (run, queue) = (format!("{}/run", server.base()), format!("{}/queue", server.base()));
    let mut vars = vars.to_vec();
    vars.extend([("FAL_RUN_HOST", run.as_str()), ("FAL_QUEUE_RUN_HOST", queue.as_str())]);
    let client = from_vars(&vars).expect("a client");
    client.endpoint("a/b").run(serde_json::json!({})).await.expect("a response");
    server.seen()[0].header("authorization").map(str::to_owned)
}

#[tokio::test]
async fn the_key_comes_from_the_environment() {
    for (vars, expected) in [
        (vec![("FAL_KEY", "a:b")], "Key a:b"),
        (vec![("FAL_KEY", " a:b\n")], "Key a:b"),
        (vec![("FAL_KEY_ID", "i"), ("FAL_KEY_SECRET", "s")], "Key i:s"),
        (vec![("FAL_KEY", ""), ("FAL_KEY_ID", "i"), ("FAL_KEY_SECRET", "s")], "Key i:s"),
        (vec![("FAL_KEY", "a:b"), ("FAL_KEY_ID", "i"), ("FAL_KEY_SECRET", "s")], "Key a:b"),
    ] {
        assert_eq!(authorization(&vars).await.as_deref(), Some(expected), "{vars:?}");
    }
}

#[tokio::test]
async fn builder_settings_override_the_environment() {
    let server = Server::start(|_, _| Reply::json(200, "{}")).await;
    let variable = |name: &str| match name {
        "FAL_KEY" => Some("from:env".to_owned()),
        "FAL_RUN_HOST" => Some("elsewhere.invalid".to_owned()),
        _ => None,
    };
    let client = server.builder().env_from(variable).build().expect("a client");
    client.endpoint("a/b").run(serde_json::json!({})).await.expect("a response");
    assert_eq!(server.seen()[0].header("authorization"), Some(&*format!("Key {KEY}")));
    let client = server.builder().anonymous().env_from(variable).build().expect("a client");
    client.endpoint("a/b").run(serde_json::json!({})).await.expect("a response");
    assert_eq!(server.seen()[1].header("authorization"), None);
}

#[test]
fn any_limit_of_requests_in_flight_is_accepted() {
    for limit in [0, 1, usize::MAX] {
        Client::builder().key(KEY).max_in_flight(limit).build().expect("a client");
    }
}

#[test]
fn a_missing_key_error_says_how_to_set_one() {
    let error = from_vars(&[("FAL_KEY_ID", "i"), ("FAL_KEY_SECRET", "")]).expect_err("half a key");
    assert!(error.to_string().contains("FAL_KEY_SECRET"), "{error}");
    for vars in [vec![], vec![("FAL_KEY", "")], vec![("FAL_KEY", "  ")]] {
        let error = from_vars(&vars).expect_err("no key");
        assert_eq!(error.kind(), ErrorKind::Credentials);
        for word in ["FAL_KEY", "Client::builder().key", ".anonymous()"] {
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}

#[test]
fn invalid_keys_are_rejected_and_not_shown() {
    for key in ["", "se cret", "se\ncret", "sécret", "se\0cret"] {
        let error = Client::builder().key(key).build().expect_err(key);
        assert_eq!(error.kind(), ErrorKind::Credentials);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("cret"), "{shown}");
    }
}

#[tokio::test]
async fn anonymous_clients_send_no_key() {
    let server = Server::start(|_, _| Reply::json(200, "{}")).await;
    let client = server.builder().anonymous().build().expect("a client");
    client.endpoint("a/b").run(serde_json::json!({})).await.expect("a response");
    assert_eq!(server.seen()[0].header("authorization"), None);
}

#[tokio::test]
async fn the_key_provider_is_called_for_every_request() {
    let server = Server::start(|_, _| Reply::json(200, "{}")).await;
    let count = std::sync::atomic::AtomicU32::new(0);
    let provide = move || {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move { if number < 2 { Ok(format!("id:{number}")) } else { Err("the vault is closed") } }
    };
    let client = server.builder().key_provider(provide).build().expect("a client");
    let endpoint = client.endpoint("a/b");
    for number in 0..2 {
        endpoint.run(serde_json::json!({})).await.expect("a response");
        assert_eq!(server.seen()[number].header("authorization"), Some(&*format!("Key id:{number}")));
    }
    let error = endpoint.run(serde_json::json!({})).await.expect_err("no key");
    assert_eq!((error.kind(), server.seen().len()), (ErrorKind::Credentials, 2));
    assert!(error.to_string().contains("the vault is closed"), "{error}");
}

#[test]
fn invalid_hosts_are_rejected() {
    for host in [
        "",
        "a b",
        "ftp://fal.run",
        "https://user:pass@fal.run",
        "https://fal.run?x=1",
        "http://",
        "://",
        "http://fal.run",
    ] {
        let error = Client::builder().key(KEY).run_host(host).queue_host("queue.fal.run").build().expect_err(host);
        assert_eq!(error.kind(), ErrorKind::Configuration, "{host}: {error}");
    }
}

#[test]
fn a_client_is_shareable_and_its_debug_output_has_no_key() {
    fn shareable<T: Clone + Send + Sync + 'static>(_: &T) {}
    let client = Client::builder().key(KEY).run_host("fal.dev").build().expect("a client");
    shareable(&client);
    let shown = format!("{client:?} {client:#?} {:?}", Client::builder().key(KEY));
    assert!(shown.contains("https://queue.fal.dev/"), "{shown}");
    assert!(!shown.contains("secret-of-key") && !shown.contains("id-of-key"), "{shown}");
}

#[test]
fn http_to_another_machine_needs_the_switch() {
    let builder = |host: &str| {
        let host = host.to_owned();
        let variable = move |name: &str| match name {
            "FAL_KEY" => Some("a-key:of-tests".to_owned()),
            "FAL_RUN_HOST" | "FAL_QUEUE_RUN_HOST" => Some(host.clone()),
            _ => None,
        };
        Client::builder().env_from(variable)
    };
    for host in
        ["http://10.0.0.1", "http://emulator:8000/fal.run", "http://127.0.0.1.example", "http://[2001:db8::1]:80"]
    {
        let error = builder(host).build().expect_err(host);
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("allow_http(true)") && error.to_string().contains("https://"), "{error}");
        builder(host).allow_http(true).build().expect("an allowed host");
        builder(host).anonymous().build().expect("a client without a key");
    }
    for local in
        ["http://127.0.0.1:1", "http://localhost:1", "http://LOCALHOST.", "http://a.localhost", "http://[::1]:1"]
    {
        builder(local).build().expect(local);
    }
    for fal in ["http://fal.run./", "http://FAL.RUN:80", "http://queue.fal.run", "http://v3.fal.media"] {
        let error = builder(fal).allow_http(true).build().expect_err(fal);
        assert!(error.to_string().contains("require https"), "{error}");
    }
    for (setting, allowed) in [("1", true), ("true", true), ("0", false), ("false", false)] {
        let switch = |name: &str| (name == "FAL_ALLOW_HTTP").then(|| setting.to_owned());
        let built = builder("http://10.0.0.1").env_from(switch).build();
        assert_eq!(built.is_ok(), allowed, "{setting}");
    }
}

#[test]
fn other_hosts_of_a_client_need_the_switch_too() {
    let builder = || Client::builder().key(KEY);
    for builder in [
        builder().rest_host("http://10.0.0.1"),
        builder().api_host("http://10.0.0.1"),
        builder().cdn_host("http://10.0.0.1"),
        builder().queue_host("http://10.0.0.1"),
    ] {
        assert!(builder.build().is_err_and(|error| error.to_string().contains("http://10.0.0.1")));
    }
}

#[test]
fn a_setting_that_cannot_be_used_is_never_the_default() {
    for (name, value) in [
        ("FAL_RUN_HOST", " "),
        ("FAL_QUEUE_RUN_HOST", "\t"),
        ("FAL_REST_HOST", "\n"),
        ("FAL_API_HOST", "  "),
        ("FAL_CDN_V3_HOST", " "),
        ("FAL_WS_RUN_HOST", " "),
        ("FAL_SITE_HOST", " "),
        ("FAL_ALLOW_HTTP", "maybe"),
        ("FAL_ALLOW_HTTP", " "),
        ("FAL_KEY_ID", " "),
        ("FAL_KEY", " "),
    ] {
        let vars = [("FAL_KEY_SECRET", "s"), ("FAL_KEY_ID", "i"), (name, value)];
        let error = from_vars(&vars).expect_err(name);
        assert!(error.to_string().contains(name), "{name}: {error}");
        // A setting of the builder takes precedence.
        let find = |variable: &str| (variable == name).then(|| value.to_owned());
        let builder = Client::builder().env_from(find).key(KEY).run_host("fal.run").queue_host("queue.fal.run");
        let builder =
            builder.rest_host("rest.fal.ai").api_host("api.fal.ai").cdn_host("v3.fal.media").ws_host("ws.fal.run");
        builder.site_host("fal.ai").allow_http(false).build().expect(name);
    }
}

#[test]
fn passwords_in_settings_are_not_shown() {
    for host in [
        "https://joe:pa55word-4@fal.run",
        "joe:pa55word-4@fal.run",
        "https://fal.run/?token=pa55word-4",
        "https://joe:pa55word-4?x@fal.run",
        "https://joe:pa55word-4#x@fal.run",
        "https:/joe:pa55word-4@fal.run",
        "https:joe:pa55word-4@fal.run",
    ] {
        let builder = Client::builder().key(KEY).run_host(host).queue_host(host);
        let mut shown = format!("{builder:?} {builder:#?}");
        let error = builder.build().expect_err(host);
        shown.push_str(&format!("{error} {error:?} {:?}", std::error::Error::source(&error)));
        assert!(!shown.contains("pa55word") && !shown.contains("joe"), "{shown}");
    }
}
