//! A substitute for `freeze-runtime`, with the same `freeze_policy!` and without libtorch, which
//! trybuild would compile once more for tests that train nothing.

#[path = "../../freeze-runtime/src/macros.rs"]
mod macros;

pub use freeze_dsl::policy::Policy;
#[doc(hidden)]
pub use macros::__private;
