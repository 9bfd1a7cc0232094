//! Records of the real fal: requests are forwarded and kept, or served from what was kept.

mod canonical;
pub(crate) mod folder;
mod forms;
pub(crate) mod player;
pub(crate) mod recorder;
pub(crate) mod records;
mod scrub;
mod sse;
pub(crate) mod tape;
pub(crate) mod timeline;
mod uploads;
