//! Wrong uses of fal-client in `cases/`, each with the compiler's message.
