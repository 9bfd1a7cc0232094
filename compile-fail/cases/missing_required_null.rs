//! A required field that may be null is set to a value or to null.

#[fal_client::input]
pub struct Input {
    /// The side of the light.
    pub side: fal_client::Nullable<String>,
}

fn main() {
    let _ = Input::builder().build();
}
