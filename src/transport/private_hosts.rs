//! Hosts that are not on the public internet: this machine, its network, and addresses with a special meaning.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Returns true if a URL names a private host, by an address in any notation or by a name that only a local network
/// knows. Names are not resolved.
pub(super) fn names_private_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_private(address.into()),
        Some(Host::Ipv6(address)) => is_private(address.into()),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            let last = name.rsplit('.').next().unwrap_or_default();
            !name.contains('.') || matches!(last, "localhost" | "local" | "internal" | "lan" | "localdomain" | "arpa")
        }
        None => true,
    }
}

/// Returns true if the name of a URL resolves to a private address. Returns false if it does not resolve, as behind a
/// proxy that resolves names itself.
pub(super) async fn resolves_to_private_host(url: &Url) -> bool {
    let Some(Host::Domain(name)) = url.host() else { return false };
    let resolved = tokio::net::lookup_host((name, url.port_or_known_default().unwrap_or_default())).await;
    resolved.is_ok_and(|mut addresses| addresses.any(|address| is_private(address.ip())))
}

/// Returns true if an address is not one of the public internet: loopback, private, link-local, shared by a provider
/// (CGNAT), multicast, unspecified or reserved. IPv6 addresses that stand for IPv4 addresses are judged as these.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || matches!((a, b, c), (0 | 224..=255, _, _) | (100, 64..=127, _) | (192, 0, 0) | (198, 18 | 19, _))
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let v4 = |high: u16, low: u16| is_private_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match segments {
        // Mapped, compatible (`::` and `::1` included), translated, NAT64 and 6to4 addresses.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => v4(high, low),
        [0x64, 0xff9b, 1, ..] => true,
        // Unique-local, link-local, site-local and multicast addresses.
        [first, ..] => matches!(first, 0xfc00..=0xfdff | 0xfe80..=0xfeff | 0xff00..=0xffff),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_hosts_are_recognized_in_every_notation() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.0.0.1.",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "0xa9fea9fe",
            "100.64.0.1",
            "0.0.0.0",
            "0",
            "224.0.0.1",
            "239.1.1.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.0.1",
            "198.18.0.1",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:a00:1]",
            "[::7f00:1]",
            "[64:ff9b::10.0.0.1]",
            "[64:ff9b:1::1]",
            "[2002:7f00:1::]",
            "[fe80::1]",
            "[fc00::1]",
            "[fd12:3456::1]",
            "[fec0::1]",
            "[ff02::1]",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "minio",
            "printer.local",
            "metadata.google.internal",
            "１２７.0.0.1",
        ] {
            let url = Url::parse(&format!("http://{host}/")).expect(host);
            assert!(names_private_host(&url), "{host} {url}");
        }
        for host in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.1.1",
            "169.253.1.1",
            "100.63.0.1",
            "100.128.0.1",
            "223.255.255.255",
            "[2606:4700::1111]",
            "[::ffff:1.1.1.1]",
            "[64:ff9b::1.1.1.1]",
            "v3.fal.media",
            "localhost.example.com",
            "local.fal.media",
            "127.0.0.1.example.com",
        ] {
            let url = Url::parse(&format!("http://{host}/")).expect(host);
            assert!(!names_private_host(&url), "{host} {url}");
        }
    }

    #[tokio::test]
    async fn names_are_resolved() {
        let resolves = async |url: &str| resolves_to_private_host(&Url::parse(url).expect("a URL")).await;
        assert!(resolves("http://localhost/").await);
        assert!(!resolves("http://no-such-name.invalid/").await);
        assert!(!resolves("http://127.0.0.1/").await, "not a name");
    }
}
