//! The Directory under test: what each command does, every refusal, and random walks.
#![expect(clippy::unwrap_used, reason = "what cannot go on says so by falling")]

mod house;
mod refusals;
mod says;
mod walk;
