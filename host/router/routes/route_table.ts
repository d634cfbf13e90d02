// host/router/routes/route_table.ts: finds the virtual host and the route of a request.
// pure: no I/O, no clock, no runtime globals
// hot: runs per request; see bench/micro/route.bench.ts
/**
 * Virtual hosts are searched by the whole `:authority`, port included: exact, then the longest `*suffix`,
 * then the longest `prefix*`, then `*`. There is no going on to another virtual host when no route matches.
 *
 * @see Envoy: source/common/router/config_impl.cc RouteMatcher::findVirtualHost
 * @module
 */
import { NO_RUNTIME, type Runtime } from "../../base/runtime.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import type { RouteConfig } from "../../http/route.ts";
import { asciiLower } from "../../base/wire_text.ts";
import type { Expressions, Format } from "../../observe/formatter.ts";
import type { FormatPlan } from "../../observe/format_plan.ts";
import type { StatsScope } from "../../observe/stats.ts";
import type { StreamInfo } from "../../observe/stream_info.ts";
import { type CompileFilterConfig, FilterConfigLevel } from "./filter_configs.ts";
import type { CompileFormat } from "../../http/header_ops.ts";
import type { RouteConfigPlan } from "../plan.ts";
import { RouteEntry } from "./route.ts";
import type { RouteCompiler } from "./route_builder.ts";
import { VirtualHost } from "./virtual_host.ts";

export interface RouteTableOptions {
  /** Compiles `%…%` header values. */
  readonly compileFormat: CompileFormat;
  /** Compiles the bodies of direct responses. */
  readonly compileBody: (plan: FormatPlan) => Format;
  /** The root, below which virtual hosts count. */
  readonly stats: StatsScope;
  /** Absent: nothing changes while requests come. */
  readonly runtime?: Runtime;
  /** Absent or null where no configuration has expressions. */
  readonly expressions?: Expressions | null;
  /** Makes of a filter's plan what the filter works with; without it plans are handed on as they are. */
  readonly compileFilterConfig?: CompileFilterConfig;
}

/** A route configuration, ready for requests. */
export class RouteTable implements RouteConfig {
  readonly name: string;
  readonly plan: RouteConfigPlan;
  readonly #virtualHostHeader: string;
  readonly #ignorePort: boolean;
  readonly #exact = new Map<string, VirtualHost>();
  readonly #suffixes = new WildcardDomains();
  readonly #prefixes = new WildcardDomains();
  readonly #hasOnlyDefault: boolean;
  #default: VirtualHost | null = null;

  constructor(plan: RouteConfigPlan, options: RouteTableOptions) {
    this.name = plan.name;
    this.plan = plan;
    this.#virtualHostHeader = plan.virtualHostHeader;
    this.#ignorePort = plan.ignorePortInHostMatching;
    const compiler: RouteCompiler = {
      compileFormat: options.compileFormat,
      expressions: options.expressions ?? null,
      compileBody: options.compileBody,
      runtime: options.runtime ?? NO_RUNTIME,
      stats: options.stats.scope("vhost"),
      compileFilterConfig: options.compileFilterConfig ?? ((_name, config) => config),
    };
    const level = new FilterConfigLevel(plan.filterConfigs, compiler.compileFilterConfig);
    for (const virtualHostPlan of plan.virtualHosts) {
      const virtualHost = new VirtualHost(virtualHostPlan, plan, level, compiler);
      for (const domain of virtualHostPlan.domains) this.#addDomain(domain, virtualHost);
    }
    this.#hasOnlyDefault = this.#exact.size === 0 && this.#suffixes.isEmpty && this.#prefixes.isEmpty;
  }

  #addDomain(domain: string, virtualHost: VirtualHost): void {
    if (domain === "*") this.#default = virtualHost;
    else if (domain.startsWith("*")) this.#suffixes.add(domain.slice(1), virtualHost);
    else if (domain.endsWith("*")) this.#prefixes.add(domain.slice(0, -1), virtualHost);
    else this.#exact.set(domain, virtualHost);
  }

  internalOnlyHeaders(): readonly string[] {
    return this.plan.internalOnlyHeaders;
  }

  route(headers: HeaderMap, info: StreamInfo, random: number): RouteEntry | null {
    const virtualHost = this.#virtualHostFor(headers);
    return virtualHost === null ? null : virtualHost.route(headers, info, random);
  }

  #virtualHostFor(headers: HeaderMap): VirtualHost | null {
    if (this.#hasOnlyDefault) return this.#default;
    const authority = this.#virtualHostHeader === "" ? headers.authority : headers.get(this.#virtualHostHeader);
    if (authority === null) return null;
    let host = asciiLower(authority);
    if (this.#ignorePort) host = withoutPort(host);
    return this.#exact.get(host) ?? this.#suffixes.findSuffix(host) ?? this.#prefixes.findPrefix(host) ??
      this.#default;
  }
}

/** Wildcard domains by the length of their fixed part, longest first. */
class WildcardDomains {
  #groups: { readonly length: number; readonly hosts: Map<string, VirtualHost> }[] = [];

  get isEmpty(): boolean {
    return this.#groups.length === 0;
  }

  add(part: string, virtualHost: VirtualHost): void {
    let group = this.#groups.find(({ length }) => length === part.length);
    if (group === undefined) {
      group = { length: part.length, hosts: new Map() };
      this.#groups.push(group);
      this.#groups.sort((a, b) => b.length - a.length);
    }
    group.hosts.set(part, virtualHost);
  }

  findSuffix(host: string): VirtualHost | undefined {
    for (const { length, hosts } of this.#groups) {
      // The asterisk stands for one character at least.
      if (length >= host.length) continue;
      const found = hosts.get(host.slice(host.length - length));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  findPrefix(host: string): VirtualHost | undefined {
    for (const { length, hosts } of this.#groups) {
      if (length >= host.length) continue;
      const found = hosts.get(host.slice(0, length));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** The host of `host:port`, `[::1]:port`; everything else as it is. */
function withoutPort(host: string): string {
  const colon = host.lastIndexOf(":");
  if (colon === -1) return host;
  // Colons inside of brackets, or several without brackets, are an IPv6 address.
  if (host.startsWith("[") ? host[colon - 1] !== "]" : host.indexOf(":") !== colon) return host;
  return /^[0-9]+$/.test(host.slice(colon + 1)) ? host.slice(0, colon) : host;
}
