//! Rebuilds when a migration is added: the macro that embeds them cannot watch a folder by itself.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
