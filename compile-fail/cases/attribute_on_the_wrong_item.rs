//! A struct for an enum, an enum for a struct, and variants without what they need.
#[fal_client::input]
pub enum Input {}

#[fal_client::open_enum]
pub struct Format {}

#[fal_client::open_enum]
pub enum Size {
    Large,
}

#[fal_client::input_union]
pub enum Source {
    Nothing,
}

fn main() {}
