use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use fal_client::{Client, Host, Probe};
use futures_util::future::join_all;

use super::report::Report;
use crate::error::{Exit, connection_help};

/// The difference of clocks that the check warns about. Responses tell whole seconds, and may be slow.
const MAX_SKEW: Duration = Duration::from_secs(60);

/// The difference of clocks from which the signatures of webhooks are rejected.
const TOO_MUCH_SKEW: Duration = Duration::from_secs(300);

/// Checks that the hosts are reachable, by which proxies, and that the clocks agree.
pub(super) async fn check(client: &Client, report: &mut Report) {
    let hosts = client.hosts();
    let probes = hosts.iter().map(|host| async move { (host, client.probe(host).await, SystemTime::now()) });
    let mut skews = Vec::new();
    for (host, probe, now) in join_all(probes).await {
        if let Some(date) = probe.as_ref().ok().and_then(|probe| probe.date) {
            skews.push(Skew::of(now, date));
        }
        check_host(host, probe, report);
    }
    check_proxies(&hosts, report);
    check_certificates(report);
    if let Some(skew) = skews.into_iter().min_by_key(|skew| skew.by) {
        check_clock(skew, report);
    }
}

fn check_host(host: &Host, probe: Result<Probe, fal_client::Error>, report: &mut Report) {
    let (name, variable) = match host.name {
        "run" => ("run host", "FAL_RUN_HOST"),
        "queue" => ("queue host", "FAL_QUEUE_RUN_HOST"),
        "ws" => ("WebSocket host", "FAL_WS_RUN_HOST"),
        "rest" => ("REST host", "FAL_REST_HOST"),
        "api" => ("platform host", "FAL_API_HOST"),
        _ => ("CDN host", "FAL_CDN_V3_HOST"),
    };
    let is_set = std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    let url = match is_set {
        true => format!("{} ({variable})", host.url),
        false => host.url.clone(),
    };
    match probe {
        Ok(probe) if probe.status == 407 => {
            let help = "put the user and the password into the proxy's URL: `http://user:password@host:port`";
            report.fail(name, Exit::Network, format!("{url}: the proxy requires a password"), help);
        }
        Ok(probe) if matches!(probe.status.as_u16(), 502..=504) => {
            let message = format!("{url} responds with {}", probe.status);
            report.warn(name, message, "try again later, and see https://status.fal.ai");
        }
        Ok(_) => report.pass(name, url),
        Err(error) => report.fail(name, Exit::Network, format!("{url}: {error}"), connection_help(&error)),
    }
}

/// Reports the proxies of the environment that are in force, as the client reads them.
fn check_proxies(hosts: &[Host], report: &mut Report) {
    let mut proxies: Vec<String> = Vec::new();
    for proxy in hosts.iter().filter_map(|host| host.proxy.as_ref()) {
        let text = format!("{} ({})", proxy.url, proxy.variable);
        if !proxies.contains(&text) {
            proxies.push(text);
        }
    }
    let direct: Vec<&str> = hosts.iter().filter(|host| host.proxy.is_none()).map(|host| host.name).collect();
    match (proxies.is_empty(), direct.is_empty()) {
        (true, _) => {
            let variables = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
            let set = variables.into_iter().find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
            report.pass(
                "proxy",
                match set {
                    Some(name) => format!("none for these hosts, although {name} is set"),
                    None => "none".to_owned(),
                },
            );
        }
        (false, true) => report.pass("proxy", proxies.join(", ")),
        (false, false) => {
            let direct = direct.join(", ");
            report.pass("proxy", format!("{}; without it: {direct} (NO_PROXY or a local host)", proxies.join(", ")));
        }
    }
}

/// Reports the certificate authorities that are in force. The environment sets them on Linux and other Unix systems.
fn check_certificates(report: &mut Report) {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let set = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().find_map(|name| Some((name, variable(name)?)));
    let is_read = cfg!(unix) && !cfg!(target_vendor = "apple");
    let Some((name, path)) = set.filter(|_| is_read) else {
        return report.pass("certificates", "those of the system");
    };
    let path = Path::new(&path);
    let help = format!("correct the path in {name}, or unset it");
    let shown = path.display();
    let problem = match (name, fs::metadata(path)) {
        (_, Err(error)) => Some(format!("{name}: cannot read `{shown}`: {error}")),
        ("SSL_CERT_DIR", Ok(metadata)) => (!metadata.is_dir()).then(|| format!("{name}: `{shown}` is not a folder")),
        (_, Ok(_)) => match fal_documents::file::read(path) {
            Err(error) => Some(format!("{name}: cannot read `{shown}`: {error}")),
            Ok(bytes) => (!String::from_utf8_lossy(&bytes).contains("-----BEGIN CERTIFICATE"))
                .then(|| format!("{name}: `{shown}` has no certificate in PEM format")),
        },
    };
    match problem {
        Some(problem) => report.fail("certificates", Exit::Failed, problem, help),
        None => report.pass("certificates", format!("`{shown}` ({name})")),
    }
}

/// The difference between the local clock and that of a host.
struct Skew {
    by: Duration,
    is_ahead: bool,
}

impl Skew {
    fn of(now: SystemTime, date: SystemTime) -> Self {
        match now.duration_since(date) {
            Ok(by) => Skew { by, is_ahead: true },
            Err(error) => Skew { by: error.duration(), is_ahead: false },
        }
    }
}

fn check_clock(skew: Skew, report: &mut Report) {
    let help = "set the clock, such as by NTP";
    let by = humantime::format_duration(Duration::from_secs(skew.by.as_secs()));
    let message = format!("{by} {} of the hosts' clocks", if skew.is_ahead { "ahead" } else { "behind" });
    match skew.by {
        by if by <= MAX_SKEW => report.pass("clock", "agrees with the hosts' clocks"),
        by if by < TOO_MUCH_SKEW => report.warn("clock", message, help),
        _ => report.fail("clock", Exit::Failed, format!("{message}: webhooks are rejected"), help),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_is_a_warning_and_a_very_wrong_one_a_failure() {
        for (seconds, is_ahead, status, words) in [
            (60, true, "passed", "agrees"),
            (61, false, "warning", "1m 1s behind"),
            (299, true, "warning", "4m 59s ahead"),
            (86_400, false, "failed", "1day behind"),
        ] {
            let mut report = Report::default();
            check_clock(Skew { by: Duration::from_secs(seconds), is_ahead }, &mut report);
            let text = serde_json::to_string(&report.to_json()).expect("JSON");
            assert!(text.contains(status) && text.contains(words), "{text}");
        }
    }
}
