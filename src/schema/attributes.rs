//! The attributes of generated types. They work on hand-written types too, for an endpoint without a document.

/// Makes a struct the input of an endpoint.
///
/// ```
/// use fal_client::FileInput;
///
/// /// The endpoint's input.
/// #[fal_client::input]
/// pub struct Input {
///     /// The image to start from.
///     pub image_url: FileInput,
///     /// The share of the image to redraw. Default: `0.95`. Range: 0 to 1.
///     #[field(range(0, 1))]
///     pub strength: Option<f64>,
///     /// The kind of image.
///     #[field(name = "type")]
///     pub kind: Option<String>,
/// }
///
/// let input = Input::builder().image_url("https://example.com/room.png").strength(0.9).build();
/// assert!(input.validate().is_ok());
/// assert!(Input::builder().image_url("room.png").strength(2.0).build().validate().is_err());
/// ```
///
/// The struct gets a builder, `InputBuilder`, whose type says which required fields are set. A field is required unless its type
/// is an `Option`. Calls accept the builder once all required fields are set. Each optional field `x` has two setters: `x`
/// takes a value, and `maybe_x` an `Option`. A field of type `Option<Nullable<T>>` also has `null_x`, which sends a null. A
/// required field that may be null is a `Nullable<T>`: one of its three setters has to be called.
///
/// Field types are `bool`, `i64`, `i128`, `f64`, `String`, [`FileInput`](crate::FileInput), [`ImageSize`](crate::ImageSize),
/// [`serde_json::Value`], types with one of the attributes of this crate, and `Vec`, `BTreeMap<String, _>`, `Box`, `Option`
/// and [`Nullable`](crate::Nullable) of these.
///
/// The attribute sees types as they are written: an alias of `Option` is a required field. Its expansion names the crate
/// `fal_client`, which therefore must not be renamed in `Cargo.toml`.
///
/// The struct is read strictly: unknown fields and missing required fields are errors. It is `#[non_exhaustive]` and
/// implements `Clone`, `Debug`, `PartialEq`, `Serialize`, `Deserialize` and [`EndpointInput`](crate::EndpointInput).
///
/// A field with `#[deprecated]` has deprecated setters.
///
/// # Arguments of `#[field(…)]`
///
/// | argument | meaning | on |
/// | --- | --- | --- |
/// | `name = "type"` | the name in JSON, if it is not the field's | any field |
/// | `range(0, 1)`, `min(0)`, `max(1)` | inclusive bounds | numbers |
/// | `above(0)`, `below(1)` | exclusive bounds | numbers |
/// | `multiple_of(8)` | integral multiples of a number | numbers |
/// | `one_of(4, 8)` | these numbers only | numbers |
/// | `only(true)` | this boolean only | booleans |
/// | `length(1, 500)`, `min_length(1)`, `max_length(500)` | bounds of the length in code points | strings |
/// | `pattern("^a+$")` | a regular expression that matches somewhere in the string | strings |
/// | `items(1, 4)`, `min_items(1)`, `max_items(4)` | bounds of the number of items | lists |
/// | `unique_items` | no two equal items | lists |
/// | `each(range(0, 1))` | rules for each item or value | lists, maps |
/// | `width(range(64, 2048))`, `height(…)` | rules for a side | `ImageSize` |
/// | `width(required)`, `height(required)` | the side must be set | `ImageSize` |
/// | `area(max(4_194_304))`, `aspect_ratio(range(0.25, 4))` | rules for the area, and for the width divided by the height | `ImageSize` |
/// | `file(size(max(8_000_000)), width(min(300)))` | limits of a local file, see below | `FileInput` |
/// | `accepts("\"\"", "-1")` | values, as JSON, that are accepted although they break other rules, such as a default | any field |
/// | `files(size(max(20_000_000)))` | a limit of the total size of local files in bytes | lists of `FileInput` |
///
/// The limits of a `file` are its `size` in bytes, the `width` and the `height` of a picture in pixels, its `area` in pixels, its
/// `aspect_ratio` (width divided by height), and `multiple_of` for both sides. They are checked when a call is awaited, because
/// a file may have to be opened. `validate` does not check them.
#[doc(inline)]
pub use fal_client_macros::input;

/// Makes a struct an object inside an input.
///
/// ```
/// /// A LoRA to merge.
/// #[fal_client::input_object]
/// pub struct LoraWeight {
///     /// URL or path of the weights.
///     pub path: String,
///     /// Weight of the LoRA. Default: `1`.
///     #[field(range(0, 4))]
///     pub scale: Option<f64>,
/// }
///
/// let lora = LoraWeight::new("https://example.com/lora.safetensors").scale(0.8);
/// assert_eq!(lora.scale, Some(0.8));
/// ```
///
/// `new` takes the required field, if there is one. An object with several has a builder instead, so that arguments are
/// not swapped: `LoraWeightBuilder`, with the setters of an [`input`]. Setters accept the builder once all required fields
/// are set. The same holds for a required field of type `Nullable`.
///
/// ```
/// /// A part of an image.
/// #[fal_client::input_object]
/// pub struct Area {
///     /// The left edge.
///     pub left: i64,
///     /// The right edge.
///     pub right: i64,
/// }
///
/// let area = Area::builder().left(10).right(20).build();
/// assert_eq!((area.left, area.right), (10, 20));
/// ```
///
/// The optional fields have the setters of an [`input`]. The same field types and the same arguments of `#[field(…)]` apply.
#[doc(inline)]
pub use fal_client_macros::input_object;

/// Makes a struct the output of an endpoint, or an object inside one.
///
/// ```
/// /// The endpoint's output.
/// #[fal_client::output]
/// pub struct Output {
///     /// The generated images.
///     pub images: Vec<fal_client::Image>,
///     /// The seed that was used.
///     pub seed: Option<i128>,
/// }
///
/// # fn main() -> Result<(), serde_json::Error> {
/// let output: Output = serde_json::from_str(r#"{ "seed": 7, "new_field": true }"#)?;
/// assert_eq!((output.images.len(), output.seed), (0, Some(7)));
/// # Ok(())
/// # }
/// ```
///
/// The struct is read leniently, because an output is billed:
///
/// - Unknown fields are ignored. A field that is missing or null is `None`, or an empty list, map or string.
/// - A value of another type is converted if nothing is lost: `"3"` to an integer, a single object to a list of one, the URL of a
///   file to an [`Image`](crate::Image). Otherwise the field is empty, or the item of a list is left out.
/// - A required field of any other type is an error if it is missing: a number or a boolean has no empty value. Media and other
///   objects are an error only if none of them can be read.
///
/// [`Response::missing`](crate::Response::missing) and [`Response::skipped`](crate::Response::skipped) name what is empty or left
/// out. A field is required if its type is not an `Option`. `#[field(required)]` marks an `Option` that is required as well: a
/// response with none of the required fields is an error. `#[field(name = "type")]` sets the name in JSON.
#[doc(inline)]
pub use fal_client_macros::output;

/// Makes an enum a set of strings to which the service may add.
///
/// ```
/// /// The format of the images.
/// #[fal_client::open_enum]
/// pub enum OutputFormat {
///     #[value("jpeg")]
///     Jpeg,
///     #[value("png")]
///     Png,
/// }
///
/// assert_eq!("png".parse(), Ok(OutputFormat::Png));
/// assert_eq!(OutputFormat::VALUES, ["jpeg", "png"]);
/// assert_eq!(OutputFormat::other("webp").as_str(), "webp");
/// ```
///
/// The enum gets the variant `Other`, which keeps an undeclared value of a response. In an input, an undeclared value is a
/// violation. With `#[fal_client::open_enum(any_string)]` it is not, and a string converts into the enum by `From`.
#[doc(inline)]
pub use fal_client_macros::open_enum;

/// Makes an enum a union of an input: a value of one of several types.
///
/// ```
/// use fal_client::ImageSize;
///
/// # #[fal_client::open_enum]
/// # pub enum Preset {
/// #     #[value("square")]
/// #     Square,
/// # }
/// /// A preset, or a width and a height.
/// #[fal_client::input_union]
/// pub enum Size {
///     /// One of the presets.
///     Preset(Preset),
///     /// A width and a height in pixels.
///     #[variant(width(max(2048)), height(max(2048)))]
///     Custom(fal_client::ImageSize),
/// }
///
/// # fn main() -> Result<(), serde_json::Error> {
/// assert_eq!(Size::from((640, 480)), Size::Custom(ImageSize::new(640, 480)));
/// assert_eq!(serde_json::from_str::<Size>(r#""square""#)?, Size::Preset(Preset::Square));
/// # Ok(())
/// # }
/// ```
///
/// Each variant has one value, and converts from it by `From`. Rules of a union belong on its variants. JSON selects a variant by its kind: string, number, boolean,
/// list or object. Only objects may be in several variants. These are told apart by their keys.
///
/// # Arguments of `#[variant(…)]`
///
/// | argument | meaning |
/// | --- | --- |
/// | `requires("x", "y")` | the keys that the object must have |
/// | `tag("type" = "camera")` | a key and its possible values |
/// | `any_string` | the variant's enum is one with `any_string`, so that a `&str` converts into the union |
/// | the rules of a [field](input#arguments-of-field) | rules for the value |
#[doc(inline)]
pub use fal_client_macros::input_union;

/// Makes an enum a union of an output, which also keeps values that match no variant.
///
/// ```
/// /// Words, or a number.
/// #[fal_client::output_union]
/// pub enum Caption {
///     /// The words.
///     Text(String),
///     /// The number.
///     Number(f64),
/// }
///
/// # fn main() -> Result<(), serde_json::Error> {
/// assert_eq!(serde_json::from_str::<Caption>("2")?, Caption::Number(2.0));
/// assert!(matches!(serde_json::from_str::<Caption>("[1]")?, Caption::Other(_)));
/// # Ok(())
/// # }
/// ```
///
/// The enum gets the variant `Other`. Otherwise it is like an [`input_union`].
#[doc(inline)]
pub use fal_client_macros::output_union;
