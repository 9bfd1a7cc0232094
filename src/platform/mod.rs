//! The platform API.
