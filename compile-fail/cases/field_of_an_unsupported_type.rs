//! A type that JSON of a schema cannot have.
#[fal_client::input]
pub struct Input {
    /// The strength.
    pub strength: Option<u8>,
}

fn main() {}
