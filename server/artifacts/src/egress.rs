//! Whom this host may call on behalf of tenants. A name says little, since whoever owns it decides what
//! address it has: it is the address that is judged, at the moment of connecting.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a site allows. Nothing else is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Egress {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    /// `*`: everything that is public.
    Public,
    /// `host` or `*.domain`: this name wherever it lies, except where nothing of use lies.
    Name { host: String, below: bool },
    /// `address` or `address/bits`.
    Net { first: IpAddr, bits: u8 },
}

/// A rule that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no egress rule: `*`, a host, `*.domain`, an address or a network like 10.0.0.0/8"
)]
pub struct RuleError(String);

impl Egress {
    /// Reads rules: `*` (all public addresses), `host`, `*.domain`, `address`, `address/bits`.
    pub fn parse<'a>(rules: impl IntoIterator<Item = &'a str>) -> Result<Self, RuleError> {
        let rules = rules.into_iter();
        Ok(Self {
            rules: rules
                .map(|text| rule(text).ok_or_else(|| RuleError(text.to_owned())))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Whether a connection to this address is allowed, given the name that led to it.
    pub(crate) fn allows(&self, host: &str, address: IpAddr) -> bool {
        let address = real(address);
        let kind = kind(address);
        self.rules.iter().any(|rule| match rule {
            Rule::Net { first, .. } if kind == Kind::Never => *first == address,
            Rule::Net { first, bits } => {
                shared_bits(*first, address).is_some_and(|shared| shared >= u32::from(*bits))
            }
            Rule::Name { host: known, below } => kind != Kind::Never && covers(known, *below, host),
            Rule::Public => kind == Kind::Public,
        })
    }
}

fn rule(text: &str) -> Option<Rule> {
    if text == "*" {
        return Some(Rule::Public);
    }
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    if let Ok(first) = address.parse::<IpAddr>() {
        let all = if first.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(all);
        return (bits <= all).then_some(Rule::Net { first, bits });
    }
    let (host, below) = match text.strip_prefix("*.") {
        Some(domain) => (domain, true),
        None => (text, false),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    (!host.is_empty() && host.chars().all(plain)).then(|| Rule::Name {
        host: host.to_ascii_lowercase(),
        below,
    })
}

fn covers(known: &str, below: bool, host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if below {
        host.strip_suffix(known)
            .is_some_and(|rest| rest.ends_with('.'))
    } else {
        host == known
    }
}

/// The address that packets will reach in the end: IPv4 in one of its IPv6 disguises is IPv4.
fn real(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address.to_canonical() else {
        return address.to_canonical();
    };
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match six.segments() {
        // IPv4-compatible (RFC 4291), but not `::` and `::1`.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => embedded(high, low),
        // NAT64 (RFC 6052), its local form too (RFC 8215).
        [0x64, 0xff9b, 0 | 1, _, _, _, high, low] => embedded(high, low),
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => embedded(high, low),
        _ => IpAddr::V6(six),
    }
}

#[derive(PartialEq, Eq)]
enum Kind {
    Public,
    Private,
    /// Metadata services, link-local, multicast, unspecified: only a rule with the address itself helps.
    Never,
}

fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(four) => kind_of_four(four),
        IpAddr::V6(six) => kind_of_six(six),
    }
}

fn kind_of_four(address: Ipv4Addr) -> Kind {
    match address.octets() {
        // Link-local with the metadata services, Alibaba's, and Azure's wire server.
        [169, 254, ..] | [100, 100, 100, 200] | [168, 63, 129, 16] => Kind::Never,
        [0 | 224..=255, ..] => Kind::Never,
        [10 | 127, ..] | [100, 64..=127, ..] | [172, 16..=31, ..] | [192, 168, ..] => Kind::Private,
        // Reserved for protocols, documentation and benchmarks.
        [192, 0, 0 | 2, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Kind::Private
        }
        _ => Kind::Public,
    }
}

fn kind_of_six(address: Ipv6Addr) -> Kind {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] | [0xff00..=0xffff, ..] | [0xfe80..=0xfebf, ..] => Kind::Never,
        // Amazon's metadata service.
        [0xfd00, 0x0ec2, ..] => Kind::Never,
        [0, 0, 0, 0, 0, 0, 0, 1] | [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Kind::Private,
        // Global unicast, without documentation and Teredo.
        [0x2001, 0 | 0xdb8, ..] => Kind::Private,
        [0x2000..=0x3fff, ..] => Kind::Public,
        _ => Kind::Private,
    }
}

/// Leading bits that two addresses of one family have in common.
fn shared_bits(one: IpAddr, other: IpAddr) -> Option<u32> {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            Some((one.to_bits() ^ other.to_bits()).leading_zeros())
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            Some((one.to_bits() ^ other.to_bits()).leading_zeros())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(rules: &[&str], host: &str, address: &str) -> bool {
        Egress::parse(rules.iter().copied())
            .unwrap()
            .allows(host, address.parse().unwrap())
    }

    #[test]
    fn nothing_is_allowed_unless_a_rule_says_so() {
        assert!(!allows(&[], "example.org", "93.184.216.34"));
        assert!(allows(&["*"], "example.org", "93.184.216.34"));
        assert!(allows(&["*"], "example.org", "2606:2800::1"));
    }

    /// security.md S01: metadata and private addresses in each of their spellings.
    #[test]
    fn s01_metadata_and_private_addresses_are_denied_in_every_disguise() {
        for address in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "::a9fe:a9fe",
            "fd00:ec2::254",
            "fe80::1",
            "0.0.0.0",
            "::",
            "127.0.0.1",
            "::1",
            "10.1.2.3",
            "172.20.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "224.0.0.1",
            "255.255.255.255",
            "fc00::1",
            "ff02::1",
        ] {
            assert!(!allows(&["*"], "evil.example", address), "{address}");
        }
    }

    #[test]
    fn a_name_that_the_operator_trusts_may_be_private_but_never_metadata() {
        let rules = ["minio.local", "*.corp.example"];
        assert!(allows(&rules, "minio.local", "10.0.0.7"));
        assert!(allows(&rules, "MINIO.local.", "127.0.0.1"));
        assert!(allows(&rules, "a.corp.example", "10.0.0.7"));
        assert!(!allows(&rules, "minio.local", "169.254.169.254"));
        assert!(!allows(&rules, "corp.example", "10.0.0.7"));
        assert!(!allows(&rules, "evilcorp.example", "10.0.0.7"));
        assert!(!allows(&rules, "minio.local.evil.example", "10.0.0.7"));
    }

    #[test]
    fn a_network_is_allowed_by_its_numbers_alone() {
        let rules = ["10.0.0.0/8", "127.0.0.1", "fd00::/8"];
        assert!(allows(&rules, "anything", "10.255.0.1"));
        assert!(allows(&rules, "anything", "::ffff:10.0.0.1"));
        assert!(allows(&rules, "anything", "127.0.0.1"));
        assert!(!allows(&rules, "anything", "127.0.0.2"));
        assert!(!allows(&rules, "anything", "11.0.0.1"));
        assert!(allows(&["0.0.0.0/0"], "anything", "11.0.0.1"));
        assert!(!allows(&["0.0.0.0/0"], "anything", "169.254.169.254"));
        assert!(!allows(&["0.0.0.0/0"], "anything", "2606:2800::1"));
        assert!(allows(&["169.254.169.254"], "anything", "169.254.169.254"));
    }

    #[test]
    fn what_is_no_rule_is_said() {
        for wrong in [
            "",
            "a b",
            "10.0.0.0/33",
            "10.0.0.0/x",
            "http://a",
            "*.",
            "a/8",
        ] {
            assert!(Egress::parse([wrong]).is_err(), "{wrong}");
        }
    }
}
