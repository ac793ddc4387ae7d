//! `hdfs://`, against a name node and a data node.

use datashark_test_services::Service;

use crate::any_store::{files_are_read, findings_are_written, findings_wait_for_the_server};
use crate::input::{once, read};
use crate::server::stores;

// One server serves all: it takes ten seconds to start.
#[tokio::test(flavor = "multi_thread")]
async fn files_are_read_and_findings_written_in_hdfs() {
    let Some(mut server) = Service::start("hdfs") else {
        return;
    };
    let root = server.value("url").to_owned();
    // The client gives up on a name node that is away after some tries.
    let stores = stores([]).with_name_node(root.strip_prefix("hdfs://").map(str::to_owned));
    files_are_read(&root, &stores).await;
    // By the name node of the conf.
    assert_eq!(read("hdfs:///logs", once(&stores)).await.len(), 2);
    findings_are_written(&root, &stores).await;
    findings_wait_for_the_server(&root, &stores, &mut server).await;
}
