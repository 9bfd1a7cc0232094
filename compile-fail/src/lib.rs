//! Uses of fal-client that must not compile, in `cases/`, and what the compiler says of them.
