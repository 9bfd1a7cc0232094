use std::fmt;
use std::marker::PhantomData;

/// An endpoint's id with the types of its input and output. Each generated module has a constant `ENDPOINT`.
///
/// ```
/// use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;
///
/// assert_eq!(inpainting::ENDPOINT.id(), "fal-ai/fast-sdxl-controlnet-canny/inpainting");
/// ```
pub struct Endpoint<I, O> {
    id: &'static str,
    of: PhantomData<fn(I) -> O>,
}

impl<I, O> Endpoint<I, O> {
    /// Creates the endpoint of an id. The types are not checked against fal's schema.
    pub const fn new(id: &'static str) -> Self {
        Endpoint { id, of: PhantomData }
    }

    /// Returns the id, such as `fal-ai/flux/dev/redux`.
    pub const fn id(&self) -> &'static str {
        self.id
    }
}

impl<I, O> Clone for Endpoint<I, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I, O> Copy for Endpoint<I, O> {}

impl<I, O> fmt::Debug for Endpoint<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.id)
    }
}
