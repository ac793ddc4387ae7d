import java.io.Closeable;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * One node of Elasticsearch 7 to 9 or OpenSearch 1 to 3 with HTTP, from the jars of Maven Central:
 * {@code Server PACKAGE FOLDER HTTP_PORT TRANSPORT_PORT [SETTING=VALUE]...}, where the package is
 * {@code org.elasticsearch} or {@code org.opensearch}.
 *
 * <p>Both have the same classes in packages of their own, and newer ones are of a Java that the compiler need not
 * know: hence by reflection. What differs is how a node gets its HTTP plugin, see {@link #node}.
 */
public final class Server {
    private final String root;
    private final Path folder;
    private final Map<String, String> settings = new LinkedHashMap<>();

    private Server(String[] args) {
        root = args[0];
        folder = Path.of(args[1]);
        settings.put("cluster.name", "datashark-test");
        settings.put("node.name", "node");
        settings.put("path.home", folder.toString());
        settings.put("path.data", folder.resolve("data").toString());
        settings.put("network.host", "127.0.0.1");
        settings.put("http.port", args[2]);
        settings.put("transport.port", args[3]);
        settings.put("discovery.type", "single-node");
        // The disk of a test machine may well be 90 % full.
        settings.put("cluster.routing.allocation.disk.threshold_enabled", "false");
        for (String setting : List.of(args).subList(4, args.length)) {
            String[] parts = setting.split("=", 2);
            settings.put(parts[0], parts[1]);
        }
    }

    public static void main(String[] args) throws Exception {
        Server server = new Server(args);
        Closeable node = server.node(server.environment());
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (IOException error) {
                error.printStackTrace();
            }
        }));
        call(node, "start");
        Thread.currentThread().join();
    }

    private Class<?> type(String name) throws ClassNotFoundException {
        return Class.forName(root + "." + name);
    }

    private boolean has(String name) {
        return Server.class.getClassLoader().getResource((root + "." + name).replace('.', '/') + ".class") != null;
    }

    private Object environment() throws Exception {
        if (has("logging.internal.spi.LoggerFactory")) {
            // Elasticsearch 8: nothing can be logged, and so done, before.
            call(type("common.logging.LogConfigurator"), "configureESLogging");
        }
        Object builder = call(type("common.settings.Settings"), "builder");
        Method put = builder.getClass().getMethod("put", String.class, String.class);
        for (Map.Entry<String, String> setting : settings.entrySet()) {
            put.invoke(builder, setting.getKey(), setting.getValue());
        }
        Supplier<String> name = () -> "node";
        return call(type("node.InternalSettingsPreparer"), "prepareEnvironment",
            call(builder, "build"), Map.of(), folder.resolve("config"), name);
    }

    private Closeable node(Object environment) throws Exception {
        Class<?> node = type("node.Node");
        if (has("plugins.PluginsLoader")) {
            // Elasticsearch 8 and 9: plugins of Elastic's own lie in folders, with jars that nobody else has.
            Class<?> loader = type("plugins.PluginsLoader");
            Path folders = folder.resolve("modules");
            Object found = arity(loader, "loadModulesBundles") == 1
                ? call(loader, "loadModulesBundles", folders)
                : call(loader, "loadModulesBundles", folders, false);
            Object plugins = call(loader, "createPluginsLoader", found, Set.of(), Map.of(), false);
            return (Closeable) node.getConstructor(environment.getClass(), loader).newInstance(environment, plugins);
        }
        // For tests of theirs: plugins of the class path, by their classes or, in OpenSearch 3, described.
        Object plugin = has("transport.Netty4ModulePlugin") ? described("transport.Netty4ModulePlugin") : type("transport.Netty4Plugin");
        Constructor<?> made = node.getDeclaredConstructor(environment.getClass(), Collection.class, boolean.class);
        made.setAccessible(true);
        return (Closeable) made.newInstance(environment, List.of(plugin), false);
    }

    private Object described(String plugin) throws Exception {
        Class<?> version = type("Version");
        Constructor<?> made = type("plugins.PluginInfo").getConstructor(String.class, String.class, String.class, version,
            String.class, String.class, String.class, List.class, boolean.class);
        return made.newInstance("transport-netty4", "HTTP", "1", version.getField("CURRENT").get(null),
            "21", root + "." + plugin, null, List.of(), false);
    }

    private static int arity(Class<?> type, String name) {
        return named(type, name, -1).getParameterCount();
    }

    /** Calls a method of an object, or a static one of a class, that is known by its name and number of arguments. */
    private static Object call(Object on, String name, Object... args) throws Exception {
        Class<?> type = on instanceof Class<?> itself ? itself : on.getClass();
        return named(type, name, args.length).invoke(on, args);
    }

    private static Method named(Class<?> type, String name, int nArgs) {
        for (Method method : type.getMethods()) {
            if (method.getName().equals(name) && (nArgs < 0 || method.getParameterCount() == nArgs)) {
                return method;
            }
        }
        throw new IllegalStateException(type + " has no " + name + " with " + nArgs + " arguments");
    }
}
