use std::env;
use std::fs;
use std::io;
use std::path::{self, Path, PathBuf};
use std::process::Command;

use crate::authority::{Authority, pem};
use crate::proxy::no_proxy::no_proxy;
use crate::urls::DOMAINS;

/// The script for Node.js. Its port and its domains are replaced.
const PRELOAD: &str = include_str!("preload.cjs");

/// The variables that would lead requests for fal elsewhere, or with another key.
const REMOVED: [&str; 19] = [
    "ALL_PROXY",
    "all_proxy",
    "SOCKS_PROXY",
    "socks_proxy",
    "WSS_PROXY",
    "wss_proxy",
    "FAL_KEY_ID",
    "FAL_KEY_SECRET",
    "FAL_FORCE_AUTH_BY_USER",
    "FAL_HOST",
    "FAL_RUN_HOST",
    "FAL_QUEUE_RUN_HOST",
    "FAL_WS_RUN_HOST",
    "FAL_REST_HOST",
    "FAL_API_HOST",
    "FAL_SITE_HOST",
    "FAL_GRPC_HOST",
    "FAL_CDN_V3_HOST",
    "FAL_PROXY_URL",
];

/// The environment that leads the requests of a program for fal's real hosts to an emulator, made by
/// [`Emulator::proxy_environment`](crate::Emulator::proxy_environment).
///
/// ```no_run
/// # fn example(emulator: &fal_emulator::Emulator) -> std::io::Result<()> {
/// use std::process::Command;
///
/// let environment = emulator.proxy_environment("target/emulator".as_ref())?;
/// let mut command = Command::new("pytest");
/// environment.apply(&mut command);
/// let status = command.status()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyEnvironment {
    /// The variables to set, with their values. The program keeps its own options of `NODE_OPTIONS` if they come first.
    pub set: Vec<(&'static str, String)>,
    /// The variables to remove, which would lead requests elsewhere.
    pub remove: Vec<&'static str>,
}

impl ProxyEnvironment {
    /// Writes the files of the environment to a folder, which is created if it is missing.
    pub(crate) fn write(folder: &Path, port: u16, key: &str, authority: &Authority) -> io::Result<Self> {
        let folder = path::absolute(folder)?;
        fs::create_dir_all(&folder)?;
        let file = |name: &str, text: &str| -> io::Result<String> {
            let path = folder.join(name);
            fs::write(&path, text)?;
            utf8(path)
        };
        let own = file("ca.pem", authority.pem())?;
        let all = file("certificates.pem", &(system_roots() + authority.pem()))?;
        let domains = DOMAINS.map(|domain| format!("'{domain}'")).join(", ");
        let script = PRELOAD.replace("EMULATOR_PORT", &port.to_string()).replace("FAL_DOMAINS", &domains);
        let preload = file("preload.cjs", &script)?;
        let proxy = format!("http://127.0.0.1:{port}");
        let current = ["NO_PROXY", "no_proxy"].iter().find_map(|name| env::var(name).ok()).unwrap_or_default();
        let direct = no_proxy(&current);
        let set = vec![
            ("FAL_KEY", key.to_owned()),
            ("HTTPS_PROXY", proxy.clone()),
            ("https_proxy", proxy),
            ("NO_PROXY", direct.clone()),
            ("no_proxy", direct),
            ("SSL_CERT_FILE", all.clone()),
            ("REQUESTS_CA_BUNDLE", all.clone()),
            ("CURL_CA_BUNDLE", all.clone()),
            ("AWS_CA_BUNDLE", all),
            ("DENO_CERT", own.clone()),
            ("NODE_EXTRA_CA_CERTS", own),
            ("NODE_USE_ENV_PROXY", "1".to_owned()),
            ("NODE_OPTIONS", format!("--require={}", quoted(&preload))),
        ];
        Ok(ProxyEnvironment { set, remove: REMOVED.to_vec() })
    }

    /// Changes the environment of a command. The options that `NODE_OPTIONS` has in this process are kept.
    pub fn apply(&self, command: &mut Command) {
        for name in &self.remove {
            command.env_remove(name);
        }
        for (name, value) in &self.set {
            match env::var(name).ok().filter(|current| *name == "NODE_OPTIONS" && !current.is_empty()) {
                Some(current) => command.env(name, format!("{current} {value}")),
                None => command.env(name, value),
            };
        }
    }
}

fn utf8(path: PathBuf) -> io::Result<String> {
    path.into_os_string().into_string().map_err(|path| {
        let reason = format!("the path {} is not Unicode: choose another folder", path.display());
        io::Error::new(io::ErrorKind::InvalidInput, reason)
    })
}

/// Quotes a value of `NODE_OPTIONS` if it has to be, so that files of variables seldom have quotes.
fn quoted(value: &str) -> String {
    if value.chars().all(|c| c.is_ascii_alphanumeric() || "/-_.+".contains(c)) {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Returns the certificate authorities of the system as PEM, those that can be read.
fn system_roots() -> String {
    rustls_native_certs::load_native_certs().certs.iter().map(|certificate| pem(certificate)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_node_are_quoted() {
        assert_eq!(quoted("/folder/x.cjs"), "/folder/x.cjs");
        assert_eq!(quoted("/a folder/x.cjs"), r#""/a folder/x.cjs""#);
        assert_eq!(quoted(r#"C:\a"b"#), r#""C:\\a\"b""#);
    }
}
