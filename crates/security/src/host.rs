//! Reads the name by which a client reaches this server over HTTP.

use std::net::IpAddr;

/// Returns whether the value of a header `Host` is an address, or the name that every machine has for itself.
///
/// An attacker can point a name of its own at this machine, and its page is then of the same origin as this server. Where
/// nobody is asked who they are, only what this returns keeps such a page out.
///
/// ```
/// use seriatim_security::names_this_machine;
///
/// assert!(names_this_machine("127.0.0.1:8080") && names_this_machine("[::1]") && names_this_machine("LOCALHOST"));
/// assert!(!names_this_machine("localhost.evil.example:80"));
/// ```
pub fn names_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::names_this_machine;

    #[test]
    fn addresses_and_localhost_are_this_machine() {
        for host in [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1:8080",
            "[::1]:8080",
            "[::1]",
        ] {
            assert!(names_this_machine(host), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example:80",
            "127.0.0.1.evil.example",
            "",
        ] {
            assert!(!names_this_machine(host), "{host}");
        }
    }
}
