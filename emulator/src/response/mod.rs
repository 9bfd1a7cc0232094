//! Responses in fal's formats.

pub(crate) mod exceeded;
pub(crate) mod failure;
pub(crate) mod range;
pub(crate) mod refusal;
pub(crate) mod reply;
pub(crate) mod s3;
