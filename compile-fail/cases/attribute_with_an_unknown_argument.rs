//! A misspelt rule.
#[fal_client::input]
pub struct Input {
    /// The strength.
    #[field(rnage(0, 1))]
    pub strength: Option<f64>,
}

fn main() {}
