use std::marker::PhantomData;

use super::shape::SchemaType;

/// A value for a field of type `T`, as the setters of inputs take it: every type that converts [`Into<T>`](Into).
///
/// ```
/// use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting::{ImageSizePreset, Input};
///
/// let pixels = Input::builder().image_size((1280, 720));
/// let preset = Input::builder().image_size(ImageSizePreset::SquareHd);
/// let parsed = Input::builder().image_size("square_hd".parse::<ImageSizePreset>()?);
/// # let _ = (pixels, preset, parsed);
/// # Ok::<(), fal_client::Error>(())
/// ```
///
/// The trait only exists for the messages of the compiler. Functions of your own can require `Into<T>`. `A` lists the types of a
/// union in these messages.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a value for a field of type `{T}`",
    label = "expected `{A}`, or a type that converts into it",
    note = "to set an enum, write one of its variants, or parse a string: `\"…\".parse::<…>()?`",
    note = "to set an object from its builder, set all of its required fields first",
    note = "to set a number from `usize` or `u64`, convert it first, for example with `try_into`",
    note = "to set an optional field from an `Option`, call `maybe_…`; to send null where it is allowed, call `null_…`"
)]
pub trait IntoField<T: SchemaType, A = <T as SchemaType>::Accepts>: Into<T> {}

#[diagnostic::do_not_recommend]
impl<T: SchemaType, U: Into<T>> IntoField<T> for U {}

/// The types of a union, in messages of the compiler.
#[derive(Debug)]
pub struct OneOf<T>(PhantomData<T>);
