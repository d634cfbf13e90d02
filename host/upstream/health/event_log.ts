// host/upstream/health/event_log.ts: what happens to the health of hosts, as lines of JSON.
// pure: no I/O, no clock, no runtime globals
/**
 * Fields are in the order of their numbers, and those without a value are there, too, as Envoy prints them.
 *
 * @see Envoy: source/common/upstream/health_checker_event_logger.cc
 * @see Envoy: api/envoy/data/core/v3/health_check_event.proto
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import { timestampText } from "../../base/timestamp.ts";
import { toWireText } from "../../base/wire_text.ts";
import type { SocketAddress } from "../../observe/stream_info.ts";
import type { Host } from "../host.ts";
import type { CheckerPlan } from "./plan.ts";
import type { HealthCheckFailure } from "./probe.ts";

/** Takes lines, each with its end, as wire text. */
export interface EventFile {
  write(line: string): void;
  /** Nothing is written any more. */
  close(): void;
}

/** Opens a file that lines are appended to. */
export type OpenEventFile = (path: string) => EventFile;

const CHECKER_TYPES: Readonly<Record<CheckerPlan["kind"], string>> = { http: "HTTP", tcp: "TCP", grpc: "GRPC" };

export class HealthEventLog {
  readonly #clusterName: string;
  readonly #type: string;
  readonly #clock: Clock;
  readonly #files: readonly EventFile[];

  constructor(clusterName: string, kind: CheckerPlan["kind"], clock: Clock, files: readonly EventFile[]) {
    this.#clusterName = clusterName;
    this.#type = CHECKER_TYPES[kind];
    this.#clock = clock;
    this.#files = files;
  }

  ejectUnhealthy(host: Host, failure: HealthCheckFailure, httpStatus: number): void {
    this.#write(host, { eject_unhealthy_event: { failure_type: failure, http_status_code: httpStatus } }, {}, {});
  }

  addHealthy(host: Host, firstCheck: boolean): void {
    this.#write(host, { add_healthy_event: { first_check: firstCheck } }, {}, {});
  }

  failure(host: Host, failure: HealthCheckFailure, firstCheck: boolean, httpStatus: number): void {
    const event = { failure_type: failure, first_check: firstCheck, http_status_code: httpStatus };
    this.#write(host, {}, { health_check_failure_event: event }, {});
  }

  degraded(host: Host): void {
    this.#write(host, {}, { degraded_healthy_host: {} }, {});
  }

  noLongerDegraded(host: Host): void {
    this.#write(host, {}, { no_longer_degraded_host: {} }, {});
  }

  success(host: Host): void {
    this.#write(host, {}, {}, { successful_health_check_event: {} });
  }

  close(): void {
    for (const file of this.#files) file.close();
  }

  /** What happened goes before the time, behind it, or to the end. */
  #write(host: Host, before: object, behind: object, end: object): void {
    const { region, zone, subZone } = host.locality;
    const line = JSON.stringify({
      health_checker_type: this.#type,
      host: addressMessage(host.address),
      cluster_name: this.#clusterName,
      ...before,
      timestamp: timestampText(this.#clock.wallMs()),
      ...behind,
      ...(Object.keys(host.metadata).length > 0 && {
        metadata: { filter_metadata: host.metadata, typed_filter_metadata: {} },
      }),
      locality: { region, zone, sub_zone: subZone },
      ...end,
    });
    for (const file of this.#files) file.write(toWireText(line) + "\n");
  }
}

function addressMessage({ address, port }: SocketAddress): object {
  if (port === 0) return { pipe: { path: address, mode: 0 } };
  return {
    socket_address: {
      protocol: "TCP",
      address,
      port_value: port,
      resolver_name: "",
      ipv4_compat: false,
      network_namespace_filepath: "",
    },
  };
}
