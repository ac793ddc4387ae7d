//! The inputs that read files: batch (`file =`) and file (`[in_file] folder_path`).

mod batch;
mod blocks;
mod columns;
mod compress;
mod conf;
mod folder;
mod identity;
mod list;
mod live;
mod names;
mod once;
mod outlet;
mod pass;
mod paths;
mod register;
mod stream;

pub use batch::Batch;
pub use conf::{BatchConf, FolderConf, From};
pub use folder::Folder;
