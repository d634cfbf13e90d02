// host/upstream/orca/report_stream.ts: one host tells how busy it is, by itself, as long as it is there.
// pure: no I/O, no clock, no runtime globals
/**
 * A call of `xds.service.orca.v3.OpenRcaService/StreamCoreMetrics` on a connection of its own. One that ends, or
 * brings nothing for three periods, is made anew after a while; a host without the service is not asked again.
 *
 * @see Envoy: source/extensions/load_balancing_policies/common/orca_oob_manager.cc OobSession
 * @module
 */
import { WireType } from "../../api/wire_reader.ts";
import { WireWriter } from "../../api/wire_writer.ts";
import { BackOff } from "../../base/back_off.ts";
import { ByteQueue } from "../../base/byte_queue.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { RequestEncoder } from "../../http/codec.ts";
import { encodeGrpcFrame, GrpcFrameDecoder } from "../../http/grpc_frames.ts";
import { grpcStatusOf } from "../../http/grpc_status.ts";
import { HeaderMap } from "../../http/header_map.ts";
import { isGrpcContentType } from "../../http/local_reply.ts";
import { ipAddress, isPipe } from "../../net/address.ts";
import type { SocketAddress } from "../../observe/stream_info.ts";
import type { Host } from "../host.ts";
import { type LoadReport, parseLoadReport } from "./load_report.ts";
import type { ReportStreamPlan } from "./plan.ts";
import type {
  ConnectForReports,
  ReportConnection,
  ReportConnectionCallbacks,
  ReportConnectionStream,
} from "./report_connection.ts";
import type { ReportStreamStats } from "./stats.ts";

const PATH = "/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics";
const UNIMPLEMENTED = 12;
const MESSAGE_LIMIT_BYTES = 64 * 1024;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;
const SILENT_PERIODS = 3;

export interface ReportStreamEnvironment {
  readonly clusterName: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly connectForReports: ConnectForReports;
}

export class ReportStream implements ReportConnectionStream, ReportConnectionCallbacks {
  readonly #host: Host;
  readonly #plan: ReportStreamPlan;
  readonly #environment: ReportStreamEnvironment;
  readonly #stats: ReportStreamStats;
  /** False when the report gives no weight. */
  readonly #onReport: (report: LoadReport) => boolean;
  readonly #onTerminated: () => void;
  readonly #attemptTimer: Timer;
  readonly #silenceTimer: Timer;
  #connection: ReportConnection | null = null;
  #frames = new GrpcFrameDecoder(MESSAGE_LIMIT_BYTES);
  #backOff: BackOff;
  /** The host wants to go: its next report is the last one here. */
  #goingAway = false;

  constructor(
    host: Host,
    plan: ReportStreamPlan,
    environment: ReportStreamEnvironment,
    stats: ReportStreamStats,
    onReport: (report: LoadReport) => boolean,
    onTerminated: () => void,
  ) {
    const { clock, random } = environment;
    this.#host = host;
    this.#plan = plan;
    this.#environment = environment;
    this.#stats = stats;
    this.#onReport = onReport;
    this.#onTerminated = onTerminated;
    this.#backOff = new BackOff(FIRST_WAIT_MS, LONGEST_WAIT_MS, random);
    this.#attemptTimer = clock.createTimer(() => this.#connect());
    this.#silenceTimer = clock.createTimer(() => this.#fail());
    // Hosts that came together are not asked together.
    this.#attemptTimer.enable(Math.floor(random.fraction() * plan.periodMs));
  }

  close(): void {
    this.#attemptTimer.disable();
    this.#disconnect();
  }

  #connect(): void {
    this.#frames = new GrpcFrameDecoder(MESSAGE_LIMIT_BYTES);
    this.#goingAway = false;
    this.#silenceTimer.enable(SILENT_PERIODS * this.#plan.periodMs);
    this.#connection = this.#environment.connectForReports(this.#host, this.#address, this);
    this.#connection.newStream(this);
  }

  get #address(): SocketAddress {
    const { address } = this.#host, { port } = this.#plan;
    return port === 0 || isPipe(address) ? address : ipAddress(address.address, port);
  }

  get #authority(): string {
    const address = this.#address;
    const { clusterName } = this.#environment;
    return this.#plan.authority || this.#host.hostname || (isPipe(address) ? clusterName : address.text);
  }

  /** What the connection says while it ends is not listened to. */
  #disconnect(): void {
    this.#silenceTimer.disable();
    const connection = this.#connection;
    this.#connection = null;
    connection?.closeSoon();
  }

  #fail(): void {
    if (this.#connection === null) return;
    this.#stats.streamFailures.inc();
    this.#disconnect();
    this.#attemptTimer.enable(this.#backOff.nextMs());
  }

  #end(grpcStatus: number): void {
    if (this.#connection === null) return;
    if (grpcStatus !== UNIMPLEMENTED) return this.#fail();
    this.#stats.streamTerminated.inc();
    this.#disconnect();
    this.#onTerminated();
  }

  // ReportConnectionStream

  onReady(encoder: RequestEncoder): void {
    const headers = new HeaderMap();
    headers.method = "POST";
    headers.path = PATH;
    headers.authority = this.#authority;
    headers.scheme = "http";
    headers.set("te", "trailers");
    headers.set("content-type", "application/grpc");
    encoder.encodeHeaders(headers, false);
    const body = new ByteQueue();
    body.push(encodeGrpcFrame(encodeReportRequest(this.#plan.periodMs)));
    encoder.encodeData(body, true);
  }

  on1xxHeaders(): void {}

  onHeaders(headers: HeaderMap, end: boolean): void {
    const isGrpc = headers.status === 200 && isGrpcContentType(headers.get("content-type"));
    if (isGrpc && !end) return;
    const status = end ? grpcStatusOf(headers) : null;
    // A host that knows no such path has no such service.
    this.#end(status ?? (headers.status === 404 ? UNIMPLEMENTED : 2));
  }

  onData(data: ByteQueue, end: boolean): void {
    const problem = this.#frames.decode(data, (message) => {
      if (message.length > 0) this.#take(message);
      return this.#connection !== null;
    });
    if (problem !== null || end || this.#goingAway) this.#fail();
  }

  onTrailers(trailers: HeaderMap): void {
    this.#end(grpcStatusOf(trailers) ?? 2);
  }

  onResetStream(): void {
    this.#fail();
  }

  onAboveWriteBufferHighWatermark(): void {}
  onBelowWriteBufferLowWatermark(): void {}

  // ReportConnectionCallbacks

  onGoAway(errorCode: number): void {
    if (errorCode === 0) this.#goingAway = true;
    else this.#fail();
  }

  onClosed(): void {
    this.#fail();
  }

  #take(message: Uint8Array): void {
    const report = parseLoadReport(message);
    if (report === null) return this.#fail();
    this.#stats.reportsReceived.inc();
    this.#backOff = new BackOff(FIRST_WAIT_MS, LONGEST_WAIT_MS, this.#environment.random);
    this.#silenceTimer.enable(SILENT_PERIODS * this.#plan.periodMs);
    if (!this.#onReport(report)) this.#stats.reportErrors.inc();
  }
}

/** An `OrcaLoadReportRequest`: field 1 is a Duration. */
function encodeReportRequest(periodMs: number): Uint8Array {
  const writer = new WireWriter();
  const seconds = Math.floor(periodMs / 1000), nanos = Math.round(periodMs % 1000 * 1e6);
  writer.tag(1, WireType.Length);
  const mark = writer.startLength();
  if (seconds > 0) {
    writer.tag(1, WireType.Varint);
    writer.uint64(BigInt(seconds));
  }
  if (nanos > 0) {
    writer.tag(2, WireType.Varint);
    writer.uint32(nanos);
  }
  writer.endLength(mark);
  return writer.finish();
}
