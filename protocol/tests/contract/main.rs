//! The contract with clients, proved: the page a stranger reads (`README.md`), the golden vectors, and
//! the schema, each against the code and against one another.

mod errors;
mod golden;
mod page;
mod readme;
mod schema;
mod stage;
mod vectors;
