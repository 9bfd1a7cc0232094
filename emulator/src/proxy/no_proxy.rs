use crate::urls::{DOMAINS, is_within};

/// The loopback interface, which must not go through the proxy.
const LOOPBACK: &str = "localhost,127.0.0.1,::1";

/// Returns the value of `NO_PROXY`: the loopback interface, and the entries of the current value that do not name fal.
pub(super) fn no_proxy(current: &str) -> String {
    let entries = current.split(',').map(str::trim).filter(|entry| !entry.is_empty() && !names_fal(entry));
    entries.fold(LOOPBACK.to_owned(), |list, entry| format!("{list},{entry}"))
}

/// Returns whether an entry names a host of fal, a domain above fal, or all hosts.
fn names_fal(entry: &str) -> bool {
    let entry = entry.to_ascii_lowercase();
    let name = entry.split(':').next().unwrap_or_default().trim_start_matches(['*', '.']).trim_end_matches('.');
    // Without a name, it is `*`. An IPv6 address has several colons.
    entry.matches(':').count() < 2
        && (name.is_empty() || DOMAINS.iter().any(|domain| is_within(name, domain) || is_within(domain, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_name_fal_are_left_out() {
        for entry in
            ["*", "fal.run", ".fal.run", "*.fal.run", "queue.fal.run:443", "FAL.AI", "run", "fal.ai.", "x.fal.ai"]
        {
            assert_eq!(no_proxy(&format!("{entry}, db.internal")), format!("{LOOPBACK},db.internal"), "{entry}");
        }
        for entry in ["10.0.0.0/8", "fd00::1", "notfal.run", "fal.run.internal", ".internal:8443"] {
            assert_eq!(no_proxy(entry), format!("{LOOPBACK},{entry}"));
        }
        assert_eq!(no_proxy(""), LOOPBACK);
        assert_eq!(no_proxy(" , ,"), LOOPBACK);
    }
}
