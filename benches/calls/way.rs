//! The calls that are measured, and the ways to make them.

use std::fmt;
use std::str::FromStr;

use super::Failure;

pub(crate) const ENDPOINT: &str = "fal-ai/fast-sdxl-controlnet-canny/inpainting";
pub(crate) const APP: &str = "fal-ai/fast-sdxl-controlnet-canny";
pub(crate) const REQUEST_ID: &str = "764cabcf-b745-4b3e-ae38-1200304cf45b";

/// A call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Run,
    Submit,
    Status,
    Result,
    Cancel,
    Subscribe,
    Stream,
}

impl Verb {
    pub(crate) const ALL: [Verb; 7] =
        [Verb::Run, Verb::Submit, Verb::Status, Verb::Result, Verb::Cancel, Verb::Subscribe, Verb::Stream];
}

/// The program that makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// A `TcpStream`, which writes a request that was made before. The limit of the loopback interface.
    Raw,
    /// Bare reqwest, with a body that was serialized before.
    Serialized,
    /// Bare reqwest, with structs that derive serde's traits.
    Bare,
    /// fal-client, with generated types.
    Typed,
    /// The same without validation.
    Unchecked,
    /// fal-client with JSON values.
    Untyped,
    /// fal-client without async.
    Blocking,
}

/// A way to make a call. Written as `typed-run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) program: Program,
    pub(crate) verb: Verb,
}

impl Way {
    pub(crate) const fn new(program: Program, verb: Verb) -> Self {
        Way { program, verb }
    }

    /// The title of a row.
    pub(crate) fn title(self) -> &'static str {
        match self.program {
            Program::Raw => "`TcpStream`, without an HTTP client",
            Program::Serialized => "reqwest, input serialized before",
            Program::Bare => "reqwest, derived structs",
            Program::Typed => "fal-client",
            Program::Unchecked => "fal-client, `validate(false)`",
            Program::Untyped => "fal-client, JSON values",
            Program::Blocking => "fal-client, blocking",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", format!("{:?}-{:?}", self.program, self.verb).to_ascii_lowercase())
    }
}

impl FromStr for Way {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        use Program::*;

        let programs = [Raw, Serialized, Bare, Typed, Unchecked, Untyped, Blocking];
        let mut ways = programs.into_iter().flat_map(|program| Verb::ALL.map(|verb| Way::new(program, verb)));
        ways.find(|way| way.to_string() == text).ok_or_else(|| format!("unknown way `{text}`").into())
    }
}
