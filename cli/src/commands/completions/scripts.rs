//! The registrations of the shells. Each calls the tool for every completion, so it is always up to date.

use clap::ValueEnum;

/// The variable that makes the tool complete a command line, and names the shell.
pub(crate) const VARIABLE: &str = "CARGO_FAL_COMPLETE";

/// The name of the binary.
const BIN: &str = "cargo-fal";

/// A shell with completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

impl Shell {
    /// Returns the script that the shell has to source.
    pub(crate) fn script(self) -> String {
        match self {
            Shell::Bash => BASH.trim_start().to_owned(),
            Shell::Zsh => ZSH.trim_start().to_owned(),
            Shell::Fish => FISH.trim_start().to_owned(),
            Shell::Elvish => registration("elvish"),
            Shell::Powershell => registration("powershell"),
        }
    }
}

/// Returns clap's registration of `cargo-fal`.
fn registration(shell: &str) -> String {
    let mut script = Vec::new();
    let shells = clap_complete::env::Shells::builtins();
    let shell = shells.completer(shell);
    // A vector is written without errors.
    let _ = shell.map(|shell| shell.write_registration(VARIABLE, BIN, BIN, BIN, &mut script));
    String::from_utf8_lossy(&script).trim().to_owned() + "\n"
}

/// bash splits words at `=`, `:` and `@`, so the function joins them, and replies with the part after the last one. `cargo fal`
/// keeps the completions of other commands of cargo.
const BASH: &str = r#"
_cargo_fal() {
    local words=() rest="${COMP_LINE:0:COMP_POINT}" word prefix index reply
    for ((index = 0; index <= COMP_CWORD; index++)); do
        if [[ $index -eq 0 || "$rest" == [[:space:]]* ]]; then
            words+=("")
            rest="${rest#"${rest%%[![:space:]]*}"}"
        fi
        word="${COMP_WORDS[index]}"
        ((index == COMP_CWORD)) && word="$rest"
        rest="${rest#"$word"}"
        words[${#words[@]} - 1]+="$word"
    done
    [[ "${words[0]##*/}" == cargo ]] && words=("${words[@]:1}")
    word="${words[${#words[@]}-1]}"
    prefix="${word%"$2"}"
    COMPREPLY=()
    while IFS= read -r reply || [[ -n "$reply" ]]; do
        reply="${reply#"$prefix"}"
        [[ "$reply" == *[[:space:]\'\"\$\&\;\(\)\<\>\|\\]* ]] && printf -v reply %q "$reply"
        [[ -n "$reply" ]] && COMPREPLY+=("$reply")
    done < <(CARGO_FAL_COMPLETE=bash _CLAP_IFS=$'\n' _CLAP_COMPLETE_INDEX=$((${#words[@]} - 1)) \
        cargo-fal -- "${words[@]}" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *[=/@] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
_cargo_fal_of_cargo() {
    if [[ $COMP_CWORD -gt 1 && "${COMP_WORDS[1]}" == fal ]]; then
        _cargo_fal "$@"
    elif [[ -n "$_cargo_fal_others" ]]; then
        "$_cargo_fal_others" "$@"
    fi
}
if [[ "$(complete -p cargo 2>/dev/null)" != *_cargo_fal_of_cargo* ]]; then
    declare -F _completion_loader >/dev/null && _completion_loader cargo 2>/dev/null
    _cargo_fal_others=$(complete -p cargo 2>/dev/null | sed -n 's/.* -F \([^ ]*\) .*/\1/p')
fi
complete -o bashdefault -F _cargo_fal cargo-fal
complete -o bashdefault -o default -F _cargo_fal_of_cargo cargo
"#;

/// The completions of cargo, if there are any, call `_cargo-fal` for `cargo fal`.
const ZSH: &str = r#"
#compdef cargo-fal
_cargo-fal() {
    local -a replies partial complete
    local reply value
    replies=("${(@f)$(CARGO_FAL_COMPLETE=zsh _CLAP_IFS=$'\n' _CLAP_COMPLETE_INDEX=$((CURRENT - 1)) \
        cargo-fal -- "${words[@]}" 2>/dev/null)}")
    for reply in $replies; do
        value="${reply%%:*}"
        if [[ "$value" == *[=/@] ]]; then partial+=("$reply"); else complete+=("$reply"); fi
    done
    (( $#partial )) && _describe -V 'values' partial -S ''
    (( $#complete )) && _describe -V 'values' complete
}
_cargo-fal-of-cargo() {
    if [[ $words[2] == fal ]]; then
        shift words
        (( CURRENT-- ))
        _cargo-fal
    else
        _default
    fi
}
[[ -n "${_comps[cargo]}" ]] || compdef _cargo-fal-of-cargo cargo
if [[ $funcstack[1] == _cargo-fal ]]; then _cargo-fal "$@"; else compdef _cargo-fal cargo-fal; fi
"#;

const FISH: &str = r#"
complete --keep-order --exclusive --command cargo-fal --arguments "(CARGO_FAL_COMPLETE=fish cargo-fal -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
complete --keep-order --no-files --command cargo --condition "__fish_seen_subcommand_from fal" --arguments "(CARGO_FAL_COMPLETE=fish cargo-fal -- (commandline --current-process --tokenize --cut-at-cursor)[2..] (commandline --current-token))"
"#;
