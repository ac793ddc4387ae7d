import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;

/**
 * Kafka brokers that are their own controllers, in one JVM: {@code Server FOLDER BROKERS PORT,PORT,... [SETTING=VALUE]...}.
 * The file {@code FOLDER/ready} is there when they take requests.
 */
public final class Server {
    private static final String LOGIN = "datashark";
    private static final String PASSWORD = "secret";
    private static final String CLUSTER = "ZGF0YXNoYXJrLXRlc3QtMQ";

    private final Path folder;
    private final int nBrokers;
    private final String[] ports;
    private final List<String> settings;

    private Server(String[] args) {
        folder = Path.of(args[0]);
        nBrokers = Integer.parseInt(args[1]);
        ports = args[2].split(",");
        settings = List.of(args).subList(3, args.length);
    }

    public static void main(String[] args) throws Exception {
        new Server(args).run();
    }

    private void run() throws Exception {
        List<KafkaRaftServer> brokers = new ArrayList<>();
        for (int i = 0; i < nBrokers; i++) {
            Properties properties = properties(i);
            format(i);
            brokers.add(new KafkaRaftServer(KafkaConfig.fromProps(properties), Time.SYSTEM));
        }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(brokers)));
        // Each waits for the others: no controller leads alone.
        List<Thread> starting = brokers.stream().map(broker -> new Thread(broker::startup)).toList();
        starting.forEach(Thread::start);
        for (Thread thread : starting) {
            thread.join();
        }
        Files.createFile(folder.resolve("ready"));
        Thread.currentThread().join();
    }

    private static void stop(List<KafkaRaftServer> brokers) {
        Thread stopping = new Thread(() -> brokers.parallelStream().forEach(KafkaRaftServer::shutdown));
        stopping.start();
        try {
            // The last of several has no quorum to sign off from, and would wait for one for minutes.
            stopping.join(brokers.size() == 1 ? 0 : 5000);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
        if (stopping.isAlive()) {
            Runtime.getRuntime().halt(0);
        }
    }

    private String data(int i) {
        return folder.resolve("data").resolve(Integer.toString(i)).toString();
    }

    private void format(int i) throws Exception {
        Formatter formatter = new Formatter()
            .setNodeId(i)
            .setClusterId(CLUSTER)
            .addDirectory(data(i))
            .setMetadataLogDirectory(data(i))
            .setControllerListenerName("CONTROLLER")
            .setIgnoreFormatted(true)
            .setScramArguments(List.of(scram("SCRAM-SHA-256"), scram("SCRAM-SHA-512")));
        formatter.run();
    }

    private static String scram(String mechanism) {
        return mechanism + "=[name=" + LOGIN + ",password=" + PASSWORD + "]";
    }

    private Properties properties(int i) {
        Properties properties = new Properties();
        List<String> voters = new ArrayList<>();
        for (int n = 0; n < nBrokers; n++) {
            voters.add(n + "@127.0.0.1:" + ports[2 * n + 1]);
        }
        String listeners = "PLAINTEXT://127.0.0.1:" + ports[2 * i];
        if (nBrokers == 1) {
            listeners += ",SASL_PLAINTEXT://127.0.0.1:" + ports[2];
            if (Files.exists(folder.resolve("server.pem"))) {
                listeners += ",SSL://127.0.0.1:" + ports[3] + ",SASL_SSL://127.0.0.1:" + ports[4];
                properties.put("ssl.keystore.type", "PEM");
                properties.put("ssl.keystore.location", folder.resolve("server.pem").toString());
                properties.put("ssl.truststore.type", "PEM");
            }
        }
        properties.put("process.roles", "broker,controller");
        properties.put("node.id", Integer.toString(i));
        properties.put("controller.quorum.voters", String.join(",", voters));
        properties.put("controller.listener.names", "CONTROLLER");
        properties.put("listeners", listeners + ",CONTROLLER://127.0.0.1:" + ports[2 * i + 1]);
        properties.put("advertised.listeners", listeners);
        properties.put("listener.security.protocol.map",
            "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL");
        properties.put("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512");
        for (String listener : List.of("sasl_plaintext", "sasl_ssl")) {
            properties.put("listener.name." + listener + ".plain.sasl.jaas.config",
                "org.apache.kafka.common.security.plain.PlainLoginModule required user_" + LOGIN + "=\"" + PASSWORD + "\";");
            for (String mechanism : List.of("scram-sha-256", "scram-sha-512")) {
                properties.put("listener.name." + listener + "." + mechanism + ".sasl.jaas.config",
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;");
            }
        }
        properties.put("log.dirs", data(i));
        properties.put("auto.create.topics.enable", "false");
        String copies = Integer.toString(nBrokers);
        properties.put("offsets.topic.replication.factor", copies);
        properties.put("offsets.topic.num.partitions", "4");
        properties.put("transaction.state.log.replication.factor", copies);
        properties.put("transaction.state.log.min.isr", "1");
        properties.put("share.coordinator.state.topic.replication.factor", copies);
        // A test's group need not wait for members that do not come.
        properties.put("group.initial.rebalance.delay.ms", "0");
        for (String setting : settings) {
            String[] parts = setting.split("=", 2);
            properties.put(parts[0], parts[1]);
        }
        return properties;
    }
}
