// test/conformance/differential/bootstrap.ts: the parts that configurations of groups have in common, as YAML.
/** @module */

const HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
const FILE_LOG = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";

/** What most groups log of a request. */
export const HTTP_LOG: string = "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL% %RESPONSE_CODE% " +
  "flags=%RESPONSE_FLAGS% details=%RESPONSE_CODE_DETAILS% rx=%BYTES_RECEIVED% tx=%BYTES_SENT% " +
  "route=%ROUTE_NAME% cluster=%UPSTREAM_CLUSTER% host=%UPSTREAM_HOST% attempts=%UPSTREAM_REQUEST_ATTEMPT_COUNT% " +
  "closed=%CONNECTION_TERMINATION_DETAILS%";

/** Routes of a listener that sends everything to the upstream `u`. */
export const TO_U = '- { name: all, match: { prefix: "/" }, route: { cluster: u } }';

/** A bootstrap of these listeners and clusters. */
export function bootstrap(listeners: readonly string[], clusters: readonly string[]): string {
  const list = (name: string, parts: readonly string[]) =>
    parts.length === 0 ? "" : `  ${name}:\n${parts.map((part) => indent(part, 2)).join("")}`;
  return `admin: { address: { socket_address: { address: 127.0.0.1, port_value: @admin@ } } }
static_resources:\n${list("listeners", listeners)}${list("clusters", clusters)}`;
}

export interface HttpListenerOptions {
  /** Further fields of the connection manager. */
  readonly manager?: string;
  /** The routes of its one virtual host, which takes all domains. */
  readonly routes?: string;
  /** Further fields of that virtual host. */
  readonly virtualHost?: string;
  /** Instead of the one virtual host. */
  readonly virtualHosts?: string;
  /** Further fields of the route configuration. */
  readonly routeConfig?: string;
  /** Filters before the router. */
  readonly filters?: string;
  /** Fields of the router. */
  readonly router?: string;
  /** Fields of the access log in place of the usual format. */
  readonly log?: string;
  /** Further fields of the listener. */
  readonly listener?: string;
}

/** A listener with a connection manager and a router; its name is its port's name, too. */
export function httpListener(name: string, options: HttpListenerOptions = {}): string {
  const virtualHosts = options.virtualHosts ?? `- name: v
  domains: ["*"]
${indent(options.virtualHost ?? "", 2)}  routes:
${indent(options.routes ?? TO_U, 2)}`;
  return `- name: ${name}
  address: { socket_address: { address: 127.0.0.1, port_value: @${name}@ } }
${indent(options.listener ?? "", 2)}  filter_chains:
  - filters:
    - name: envoy.filters.network.http_connection_manager
      typed_config:
        "@type": ${HCM}
        stat_prefix: ${name}
${indent(options.manager ?? "", 8)}        access_log:
        - name: envoy.access_loggers.file
          typed_config:
            "@type": ${FILE_LOG}
            path: FOLDER/access.log
${indent(options.log ?? textLog(HTTP_LOG), 12)}        route_config:
          name: routes
${indent(options.routeConfig ?? "", 10)}          virtual_hosts:
${indent(virtualHosts, 10)}        http_filters:
${indent(options.filters ?? "", 8)}        - name: envoy.filters.http.router
          typed_config:
            "@type": ${ROUTER}
${indent(options.router ?? "", 12)}`;
}

/** A listener with these network filters. */
export function tcpListener(name: string, filters: string, more = ""): string {
  return `- name: ${name}
  address: { socket_address: { address: 127.0.0.1, port_value: @${name}@ } }
${indent(more, 2)}  filter_chains:
  - filters:
${indent(filters, 4)}`;
}

/** A listener with a TCP proxy: its fields besides `stat_prefix`, and the format of its access log, if it has one. */
export function tcpProxyListener(name: string, fields: string, log: string | null = null): string {
  return tcpListener(
    name,
    `- name: envoy.filters.network.tcp_proxy
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
    stat_prefix: ${name}
${indent(fields, 4)}${log === null ? "" : `    access_log:\n${indent(fileLog(log), 4)}`}`,
  );
}

/** Fields of an access log with this format. */
export function textLog(format: string): string {
  return `log_format: { text_format_source: { inline_string: ${JSON.stringify(`${format}\n`)} } }`;
}

export function fileLog(format: string): string {
  return `- name: envoy.access_loggers.file
  typed_config:
    "@type": ${FILE_LOG}
    path: FOLDER/access.log
${indent(textLog(format), 4)}`;
}

/** A cluster of one host, of which the port has the cluster's name. */
export function cluster(name: string, more = "", port: string = name): string {
  return `- name: ${name}
  connect_timeout: 2s
  load_assignment:
    cluster_name: ${name}
    endpoints: [ { lb_endpoints: [ { endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @${port}@ } } } } ] } ]
${more}`.trimEnd() + "\n";
}

/** Fields of a cluster: how it speaks HTTP, and what holds for requests to it. */
export function httpProtocolOptions(fields: string): string {
  return `  typed_extension_protocol_options:
    envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
      "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
${indent(fields, 6)}`;
}

/** A configuration that is only to be judged: with some port in the place of each `@name@`, and a folder. */
export function withAnyPorts(yaml: string, folder: string): string {
  const names = [...new Set(yaml.match(/@[a-z0-9_]+@/g))];
  return yaml.replace(/@[a-z0-9_]+@/g, (name) => String(10_000 + names.indexOf(name))).replaceAll("FOLDER", folder);
}

/** A cluster without hosts. */
export function emptyCluster(name: string): string {
  return `- { name: ${name}, connect_timeout: 2s }\n`;
}

/** A listener of this text on a unix socket instead of its port. */
export function onPipe(name: string, listener: string): string {
  return listener.replace(/address: \{ socket_address: .*/, `address: { pipe: { path: FOLDER/${name}.sock } }`);
}

/** A cluster of the unix socket with the cluster's name. */
export function pipeCluster(name: string): string {
  return cluster(name).replace(/socket_address: \{[^}]*\}/, `pipe: { path: FOLDER/${name}.sock }`);
}

/** Moves every line of a text to the right; the text ends with a line end unless it is empty. */
export function indent(text: string, columns: number): string {
  if (text.trim() === "") return "";
  return text.trimEnd().split("\n").map((line) => " ".repeat(columns) + line).join("\n") + "\n";
}
