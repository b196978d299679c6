//! Rebuilds the binary when a page or module that it holds is added, changed or removed.

fn main() {
    for folder in ["web-demo", "sdk"] {
        if std::path::Path::new(folder).exists() {
            println!("cargo::rerun-if-changed={folder}");
        }
    }
    println!("cargo::rerun-if-changed=build.rs");
}
