//! Several instances of one use case in one consumer group, which come and go.

use crate::hits::{CONF, Counts, QUERY, Writer, broker, rows};
use crate::shark::{Folder, Running, wait_until};

/// An instance with its own folder.
struct Instance {
    folder: Folder,
    running: Option<Running>,
}

impl Instance {
    fn new(bootstrap: &str) -> Self {
        let folder = Folder::new();
        folder.write("conf/hits/hits.conf", CONF.replace("BROKER", bootstrap));
        folder.write("conf/hits/hits.sql", QUERY);
        Instance {
            folder,
            running: None,
        }
    }

    fn start(&mut self) {
        self.running = Some(self.folder.start(&["start"]));
    }

    fn kill(&mut self) {
        self.running.take().unwrap().kill();
    }

    fn stop(&mut self) {
        let running = self.running.take().unwrap();
        running.signal("TERM");
        running.finish().ends(0);
    }

    fn rows(&self) -> Vec<(String, String, u64)> {
        rows(&self.folder)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let (true, Some(running)) = (std::thread::panicking(), &self.running) {
            eprintln!("an instance said:\n{}", running.stderr());
        }
    }
}

/// What all instances have found. The same window of a source may be found twice, with one count.
fn found(instances: &[Instance]) -> Counts {
    let mut found = Counts::new();
    for (window, source, count) in instances.iter().flat_map(Instance::rows) {
        let place = (window, source);
        if let Some(before) = found.insert(place.clone(), count) {
            assert_eq!(before, count, "{place:?}");
        }
    }
    found
}

/// Writes until every instance that runs has found something more: until each has its share.
fn write_until_found(writer: &mut Writer, instances: &[Instance]) {
    let running: Vec<&Instance> = instances.iter().filter(|it| it.running.is_some()).collect();
    let before: Vec<usize> = running.iter().map(|it| it.rows().len()).collect();
    wait_until("each that runs has found more", || {
        writer.minute();
        let now = running.iter().map(|it| it.rows().len());
        now.zip(&before).all(|(now, before)| now > *before)
    });
}

#[test]
fn instances_that_come_and_go_find_what_one_would_find() {
    let Some(broker) = broker() else { return };
    let bootstrap = broker.value("bootstrap");
    let mut writer = Writer::to(bootstrap);
    let mut instances: Vec<Instance> = (0..4).map(|_| Instance::new(bootstrap)).collect();
    instances[0].start();
    instances[1].start();
    write_until_found(&mut writer, &instances);
    instances[2].start();
    instances[3].start();
    write_until_found(&mut writer, &instances);
    instances[1].kill();
    write_until_found(&mut writer, &instances);
    instances[0].stop();
    instances[1].start();
    write_until_found(&mut writer, &instances);
    instances[2].kill();
    instances[3].stop();
    instances[0].start();
    write_until_found(&mut writer, &instances);
    instances[1].stop();
    write_until_found(&mut writer, &instances);
    writer.close_windows();
    wait_until("all of it is found", || {
        found(&instances).len() >= writer.counts.len()
    });
    let wrong: Vec<_> = found(&instances)
        .into_iter()
        .filter(|(place, count)| writer.counts.get(place) != Some(count))
        .collect();
    assert!(wrong.is_empty(), "{} are wrong: {wrong:?}", wrong.len());
    instances[0].stop();
}
