// bench/micro/pool.bench.ts: what a pool and a load balancer add to a request.
/**
 * `node bench/micro/pool.bench.ts` · `deno run -A bench/micro/pool.bench.ts`
 *
 * The budget of a stream on a warm connection, from `newStream` to its end, is 300 ns on Node.
 */
import { bench, do_not_optimize, run, summary } from "mitata";
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
import type { HttpPoolCallbacks } from "../../host/upstream/http_pool.ts";
import type { LoadBalancingPlan } from "../../host/upstream/plan.ts";
import { endpoint, FakeDialer, FakeDns, planWith } from "../../test/host/upstream/fakes.ts";

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

function createCluster(
  loadBalancing: LoadBalancingPlan,
  weights: readonly number[],
): { cluster: Cluster; dialer: FakeDialer } {
  const dialer = new FakeDialer();
  const endpoints = weights.map((weight, i) => endpoint("10.0.0.1", i + 1, { weight }));
  const cluster = new Cluster(planWith(endpoints, { loadBalancing }), {
    clock: systemClock,
    random: new SeededRandom(1),
    stats: StatsStore.create(),
    dialer,
    dns: new FakeDns(),
    createClientCodec: (_connection, callbacks) => new InstantCodec(callbacks),
  });
  cluster.start(() => {});
  return { cluster, dialer };
}

const COMMON = { panicThresholdPercent: 50, failTrafficOnPanic: false, localityWeighted: false };
const LEAST = {
  ...COMMON,
  policy: "LEAST_REQUEST",
  choiceCount: 2,
  selectionMethod: "N_CHOICES",
  activeRequestBias: 1,
} as const;
const EQUAL = [1, 1, 1, 1];

let ready = 0;
const request = {
  onPoolReady: () => void ready++,
  onPoolFailure() {
    throw new Error("the pool failed");
  },
} as unknown as HttpPoolCallbacks & ResponseDecoder & StreamCallbacks;

const { cluster, dialer } = createCluster({ ...COMMON, policy: "ROUND_ROBIN" }, [1]);
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

summary(() => {
  for (
    const [name, plan, weights] of [
      ["round robin, 4 hosts", { ...COMMON, policy: "ROUND_ROBIN" }, EQUAL],
      ["round robin, weights", { ...COMMON, policy: "ROUND_ROBIN" }, [1, 2, 3, 4]],
      ["random, 4 hosts", { ...COMMON, policy: "RANDOM" }, EQUAL],
      ["least request, 4 hosts", LEAST, EQUAL],
      ["least request, weights", LEAST, [1, 2, 3, 4]],
    ] as const
  ) {
    const { cluster } = createCluster(plan, weights);
    bench(`chooseHost: ${name}`, () => do_not_optimize(cluster.chooseHost(null)));
  }
});

await run();
if (ready === 0) throw new Error("nothing was measured");
