package peers;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The peer on Kafka Streams: one instance, exactly once. Usage is kept per account and month in RocksDB, with a record
 * cache before it and a changelog; each call gives one charge. Settings are environment variables: BOOTSTRAP, APP_ID,
 * CALLS_TOPIC, CHARGES_TOPIC, STATE_DIR, COMMIT_MS, and EXTRA, further settings as "key=value;key=value".
 */
public final class Rater {
    static final int BUNDLE = 50;
    static final BigDecimal PER_MINUTE = new BigDecimal("0.18");
    static final BigDecimal PER_CALL = new BigDecimal("2.50");
    static final BigDecimal ZERO = new BigDecimal("0.00");
    static final String STORE = "usage";

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Call(@JsonProperty("call_id") String callId, @JsonProperty("account") String account,
                @JsonProperty("caller") String caller, @JsonProperty("callee") String callee,
                @JsonProperty("direction") String direction, @JsonProperty("started_at") String startedAt,
                @JsonProperty("answered_at") String answeredAt, @JsonProperty("ended_at") String endedAt,
                @JsonProperty("disposition") String disposition, @JsonProperty("source") String source) { }

    record Usage(@JsonProperty("bundled") int bundled,
                 @JsonProperty("spend") @JsonFormat(shape = JsonFormat.Shape.STRING) BigDecimal spend,
                 @JsonProperty("seq") int seq) { }

    record Charge(@JsonProperty("charge_id") String chargeId, @JsonProperty("call_id") String callId,
                  @JsonProperty("account") String account, @JsonProperty("period") String period,
                  @JsonProperty("billed_minutes") int billed, @JsonProperty("bundle_minutes") int inBundle,
                  @JsonProperty("overage_minutes") int over,
                  @JsonProperty("amount") @JsonFormat(shape = JsonFormat.Shape.STRING) BigDecimal amount,
                  @JsonProperty("currency") String currency,
                  @JsonProperty("spend_to_date") @JsonFormat(shape = JsonFormat.Shape.STRING) BigDecimal spend,
                  @JsonProperty("seq") int seq) { }

    static <T> Serde<T> json(ObjectMapper mapper, Class<T> type) {
        ObjectReader reader = mapper.readerFor(type);
        ObjectWriter writer = mapper.writerFor(type);
        return Serdes.serdeFrom((topic, value) -> {
            try {
                return value == null ? null : writer.writeValueAsBytes(value);
            } catch (IOException e) {
                throw new SerializationException(e);
            }
        }, (topic, bytes) -> {
            try {
                return bytes == null ? null : reader.readValue(bytes);
            } catch (IOException e) {
                throw new SerializationException(e);
            }
        });
    }

    static final class RateCalls implements Processor<String, Call, String, Charge> {
        private ProcessorContext<String, Charge> context;
        private KeyValueStore<String, Usage> usages;

        @Override
        public void init(ProcessorContext<String, Charge> context) {
            this.context = context;
            this.usages = context.getStateStore(STORE);
        }

        @Override
        public void process(Record<String, Call> record) {
            Call call = record.value();
            OffsetDateTime started = OffsetDateTime.parse(call.startedAt());
            int month = started.getMonthValue();
            String period = started.getYear() + (month < 10 ? "-0" : "-") + month;
            String key = call.account() + "|" + period;
            Usage usage = usages.get(key);
            int bundled = usage == null ? 0 : usage.bundled();
            BigDecimal spend = usage == null ? ZERO : usage.spend();
            int seq = usage == null ? 0 : usage.seq();
            int billed = 0;
            int inBundle = 0;
            int over = 0;
            BigDecimal amount = ZERO;
            if ("answered".equals(call.disposition())) {
                long ms = Duration.between(OffsetDateTime.parse(call.answeredAt()), OffsetDateTime.parse(call.endedAt()))
                    .toMillis();
                billed = (int) Math.max(1, (ms + 59_999) / 60_000);
                inBundle = Math.min(billed, BUNDLE - bundled);
                over = billed - inBundle;
                amount = PER_CALL.add(PER_MINUTE.multiply(BigDecimal.valueOf(over)));
            }
            spend = spend.add(amount);
            seq++;
            usages.put(key, new Usage(bundled + inBundle, spend, seq));
            context.forward(record.withValue(new Charge("ch-" + call.callId(), call.callId(), call.account(), period,
                billed, inBundle, over, amount, "CNY", spend, seq)));
        }
    }

    static Topology topology(Map<String, String> env) {
        ObjectMapper mapper = new ObjectMapper();
        StoreBuilder<KeyValueStore<String, Usage>> store =
            Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(STORE), Serdes.String(), json(mapper, Usage.class))
                .withLoggingEnabled(Map.of())
                .withCachingEnabled();
        StreamsBuilder builder = new StreamsBuilder();
        builder.addStateStore(store);
        builder.stream(env.get("CALLS_TOPIC"), Consumed.with(Serdes.String(), json(mapper, Call.class)))
            .process(RateCalls::new, STORE)
            .to(env.get("CHARGES_TOPIC"), Produced.with(Serdes.String(), json(mapper, Charge.class)));
        return builder.build();
    }

    public static void main(String[] args) throws Exception {
        Map<String, String> env = System.getenv();
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, env.get("APP_ID"));
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, env.get("BOOTSTRAP"));
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, "1");
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, env.get("STATE_DIR"));
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, env.get("COMMIT_MS"));
        settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        for (String setting : env.getOrDefault("EXTRA", "").split(";")) {
            int at = setting.indexOf('=');
            if (at > 0) {
                settings.put(setting.substring(0, at).trim(), setting.substring(at + 1).trim());
            }
        }
        KafkaStreams streams = new KafkaStreams(topology(env), settings);
        CountDownLatch done = new CountDownLatch(1);
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.ERROR) {
                done.countDown();
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            streams.close(Duration.ofSeconds(20));
            done.countDown();
        }));
        streams.start();
        done.await();
    }
}
