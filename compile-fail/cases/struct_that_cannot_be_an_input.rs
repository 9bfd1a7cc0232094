//! Structs and fields that an attribute cannot expand.
#[fal_client::input]
pub struct Generic<T> {
    /// A value.
    pub value: T,
}

#[fal_client::input]
pub struct Tuple(String);

#[fal_client::input]
pub struct Conditional {
    /// A value.
    #[cfg(unix)]
    pub value: String,
}

#[fal_client::input]
pub struct Reserved {
    /// The setter would be the function that ends the builder.
    pub build: String,
}

#[fal_client::input_object]
pub struct Twice {
    /// A value.
    pub value: String,
    /// The same value.
    #[field(name = "value")]
    pub other: String,
}

fn main() {}
