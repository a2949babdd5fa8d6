// A producer as Java programs write one, for tests/kafka/test_foreign.py: java -cp 'libs/*' ForeignProducer.java ADDRESS TOPIC CODEC
// Lines of standard input are KEY<tab>VALUE. Every third line goes in a transaction, and a transaction before it is aborted.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

public class ForeignProducer {
    public static void main(String[] words) throws Exception {
        List<String[]> lines = new ArrayList<>();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            lines.add(line.split("\t", 2));
        }
        Properties defaults = new Properties();
        defaults.put("bootstrap.servers", words[0]);
        defaults.put("key.serializer", StringSerializer.class.getName());
        defaults.put("value.serializer", StringSerializer.class.getName());
        defaults.put("compression.type", words[2]);
        Properties transactional = new Properties();
        transactional.putAll(defaults);
        transactional.put("transactional.id", "java-" + words[2]);
        try (KafkaProducer<String, String> plain = new KafkaProducer<>(defaults);
                KafkaProducer<String, String> careful = new KafkaProducer<>(transactional)) {
            careful.initTransactions();
            for (int number = 0; number < lines.size(); number++) {
                String[] line = lines.get(number);
                ProducerRecord<String, String> record = new ProducerRecord<>(words[1], line[0], line[1]);
                record.headers().add("trace", null).add("trace", new byte[] {1});
                if (number % 3 == 0) {
                    careful.beginTransaction();
                    careful.send(new ProducerRecord<>(words[1], line[0], "never to be seen"));
                    careful.flush();
                    careful.abortTransaction();
                    careful.beginTransaction();
                    careful.send(record);
                    careful.commitTransaction();
                } else {
                    plain.send(record);
                }
            }
        }
    }
}
