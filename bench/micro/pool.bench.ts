// bench/micro/pool.bench.ts: what a pool adds to a request.
/**
 * `node bench/micro/pool.bench.ts` · `deno run -A bench/micro/pool.bench.ts`
 *
 * The budget of a stream on a warm connection, from `newStream` to its end, is 300 ns on Node.
 */
import { bench, summary } from "mitata";
import { SeededRandom } from "../../host/base/random.ts";
import type {
  ClientCodec,
  ClientCodecCallbacks,
  Protocol,
  RequestEncoder,
  ResponseDecoder,
  StreamCallbacks,
} from "../../host/http/codec.ts";
import { StatsStore } from "../../host/observe/stats.ts";
import { systemClock } from "../../host/platform/system_clock.ts";
import { ResourcePriority } from "../../host/upstream/circuit_breaker.ts";
import { Cluster } from "../../host/upstream/cluster.ts";
import type { HttpPoolCallbacks } from "../../host/upstream/conn_pool/http_pool.ts";
import { endpoint, FakeDialer, FakeDns, planWith } from "../../test/host/upstream/fakes.ts";
import { runWithin } from "./budget.ts";

const BYTES = new Uint8Array(1);

/** Ends its stream with every dispatch. */
class InstantCodec implements ClientCodec {
  readonly protocol: Protocol = "HTTP/1.1";
  readonly #callbacks: ClientCodecCallbacks;
  readonly #encoder = {} as RequestEncoder;
  activeStreams = 0;
  reusable = true;

  constructor(callbacks: ClientCodecCallbacks) {
    this.#callbacks = callbacks;
  }

  newStream(): RequestEncoder {
    this.activeStreams = 1;
    return this.#encoder;
  }

  dispatch(): null {
    this.activeStreams = 0;
    this.#callbacks.onStreamClosed();
    return null;
  }

  onConnectionClosed(): void {}
  goAway(): void {}
  onUnderlyingConnectionAboveWriteBufferHighWatermark(): void {}
  onUnderlyingConnectionBelowWriteBufferLowWatermark(): void {}
}

const dialer = new FakeDialer();
const cluster = new Cluster(planWith([endpoint("10.0.0.1", 1)]), {
  clock: systemClock,
  random: new SeededRandom(1),
  stats: StatsStore.create(),
  dialer,
  dns: new FakeDns(),
  createClientCodec: (_connection, callbacks) => new InstantCodec(callbacks),
});
cluster.start(() => {});

let ready = 0;
const request = {
  onPoolReady: () => void ready++,
  onPoolFailure() {
    throw new Error("the pool failed");
  },
} as unknown as HttpPoolCallbacks & ResponseDecoder & StreamCallbacks;

const pool = cluster.httpPool(cluster.chooseHost(null)!, ResourcePriority.Default);
pool.newStream(request, request);
const connection = dialer.last.connect();
connection.handler!.onData(BYTES);

summary(() => {
  bench("newStream and its end on a warm connection", () => {
    pool.newStream(request, request);
    connection.handler!.onData(BYTES);
  });
  bench("the same, host chosen by round robin", () => {
    const host = cluster.chooseHost(null)!;
    cluster.httpPool(host, ResourcePriority.Default).newStream(request, request);
    connection.handler!.onData(BYTES);
  });
});

await runWithin({ "newStream and its end on a warm connection": 300 });
if (ready === 0) throw new Error("nothing was measured");
