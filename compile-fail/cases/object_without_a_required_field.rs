//! An object with several required fields is built by name.

#[fal_client::input]
pub struct Input {
    /// The area.
    pub area: Area,
}

#[fal_client::input_object]
pub struct Area {
    /// The left edge.
    pub left: f64,
    /// The right edge.
    pub right: f64,
}

fn main() {
    let _ = Area::builder().left(1).build();
    let _ = Input::builder().area(Area::builder().left(1));
}
