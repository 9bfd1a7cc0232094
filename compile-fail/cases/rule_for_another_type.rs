//! Rules that the type of a field would ignore.
#[fal_client::input]
pub struct Bounds {
    /// A string has a length, and not a range.
    #[field(range(0, 1))]
    pub word: String,
}

#[fal_client::input]
pub struct Items {
    /// A number has no length.
    #[field(each(min_length(1)))]
    pub numbers: Option<std::collections::BTreeMap<String, Vec<i64>>>,
}

fn main() {}
