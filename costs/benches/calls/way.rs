use std::fmt;
use std::str::FromStr;

use costs::{Call, Error};

/// A way to make a call. Written as `typed-run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// fal-client, with generated types.
    Typed(Call),
    /// Bare reqwest, with structs that derive serde's traits.
    Bare(Call),
    /// A direct run with bare reqwest and a body that was serialized before.
    Serialized,
    /// A direct run by a `TcpStream`, which writes a request that was made before. The limit of the loopback interface.
    Raw,
    /// A direct run with fal-client without validation.
    Unchecked,
    /// A direct run with fal-client and JSON values.
    Untyped,
    /// A direct run with fal-client without async.
    Blocking,
}

impl Way {
    const RUNS: [Way; 5] = [Way::Serialized, Way::Raw, Way::Unchecked, Way::Untyped, Way::Blocking];

    /// The title of a row.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Way::Typed(_) => "fal-client",
            Way::Bare(_) => "reqwest, derived structs",
            Way::Serialized => "reqwest, input serialized before",
            Way::Raw => "`TcpStream`, without an HTTP client",
            Way::Unchecked => "fal-client, `validate(false)`",
            Way::Untyped => "fal-client, JSON values",
            Way::Blocking => "fal-client, blocking",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::Typed(call) => write!(f, "typed-{}", call.name()),
            Way::Bare(call) => write!(f, "bare-{}", call.name()),
            Way::Serialized => f.write_str("serialized-run"),
            Way::Raw => f.write_str("raw-run"),
            Way::Unchecked => f.write_str("unchecked-run"),
            Way::Untyped => f.write_str("untyped-run"),
            Way::Blocking => f.write_str("blocking-run"),
        }
    }
}

impl FromStr for Way {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let calls = Call::ALL.into_iter().flat_map(|call| [Way::Typed(call), Way::Bare(call)]);
        let mut ways = calls.chain(Way::RUNS);
        ways.find(|way| way.to_string() == text).ok_or_else(|| format!("unknown way `{text}`").into())
    }
}
