//! Which library a name is, and what is said of one that cannot be used.

use std::fs;

use datashark_sdk::ffi::host::Kind;

use crate::world::World;

#[test]
fn a_name_is_looked_for_in_the_confs_folder_first_and_then_where_plugins_are() {
    let world = World::new().with_unruly("libmine_too.so", &[]);
    assert!(world.entry("mine").is_none());
    assert!(world.entry("../mine").is_none());
    assert_eq!(world.entry("mine_too").unwrap().unwrap().name, "mine_too");
    // Cargo has no `-` in a library's name.
    assert_eq!(world.entry("mine-too").unwrap().unwrap().name, "mine-too");
    fs::write(world.path("libmine_too.so"), "a text").unwrap();
    let problem = world.entry("mine_too").unwrap().unwrap_err();
    assert!(
        problem.message.contains("it is no shared library"),
        "{}",
        problem.message
    );
    let problem = world.entry("elsewhere/libmine.so").unwrap().unwrap_err();
    assert!(
        problem.message.contains("No such file"),
        "{}",
        problem.message
    );
}

#[test]
fn what_is_found_is_listed_with_who_made_it_or_why_it_is_not_usable() {
    let world = World::new()
        .with_built("datashark_test_plugin_words", "libwords.so")
        .with_built("datashark_test_plugin_kept", "libout_kept.so")
        .with_unruly("libunruly.so", &[])
        .with_unruly("liblater.so", &["-DMAJOR=7"]);
    // Half of one, and an output by its name that is a use case.
    let whole = fs::read(world.path("plugins/libunruly.so")).unwrap();
    fs::write(world.path("plugins/libhalf.so"), &whole[..whole.len() / 2]).unwrap();
    fs::write(world.path("plugins/libout_not.so"), &whole).unwrap();
    fs::write(world.path("plugins/README"), "").unwrap();
    let mut other = whole;
    // The machine of an ELF file: 183 is ARM's 64 bits, 62 Intel's.
    other[18] = if cfg!(target_arch = "x86_64") {
        183
    } else {
        62
    };
    fs::write(world.path("plugins/libother.so"), &other).unwrap();
    let listed = world.plugins.list();
    let names = listed
        .iter()
        .map(|one| one.path.file_name().unwrap().to_str().unwrap());
    let expected = [
        "libhalf.so",
        "liblater.so",
        "libother.so",
        "libout_kept.so",
        "libout_not.so",
        "libunruly.so",
        "libwords.so",
    ];
    assert_eq!(names.collect::<Vec<_>>(), expected);
    let about = |at: usize| listed[at].about.as_ref();
    let (kept, unruly, words) = (about(3).unwrap(), about(5).unwrap(), about(6).unwrap());
    assert_eq!((kept.kind, kept.name.as_str()), (Kind::Output, "test-kept"));
    assert_eq!(
        (unruly.version.as_str(), unruly.author.as_str()),
        ("1", "nobody")
    );
    assert_eq!((words.kind, words.interface), (Kind::UseCase, (1, 1)));
    let why = |at: usize| about(at).unwrap_err().as_str();
    assert!(why(0).contains("is no plugin"), "{}", why(0));
    assert!(
        why(1).contains("made for interface 7.1, and this dataShark has 1.1"),
        "{}",
        why(1)
    );
    assert!(why(2).contains("and this machine is"), "{}", why(2));
    assert!(
        why(4).ends_with("the plugin `unruly` is a use case, not an output"),
        "{}",
        why(4)
    );
}
