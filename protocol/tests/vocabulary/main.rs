//! What one vocabulary cannot say never widens a right: each row of that table in `docs/VOCABULARY.md`
//! is a test here, or in the SDK where only that has the words. `page` holds table and tests together.
#![expect(clippy::unwrap_used, reason = "what cannot go on says so by falling")]

mod house;
mod joined;
mod page;
mod reading;
mod writing;
