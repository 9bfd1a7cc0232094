//! The budget of what is generated. The budget of files is [`fal_documents::budget`].

/// The most that the schemas of an endpoint may have, and that merging them may add, in the bytes of [`fal_documents::budget::size`].
pub(crate) const MAX_SCHEMAS: usize = 8 << 20;

/// The most fields, variants and enum values that an endpoint may have. Known endpoints have some hundreds.
pub(crate) const MAX_PARTS: usize = 50_000;

/// The most endpoints. fal has some 1,500, and each becomes a file.
pub(crate) const MAX_ENDPOINTS: usize = 10_000;
