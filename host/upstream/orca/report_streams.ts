// host/upstream/orca/report_streams.ts: the streams of load reports of all hosts of a cluster.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/extensions/load_balancing_policies/common/orca_oob_manager.cc OrcaOobManager
 * @module
 */
import type { Host } from "../host.ts";
import type { PrioritySet } from "../priority.ts";
import type { LoadReport } from "./load_report.ts";
import type { ReportStreamPlan } from "./plan.ts";
import { ReportStream, type ReportStreamEnvironment } from "./report_stream.ts";
import type { ReportStreamStats } from "./stats.ts";

/** Takes a report; false when it gives no weight. */
export type ReportListener = (host: Host, report: LoadReport) => boolean;

export class ReportStreams {
  readonly #plan: ReportStreamPlan;
  readonly #environment: ReportStreamEnvironment;
  readonly #stats: ReportStreamStats;
  readonly #onReport: ReportListener;
  readonly #streams = new Map<Host, ReportStream>();
  #closed = false;

  constructor(
    plan: ReportStreamPlan,
    priorities: PrioritySet,
    environment: ReportStreamEnvironment,
    stats: ReportStreamStats,
    onReport: ReportListener,
  ) {
    this.#plan = plan;
    this.#environment = environment;
    this.#stats = stats;
    this.#onReport = onReport;
    this.#add([...priorities.hosts()]);
    priorities.onMemberUpdate((added, removed) => {
      for (const host of removed) this.#remove(host);
      this.#add(added);
    });
  }

  close(): void {
    this.#closed = true;
    for (const host of [...this.#streams.keys()]) this.#remove(host);
  }

  #add(hosts: readonly Host[]): void {
    if (this.#closed) return;
    for (const host of hosts) {
      const onReport = (report: LoadReport): boolean => this.#onReport(host, report);
      const onTerminated = (): void => this.#remove(host);
      const stream = new ReportStream(host, this.#plan, this.#environment, this.#stats, onReport, onTerminated);
      this.#streams.set(host, stream);
      this.#stats.activeSessions.inc();
    }
  }

  #remove(host: Host): void {
    const stream = this.#streams.get(host);
    if (stream === undefined) return;
    this.#streams.delete(host);
    this.#stats.activeSessions.dec();
    stream.close();
  }
}
