import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.Plugin;
import org.opensearch.transport.Netty4Plugin;

/** One OpenSearch node with HTTP, from the jars of Maven Central: {@code Server FOLDER HTTP_PORT TRANSPORT_PORT [SETTING=VALUE]...}. */
public final class Server extends Node {
    private Server(Environment environment, List<Class<? extends Plugin>> plugins) {
        super(environment, plugins, false);
    }

    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[0]);
        Settings.Builder settings = Settings.builder()
            .put("cluster.name", "datashark-test")
            .put("node.name", "node")
            .put("path.home", folder.toString())
            .put("path.data", folder.resolve("data").toString())
            .put("network.host", "127.0.0.1")
            .put("http.port", args[1])
            .put("transport.port", args[2])
            .put("discovery.type", "single-node")
            // The disk of a test machine may well be 90 % full.
            .put("cluster.routing.allocation.disk.threshold_enabled", false);
        for (int i = 3; i < args.length; i++) {
            String[] setting = args[i].split("=", 2);
            settings.put(setting[0], setting[1]);
        }
        Server server = new Server(
            InternalSettingsPreparer.prepareEnvironment(settings.build(), Map.of(), folder.resolve("config"), () -> "node"),
            List.of(Netty4Plugin.class));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                server.close();
            } catch (java.io.IOException error) {
                error.printStackTrace();
            }
        }));
        server.start();
        Thread.currentThread().join();
    }
}
