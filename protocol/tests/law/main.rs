//! The law of rooms under test: plays (`plays/*.play`) and random walks, on the same checked house.

mod call;
mod house;
mod play;
mod told;
mod view;
mod walk;
