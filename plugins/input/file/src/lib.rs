//! The inputs that read files: `batch`, what a conf's `file` names, and `file`, a watched folder.
//!
//! # `batch`: files, read once
//! [`Batch`] reads what `file` names to its end.
//!
//! | key | meaning |
//! |---|---|
//! | `file` | a path, a glob (`logs/**/*.log.gz`), a folder (its files, not those below), a named pipe, `-` for the standard input, or a url; several with commas between |
//!
//! ```text
//! name = Word Count
//! type = batch
//! file = wordcount.txt
//! ```
//! A path that exists is never taken for a glob. Hidden files are read only where the glob itself
//! begins a name with a dot. What has a comma in it stands in quotes: `old.log, "logs/*.{log,gz}"`.
//! Files come in the order of the list, and of their paths where one item names several; a path that two
//! items name is read once. A partition is a file; its id is the path as it was named.
//!
//! Files ending in `.parquet` are read as Parquet: only the columns that are used, a row group
//! streaming by, offsets counting rows. All must have the same columns, in any order; text comes
//! as `Utf8View`. Parquet and text are not mixed in one run.
//!
//! ## Object stores and HDFS
//! `file` may be a url of `s3://`, `gs://`, `az://`, `hdfs://` or `http[s]://`; see the crate
//! `datashark-store` for their settings. A url that has `*`, `?`, `[` or `{` in it is always a glob.
//! Objects are read in ranges of 4 MiB, three ahead per reader, so that each reader holds 12 MiB more;
//! of Parquet the pages of a row group's columns that are used. Failed requests are tried again, 10
//! times within 3 minutes. A partition's id is the url with the object's version or ETag: an object
//! that is written anew while it is read fails, and so does one that an earlier run had begun.
//!
//! # `file`: a folder, watched
//! [`Folder`] reads every file that is in a folder or appears in it, once, to its end, and goes on
//! as it grows.
//!
//! | key of `[in_file]` | meaning | default |
//! |---|---|---|
//! | `folder_path` | the folder | needed |
//! | `pattern` | which names are read: a glob such as `*.log` or `*.{json,json.gz}` | `*` |
//! | `from` | where to begin with files that are there at the first start: `beginning` or `end` | `beginning` |
//! | `recursive` | whether files in folders below are read, too | `false` |
//! | `partitions` | how many files are read side by side | one per core |
//!
//! ```text
//! name = Web Anomaly Detection
//! type = streaming
//! input = file
//! [in_file]
//!     folder_path = /var/log/nginx
//!     pattern = *.log
//! ```
//! Names that begin with a dot are never read: hidden files, and the temporary ones of `rsync` and
//! editors. Nor are pipes, sockets and devices. A link to a file is followed, one to a folder is
//! not; a file of several names is read once. In a run over what is there (`--once`) files come in
//! the order of their last change, `from` says nothing, and records arrive at that time.
//!
//! A replay reads the past so, and also what the pattern matched before it was rotated: with `*.log`
//! `app.log.1`, `app.log.2.gz` and `app.log-20260131.gz`, too. A live run has read them under their first
//! name.
//!
//! # Both
//! A record is a line, ended by `\n` or `\r\n`; an empty line is one, too. Files packed as gz, zst,
//! bz2 or xz are unpacked as they stream by, whatever their names, also of several members;
//! offsets count unpacked bytes. A record beyond the engine's limit (1 MiB) is passed over without
//! being held, and reported with its first 4 KiB. A file that cannot be read is reported, and the
//! others go on; what of a truncated or corrupt one are whole lines before the damage is read.
//! Names suggest a format: `json` for `.json`, `.ndjson` and `.jsonl`, `csv` for `.csv`, `dns` for
//! `.pcap`, `.pcapng` and `.cap`, `binetflow` for `.binetflow`, also beneath `.gz` and a rotation's number.
//!
//! A file of `nfcapd`, whatever its name, is read as what the tool `nfdump` prints of it in the layout of the
//! codec `nfcapd`; it has to be on this machine, and the tool (1.6 or later, Debian's package `nfdump`) on the
//! `PATH`. Offsets count what it prints. Where it fails, or says on its error output that it could not read the
//! file, the file fails with what it said. Names suggest the format where they begin with `nfcapd.`, and a
//! watched folder's `pattern` should leave out `nfcapd.current.*`, which is still being written.
//!
//! Where the format is of captures (`dns`), a file is cut into messages as the codec's module `capture`
//! says, in place of lines; an offset is where a packet stands. A restart reads a capture once more from
//! its beginning, since connections may reach across the place; what a watched one ends with, less than a
//! packet, waits for the rest.
//!
//! # Guarantee
//! Every line of a watched folder's files comes exactly once: a file may grow while it is read, be
//! renamed, replaced, emptied or deleted, and dataShark may be stopped and started at any moment.
//! It rests on how a file is known: by inode and birth time, not by name, and by a hash of its
//! first bytes (up to 1024, those it had when it was first seen). Hence:
//!
//! - *Renamed* (`app.log` to `app.log.1`): the same partition, read to its end even where the new
//!   name does not match the pattern. The new `app.log` is another.
//! - *Emptied* (`copytruncate`) or written anew in place: the old partition ends, and another
//!   generation begins at the first line; also if the file has grown beyond its old end meanwhile,
//!   or while nobody looked. A file that is cut shorter counts as written anew.
//! - *Deleted*: it stays open to be read to its end; 5 s later it is closed and forgotten.
//! - *Restarted*: each partition goes on at the engine's offset. Without one a file is new.
//!
//! A last line without a line end may still be growing. It is a record when the file has not
//! changed for 30 s, or 5 s if the file was renamed or deleted; in a batch or a run over what is
//! there, at once. A compressed file that ends too early may still be arriving: it is reported as
//! truncated when it has not changed for 30 s.
//!
//! # Limits
//! - What is in a file when it is emptied or deleted before it was read is lost; `copytruncate`
//!   itself loses what is written between the copy and the cut. Up to 256 files are kept open so
//!   that a deletion does no harm; of more, those that were quiet the longest are closed.
//! - A copy is a new file. So is `app.log.1.gz`, which `logrotate` makes of `app.log.1`: with a
//!   pattern that matches both, its lines come twice. Let the pattern match the one or the other:
//!   `*.log` for the living files, which loses nothing as above, or `*.gz` for archives.
//! - A file rewritten in place with the same first bytes (a long heading, say) and no shorter than
//!   it was is taken to have grown.
//! - File systems without birth times (some network mounts) are told apart by device and inode: a
//!   file created under a deleted one's inode that begins with the same bytes, and is no shorter,
//!   is taken for it.
//! - `from = end` means the end at the first start, the one without a checkpoint: a run that stops
//!   before it committed anything begins at the end again.
//! - A compressed file that grows is unpacked from its beginning each time, at most once in 10 s
//!   while it does.
//! - Network mounts and exhausted inotify watches have no notifications: the folder is looked at
//!   every 5 s, or every second where watching is refused or a file is waited for.
//! - Parquet is not read in a watched folder, but reported.
//! - Unix only: inodes, and reading at an offset.
//!
//! # What hostile files can cost
//! Of a file in text: one block (1 MiB), one record of the largest size, and a decoder's window, at
//! most 128 MiB for zst and 512 MiB for xz, beyond which the file is refused. Two blocks per reader
//! wait for the engine. Nothing grows with what a file unpacks to or with the length of a line. The
//! number of files costs some hundred bytes each.
//!
//! # Events
//! A partition is assigned, gives batches, has caught up (again each time it grew), and ends.
//! Specific to these inputs: a batch may be empty and only move its offset (`from = end`, so that
//! a restart does not begin at the end again); a partition of the checkpoint whose file is gone at
//! the start ends, to be forgotten, without having been assigned; and a failed partition has ended
//! in a run over what is there, but goes on in a watched folder should its file change.

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
mod nfdump;
mod once;
mod outlet;
mod packets;
mod pass;
mod paths;
mod place;
mod pool;
mod register;
mod remote;
mod stream;

pub use batch::Batch;
pub use conf::{BatchConf, FolderConf, From};
pub use folder::Folder;
