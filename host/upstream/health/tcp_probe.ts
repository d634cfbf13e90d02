// host/upstream/health/tcp_probe.ts: checks a host by a connection, and what it answers on it.
// pure: no I/O, no clock, no runtime globals
/**
 * Bytes that do not match may be the beginning of some that do: only the time limit ends the wait for them.
 *
 * @see Envoy: source/extensions/health_checkers/tcp/health_checker_impl.cc
 * @module
 */
import { ByteQueue } from "../../base/byte_queue.ts";
import type { Connection, ConnectionHandler } from "../../net/connection_port.ts";
import { CloseType } from "../../net/filter.ts";
import { PROXY_PROTOCOL_V2_LOCAL, proxyProtocolV1 } from "../../net/proxy_protocol.ts";
import type { DialCallbacks, DialHandle } from "../conn_pool/dialer.ts";
import { dialForCheck } from "./check_connection.ts";
import { hasSegments } from "./payload.ts";
import type { TcpCheckPlan } from "./plan.ts";
import type { HealthProbe, ProbeCallbacks, ProbeEnvironment, ProbeTarget } from "./probe.ts";

/** Who sends more without what is expected will not send it. */
const MOST_BYTES = 64 * 1024;

export class TcpProbe implements HealthProbe, ConnectionHandler, DialCallbacks {
  readonly #plan: TcpCheckPlan;
  readonly #environment: ProbeEnvironment;
  readonly #target: ProbeTarget;
  readonly #callbacks: ProbeCallbacks;
  #dial: DialHandle | null = null;
  #connection: Connection | null = null;
  #expectClose = false;
  readonly #received = new ByteQueue();

  constructor(plan: TcpCheckPlan, environment: ProbeEnvironment, target: ProbeTarget, callbacks: ProbeCallbacks) {
    this.#plan = plan;
    this.#environment = environment;
    this.#target = target;
    this.#callbacks = callbacks;
  }

  check(): void {
    if (this.#connection !== null) return this.#send(this.#connection);
    this.#expectClose = false;
    this.#dial = dialForCheck(this.#environment, this.#target.host, this);
  }

  onTimeout(): void {
    this.close();
  }

  close(): void {
    this.#expectClose = true;
    this.#dial?.cancel();
    this.#dial = null;
    this.#connection?.close(CloseType.NoFlush);
  }

  /** The one connection serves check after check, each with a header of its own, as in Envoy. */
  #send(connection: Connection): void {
    const { proxyProtocol, send } = this.#plan;
    const { localAddress, remoteAddress } = connection.info;
    connection.cork();
    if (proxyProtocol === "V1") connection.write(proxyProtocolV1(localAddress, remoteAddress));
    else if (proxyProtocol === "V2") connection.write(PROXY_PROTOCOL_V2_LOCAL);
    if (send !== null) connection.write(send);
    connection.uncork();
  }

  // DialCallbacks

  onConnected(connection: Connection): void {
    this.#dial = null;
    this.#connection = connection;
    connection.setHandler(this);
    if (this.#plan.receive.length > 0) return this.#send(connection);
    this.close();
    this.#callbacks.onSuccess(false);
  }

  onFailure(): void {
    this.#dial = null;
    this.#callbacks.onFailure("NETWORK", false, 0);
  }

  // ConnectionHandler

  onData(bytes: Uint8Array): void {
    this.#received.push(bytes);
    if (!hasSegments(this.#received.toBytes(), this.#plan.receive)) {
      if (this.#received.length > MOST_BYTES) this.#connection?.close(CloseType.NoFlush);
      return;
    }
    this.#received.clear();
    if (!this.#target.reuseConnection) this.close();
    this.#callbacks.onSuccess(false);
  }

  onEnd(): void {}

  onClose(): void {
    this.#connection = null;
    this.#received.clear();
    if (!this.#expectClose) this.#callbacks.onFailure("NETWORK", false, 0);
  }

  onAboveWriteBufferHighWatermark(): void {}
  onBelowWriteBufferLowWatermark(): void {}
}
