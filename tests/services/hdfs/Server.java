import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.hdfs.MiniDFSCluster;

/** A name node and a data node, from the jars of Maven Central: {@code Server FOLDER PORT HTTP_PORT [SETTING=VALUE]...}. */
public final class Server {
    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[0]);
        Path data = folder.resolve("data");
        Configuration conf = new HdfsConfiguration();
        conf.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, data.toString());
        // Whoever connects may write.
        conf.setBoolean("dfs.permissions.enabled", false);
        for (int i = 3; i < args.length; i++) {
            String[] setting = args[i].split("=", 2);
            conf.set(setting[0], setting[1]);
        }
        boolean isNew = !Files.exists(data.resolve("name-0-1"));
        MiniDFSCluster cluster = new MiniDFSCluster.Builder(conf)
            .nameNodePort(Integer.parseInt(args[1]))
            .nameNodeHttpPort(Integer.parseInt(args[2]))
            .numDataNodes(1)
            .format(isNew)
            .build();
        cluster.waitActive();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> cluster.shutdown()));
        Files.createFile(folder.resolve("ready"));
        Thread.currentThread().join();
    }
}
