//! Rust names of ids, components, properties and enum values.

use std::collections::{BTreeMap, BTreeSet};

use heck::{ToPascalCase, ToSnakeCase};
use proc_macro2::{Ident, Span};

use crate::refusals;

/// Keywords of every edition, and names that are special in paths.
const KEYWORDS: &[&str] = &[
    "Self", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super",
    "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Names that a type must not have: those in every endpoint's module, those of the prelude, those that programs import from
/// fal_client and std next to an endpoint's types, and those that say nothing.
const RESERVED_TYPES: &[&str] = &[
    "ENDPOINT",
    "Endpoints",
    "Group",
    "Input",
    "InputBuilder",
    "Output",
    "Box",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Drop",
    "Eq",
    "Err",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "Into",
    "IntoIterator",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Result",
    "Self",
    "Send",
    "Some",
    "String",
    "Sync",
    "ToString",
    "TryFrom",
    "TryInto",
    "Vec",
    "Audio",
    "Client",
    "Duration",
    "Endpoint",
    "Error",
    "File",
    "FileInput",
    "Handle",
    "Image",
    "ImageSize",
    "Nullable",
    "Response",
    "Video",
    "Empty",
    "Item",
    "Map",
    "Name",
    "Object",
    "Type",
    "Value",
];

/// Words that say little where the type is about a field of an object: the object's name is put before them.
const GENERIC_WORDS: &[&str] = &[
    "Category", "Content", "Data", "Format", "Id", "Key", "Kind", "Label", "Level", "Method", "Mode", "Option",
    "Order", "Position", "Preset", "Prompt", "Property", "Role", "Size", "Source", "State", "Status", "Style",
    "Target", "Text", "Unit", "Version",
];

/// Names that a module, and the method that leads to it, must not have: methods of clients, handles and the standard traits,
/// items of an endpoint's module, and reserved file names of Windows.
const RESERVED_MODULES: &[&str] = &[
    "anonymous",
    "as_any",
    "as_mut",
    "as_ref",
    "aux",
    "batch",
    "borrow",
    "borrow_mut",
    "builder",
    "cancel",
    "client",
    "clone",
    "clone_from",
    "clone_into",
    "com1",
    "com2",
    "com3",
    "com4",
    "com5",
    "com6",
    "com7",
    "com8",
    "com9",
    "con",
    "default",
    "deref",
    "deref_mut",
    "download",
    "drop",
    "endpoint",
    "eq",
    "fmt",
    "from",
    "from_env",
    "hash",
    "id",
    "instrument",
    "into",
    "into_future",
    "job",
    "lpt1",
    "lpt2",
    "lpt3",
    "lpt4",
    "lpt5",
    "lpt6",
    "lpt7",
    "lpt8",
    "lpt9",
    "max_in_flight",
    "ne",
    "new",
    "nul",
    "prn",
    "realtime",
    "result",
    "resume",
    "run",
    "status",
    "status_stream",
    "storage",
    "stream",
    "submit",
    "subscribe",
    "to_owned",
    "to_string",
    "try_from",
    "try_into",
    "type_id",
    "upload",
    "validate",
    "wait",
    "with_current_subscriber",
    "with_subscriber",
];

/// Names that the module of an owner must not have in addition: its folder is next to `MANIFEST`, and many file systems do not
/// distinguish the two.
const RESERVED_OWNERS: &[&str] = &["manifest"];

/// Names of the functions of a builder or a record.
const RESERVED_FIELDS: &[&str] = &["build", "builder", "new"];

/// A scope that hands out unique names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    taken: BTreeSet<String>,
    /// The suffix of a name that is taken along with each: a type may have a builder.
    companion: Option<&'static str>,
    /// The next number to try for a name.
    next: BTreeMap<String, usize>,
}

impl Scope {
    pub(crate) fn types() -> Self {
        Scope { companion: Some("Builder"), ..Scope::of(RESERVED_TYPES) }
    }

    pub(crate) fn fields() -> Self {
        Scope::default()
    }

    /// Every enum has the variant `Other`, and `VALUES` is one of its constants.
    pub(crate) fn variants() -> Self {
        Scope::of(&["VALUES", "Other"])
    }

    fn of(taken: &[&str]) -> Self {
        Scope { taken: taken.iter().map(|name| (*name).to_owned()).collect(), ..Scope::default() }
    }

    /// Takes `wanted` if it is free, otherwise the other name, with a number if necessary.
    pub(crate) fn take_either(&mut self, wanted: &str, other: &str) -> String {
        self.take(if self.is_free(wanted) { wanted } else { other })
    }

    /// Takes `wanted`, with a number if necessary.
    pub(crate) fn take(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut next = self.next.get(&name).copied().unwrap_or(2);
        while !self.is_free(&name) {
            name = format!("{wanted}{next}");
            next += 1;
        }
        self.next.insert(wanted.to_owned(), next);
        self.taken.extend(self.companion(&name));
        self.taken.insert(name.clone());
        name
    }

    fn is_free(&self, name: &str) -> bool {
        !self.taken.contains(name) && self.companion(name).is_none_or(|companion| !self.taken.contains(&companion))
    }

    fn companion(&self, name: &str) -> Option<String> {
        self.companion.map(|companion| format!("{name}{companion}"))
    }
}

/// The longest identifier. Schemas may have longer names; the names of modules are shorter.
const MAX_LENGTH: usize = 200;

/// Makes an identifier of any text. Keywords get a trailing `_`, leading digits a leading one, long texts are cut.
pub(crate) fn identifier(text: &str) -> String {
    let mut name: String = text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(MAX_LENGTH).collect();
    if name.chars().all(|c| c == '_') {
        name = "empty".to_owned();
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    if KEYWORDS.contains(&name.as_str()) {
        name.push('_');
    }
    name
}

/// A name in snake case: `flux-2` → `flux_2`, `4b` → `_4b`, `type` → `type_`.
fn snake(text: &str) -> String {
    let separated: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    identifier(&separated.to_snake_case())
}

/// The name of a field and its setter.
pub(crate) fn field(property: &str) -> String {
    unreserved(snake(property), RESERVED_FIELDS)
}

/// The name of a module and the method that leads to it. Modules of builders end in `_required`.
pub(crate) fn module(segment: &str) -> String {
    let name = unreserved(snake(segment), RESERVED_MODULES);
    if name.ends_with("_required") { format!("{name}_") } else { name }
}

/// The name of the module of an owner, the first segment of an id.
pub(crate) fn owner(segment: &str) -> String {
    unreserved(module(segment), RESERVED_OWNERS)
}

fn unreserved(name: String, reserved: &[&str]) -> String {
    if reserved.contains(&name.as_str()) { format!("{name}_") } else { name }
}

/// The name of a type: `registry__models__Image` → `Image`.
pub(crate) fn pascal(text: &str) -> String {
    let last = text.rsplit("__").find(|part| !part.is_empty()).unwrap_or(text);
    // Its upper case letters would split this common word in two.
    let name: String =
        last.replace("LoRA", "Lora").to_pascal_case().chars().filter(char::is_ascii_alphanumeric).collect();
    if name.is_empty() {
        return "Empty".to_owned();
    }
    // Types never start with `_`, even if a digit follows.
    identifier(&if name.starts_with(|c: char| c.is_ascii_digit()) { format!("Type{name}") } else { name })
}

/// The name of the type of a field: `aspect_ratio` → `AspectRatio`. A generic word is qualified by the object that has the
/// field, unless that is the endpoint's input or output: `AudioSetting.format` → `AudioSettingFormat`.
pub(crate) fn of_field(record: &str, property: &str) -> String {
    let name = pascal(property);
    let is_root = record == "Input" || record == "Output";
    if !is_root && GENERIC_WORDS.contains(&singular(&name).as_str()) { format!("{record}{name}") } else { name }
}

/// The name of a component's type, as by [`pascal`]. Some components have the endpoint as a prefix, which is dropped:
/// `fal-ai_flux-2_LoRAInput` → `LoraInput`.
pub(crate) fn component(text: &str) -> String {
    let own = text.rsplit_once('_').filter(|(before, own)| {
        own.starts_with(|c: char| c.is_ascii_uppercase()) && !before.contains(|c: char| c.is_ascii_uppercase())
    });
    pascal(own.map_or(text, |(_, own)| own))
}

/// The singular of a name: `Categories` → `Category`, `TargetFormats` → `TargetFormat`.
pub(crate) fn singular(name: &str) -> String {
    let ends = |end: &str| name.strip_suffix(end).filter(|stem| stem.len() > 1);
    if let Some(stem) = ends("ies") {
        format!("{stem}y")
    } else if ["xes", "sses", "ches", "shes"].iter().any(|end| name.ends_with(end)) {
        name[..name.len() - 2].to_owned()
    } else if ["as", "is", "ss", "us"].iter().any(|end| name.ends_with(end)) {
        name.to_owned()
    } else {
        ends("s").unwrap_or(name).to_owned()
    }
}

/// The name of an enum variant: `landscape_16_9` → `Landscape16_9`, `720p` → `_720p`, `ART_DECO` → `ArtDeco`.
///
/// A first word such as `3D` moves to the end if a word follows: `3D Model` → `Model3D`. A plain number counts what follows,
/// and stays: `48 kHz` → `_48KHz`.
pub(crate) fn variant(text: &str) -> String {
    if text.is_empty() {
        return "Empty".to_owned();
    }
    let mut words: Vec<&str> =
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_spoken = |word: &&str| starts_with_digit(word) && word.contains(|c: char| c.is_ascii_alphabetic());
    if words.first().is_some_and(is_spoken) {
        let numbers = words.iter().take_while(|word| starts_with_digit(word)).count();
        words.rotate_left(numbers);
    }
    let mut name = String::new();
    for word in words {
        if name.ends_with(|last: char| last.is_ascii_digit()) && starts_with_digit(word) {
            name.push('_');
        }
        name.push_str(&capitalized(word));
    }
    identifier(if name.is_empty() { "Value" } else { &name })
}

fn starts_with_digit(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

/// A word of a variant: `ART` and `art` become `Art`, and `80S` becomes `80s`. `4K` and `MotoGP` stay as they are.
fn capitalized(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    let is_decade = word.strip_suffix('S').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let shouts = !starts_with_digit(word)
        && first.starts_with(|c: char| c.is_ascii_uppercase())
        && !word.contains(|c: char| c.is_ascii_lowercase());
    let rest = if shouts || is_decade { rest.to_ascii_lowercase() } else { rest.to_owned() };
    format!("{}{rest}", first.to_ascii_uppercase())
}

/// Returns true if a user may choose the name for the trait of the root.
pub(crate) fn is_type_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && identifier(name) == name && name != "Self"
}

/// Checks the path of a module as other crates see it. Fails with what is wrong with it.
pub(crate) fn check_module_path(path: &str) -> Result<(), String> {
    if syn::parse_str::<syn::Path>(path).is_err() {
        return Err(refusals::module_path(path));
    }
    for segment in path.split("::").map(str::trim) {
        match segment {
            // They lead elsewhere in a documentation test, which is a crate of its own.
            "crate" | "self" | "super" | "Self" => return Err(refusals::relative_module_path(path)),
            _ if KEYWORDS.contains(&segment) => return Err(refusals::keyword_in_module_path(path, segment)),
            _ => {}
        }
    }
    Ok(())
}

pub(crate) fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_mirror_the_segments_of_an_id() {
        for (segment, name) in [
            ("fal-ai", "fal_ai"),
            ("flux-2", "flux_2"),
            ("4b", "_4b"),
            ("v1.5", "v1_5"),
            ("CassetteAI", "cassette_ai"),
            ("type", "type_"),
            ("crate", "crate_"),
            ("stream", "stream_"),
            ("input_required", "input_required_"),
            ("required", "required"),
            ("aux", "aux_"),
            ("com1", "com1_"),
            ("LPT9", "lpt9_"),
            ("com10", "com10"),
            ("manifest", "manifest"),
        ] {
            assert_eq!(module(segment), name);
        }
        assert_eq!(
            ["manifest", "Manifest", "manifests", "con"].map(owner),
            ["manifest_", "manifest_", "manifests", "con_"]
        );
    }

    #[test]
    fn fields_are_named_after_their_properties() {
        for (property, name) in [
            ("seed", "seed"),
            ("type", "type_"),
            ("self", "self_"),
            ("TAPose", "ta_pose"),
            ("H264_output", "h264_output"),
            ("sdpMLineIndex", "sdp_m_line_index"),
            ("3d", "_3d"),
            ("new", "new_"),
            ("", "empty"),
            ("é", "empty"),
        ] {
            assert_eq!(field(property), name);
        }
    }

    #[test]
    fn types_drop_the_path_of_their_component() {
        for (component, name) in [
            ("LoraWeight", "LoraWeight"),
            ("registry__image__fast_sdxl__models__Image", "Image"),
            ("Audio-Output", "AudioOutput"),
            ("SanaV151.6bInput", "SanaV1516bInput"),
            ("fal-ai_flux-2-klein_LoRAInput", "LoraInput"),
            ("LoRAWeights", "LoraWeights"),
            ("AudioTrack_Input", "AudioTrackInput"),
            ("4k", "Type4k"),
            ("🙂", "Empty"),
            ("__", "Empty"),
            ("Self", "Self_"),
        ] {
            assert_eq!(super::component(component), name);
        }
    }

    #[test]
    fn generic_words_are_qualified_by_their_object() {
        for (record, property, name) in [
            ("AudioSetting", "format", "AudioSettingFormat"),
            ("Mesh", "styles", "MeshStyles"),
            ("AudioSetting", "emotion", "Emotion"),
            ("AudioSetting", "output_format", "OutputFormat"),
            ("Input", "format", "Format"),
            ("Output", "status", "Status"),
        ] {
            assert_eq!(of_field(record, property), name);
        }
    }

    #[test]
    fn plurals_become_singular() {
        for (several, one) in [
            ("Categories", "Category"),
            ("TargetFormats", "TargetFormat"),
            ("Boxes", "Box"),
            ("Classes", "Class"),
            ("Bus", "Bus"),
            ("Loss", "Loss"),
            ("Image", "Image"),
            ("S", "S"),
        ] {
            assert_eq!(singular(several), one);
        }
    }

    #[test]
    fn variants_keep_numbers_distinct() {
        for (text, name) in [
            ("square_hd", "SquareHd"),
            ("landscape_16_9", "Landscape16_9"),
            ("9:16", "_9_16"),
            ("720p", "_720p"),
            ("1.5", "_1_5"),
            ("15", "_15"),
            ("ABSTRACT_ORGANIC", "AbstractOrganic"),
            ("PNG", "Png"),
            ("X264 (.mp4)", "X264Mp4"),
            ("4K", "_4K"),
            ("10s", "_10s"),
            ("90S_NOSTALGIA", "Nostalgia90s"),
            ("SPOTLIGHT_80S", "Spotlight80s"),
            ("18K Quad", "Quad18K"),
            ("3d_cartoon_2", "Cartoon2_3d"),
            ("3D Naked-Eye AD", "NakedEyeAd3D"),
            ("1920s film noir", "FilmNoir1920s"),
            ("render_3D", "Render3D"),
            ("48 kHz", "_48KHz"),
            ("8-bit art", "_8BitArt"),
            ("4k 16:9", "_4k16_9"),
            ("4k 16:9 wide", "Wide4k16_9"),
            ("768P", "_768P"),
            ("S", "S"),
            ("MotoGP", "MotoGP"),
            ("", "Empty"),
            ("Hope ", "Hope"),
            ("🙂", "Value"),
            ("self", "Self_"),
        ] {
            assert_eq!(variant(text), name);
        }
    }

    #[test]
    fn taken_names_get_a_number() {
        let mut scope = Scope::types();
        assert_eq!(["Vec", "A", "A", "A2", "A"].map(|name| scope.take(name)), ["Vec2", "A", "A2", "A22", "A3"]);
        assert_eq!(scope.take_either("A", "AState"), "AState");
        assert_eq!(["ABuilder", "BBuilder", "B"].map(|name| scope.take(name)), ["ABuilder2", "BBuilder", "B2"]);
    }
}
