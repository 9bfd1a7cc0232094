//! A field of an input is required by its type.

#[fal_client::input]
pub struct Input {
    #[field(required)]
    pub seed: Option<i128>,
}

fn main() {}
