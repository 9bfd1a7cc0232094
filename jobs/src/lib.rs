//! A journal of fal.ai requests.
