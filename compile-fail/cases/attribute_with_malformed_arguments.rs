//! Inner attributes without their parentheses, values given twice, and rules of an output.
#[fal_client::input]
pub struct Input {
    /// The strength.
    #[field = "strength"]
    pub strength: Option<f64>,
}

#[fal_client::open_enum]
pub enum Format {
    #[value = "png"]
    Png,
}

#[fal_client::open_enum]
pub enum Size {
    #[value("large")]
    Large,
    #[value("large")]
    Huge,
}

#[fal_client::output_union]
pub enum Caption {
    /// The attribute adds this variant.
    Other(String),
}

#[fal_client::output]
pub struct Output {
    /// Outputs are not validated.
    #[field(range(0, 1))]
    pub score: f64,
}

fn main() {}
