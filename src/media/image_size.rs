use crate::schema::ListItem;

/// The size of an image in pixels.
///
/// ```
/// use fal_client::ImageSize;
///
/// assert_eq!(ImageSize::from((1280, 720)), ImageSize::new(1280, 720));
/// ```
///
/// An unset side takes the endpoint's default. Each endpoint has its own limits, which are checked before sending.
#[fal_client_macros::output]
pub struct ImageSize {
    /// Width in pixels.
    pub width: Option<i64>,
    /// Height in pixels.
    pub height: Option<i64>,
}

impl ImageSize {
    /// Creates a size of `width` by `height` pixels.
    pub fn new(width: impl Into<i64>, height: impl Into<i64>) -> Self {
        ImageSize { width: Some(width.into()), height: Some(height.into()) }
    }
}

impl<W: Into<i64>, H: Into<i64>> From<(W, H)> for ImageSize {
    fn from((width, height): (W, H)) -> Self {
        ImageSize::new(width, height)
    }
}

/// A width and a height in pixels.
impl<W: Into<i64>, H: Into<i64>> ListItem<(W, H)> for ImageSize {
    fn from_item(size: (W, H)) -> Self {
        size.into()
    }
}
