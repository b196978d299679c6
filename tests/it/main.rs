//! The integration tests, one binary: scripted clients and the real program.

mod cli;
