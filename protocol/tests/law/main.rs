//! The law of rooms under test: plays (`plays/*.play`) on a checked house.

mod call;
mod house;
mod play;
mod told;
mod view;
