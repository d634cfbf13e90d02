// test/conformance/hostcalls/supersets.ts: where a host call does more, or something safer, than in Envoy.
/**
 * A superset is exact: `apply` makes what Envoy did into what nuncio must do, and the test fails where there is no
 * difference any more. The scoreboard page lists them.
 *
 * @module
 */
import type { CaseObservation } from "./play.ts";

export interface Superset {
  readonly title: string;
  /** `name: case`, of those that show it. */
  readonly cases: readonly string[];
  readonly envoy: string;
  readonly nuncio: string;
  readonly reason: string;
  /** `compat: envoy` does not switch it off. */
  readonly always?: true;
  readonly apply: (recorded: CaseObservation) => CaseObservation;
}

type Change = (lines: readonly string[]) => string[];

/** Lines that say `from` say `to`: all of them, or those with these numbers, from 0. */
function change(from: string, to: string, ...which: number[]): Change {
  return (lines) => {
    let seen = 0;
    return lines.map((line) => line === from && (which.length === 0 || which.includes(seen++)) ? to : line);
  };
}

function changed(...changes: Change[]): (recorded: CaseObservation) => CaseObservation {
  return (recorded) => ({ ...recorded, lines: changes.reduce((lines, each) => each(lines), recorded.lines) });
}

/** Envoy came down; this is what is told where it does not. */
function instead(lines: readonly string[], client: readonly string[]): (recorded: CaseObservation) => CaseObservation {
  return ({ name, version }) => ({ name, version, lines, client });
}

const CREATED = ["> proxy_on_context_create 1 0", "> proxy_on_context_create 2 1"];
const HEADERS = "> proxy_on_request_headers 2 9 1";

const READ = "proxy_get_header_map_value";
const SIZE = "proxy_get_header_map_size";

export const SUPERSETS: readonly Superset[] = [
  {
    title: "A map that is not there now has no headers",
    cases: [
      "proxy_get_header_map_value: every map where it is not",
      "proxy_on_http_call_response: a response that breaks off",
      "proxy_on_grpc_receive_initial_metadata: before the first message",
      "proxy_on_grpc_receive_trailing_metadata: after the last message",
    ],
    envoy: "answers BadArgument to a read of a map that there is, but not now",
    nuncio: "answers NotFound; to a map that there never is, BadArgument",
    reason: "guests in Rust panic on BadArgument, and with it goes the whole VM",
    apply: changed((lines) => {
      // The last two of a phase that asks for all maps are no maps.
      const perPhase = lines.filter((line) => line.startsWith(READ)).length > 2 ? [8, 9, 17, 18] : [];
      let seen = 0;
      return lines.map((line) => {
        if (line !== `${READ} BadArgument -`) return line;
        return perPhase.includes(seen++) ? line : `${READ} NotFound -`;
      });
    }),
  },
  {
    title: "Request headers can be read to the end",
    cases: [
      "proxy_get_header_map_value: request headers after they went on",
      "proxy_on_delete: the last of a stream's callbacks",
    ],
    envoy: "answers BadArgument once the headers went on to the next filter",
    nuncio: "lets them, and response headers, be read (not changed) until the context is deleted",
    reason: "what a response filter wants to know is nearly always about the request",
    apply: changed((lines) => {
      let seen = 0;
      const values = ['Ok "one"', "NotFound -", "NotFound -", 'Ok "one"', 'Ok "200"', 'Ok "one"', 'Ok "200"'];
      return lines.map((line) => line === `${READ} BadArgument -` ? `${READ} ${values[seen++]}` : line);
    }),
  },
  {
    title: "Sizes of header maps",
    cases: [
      "proxy_get_header_map_size: response headers",
      "proxy_get_header_map_size: every map where it is not",
    ],
    envoy: "gives the bytes of names and values, and answers BadArgument where there is no map",
    nuncio: "gives the size that the map takes when it is serialized, as specified, and 0 where there is none",
    reason: "the size is for the buffer that the pairs will need; a status that stops a Rust guest helps nobody",
    apply: changed(change(`${SIZE} Ok 31`, `${SIZE} Ok 65`), change(`${SIZE} BadArgument -`, `${SIZE} Ok 0`)),
  },
  {
    title: "Pairs that are none",
    cases: ["proxy_set_header_map_pairs: pairs that are none"],
    envoy: "takes malformed pairs for an empty list, removes all headers and answers Ok",
    nuncio: "answers BadArgument and changes nothing",
    reason: "a mistake in a guest must not take away a message's headers in silence",
    apply: (recorded) => ({
      ...changed(
        change("proxy_set_header_map_pairs Ok", "proxy_set_header_map_pairs BadArgument"),
        change(`${READ} NotFound -`, `${READ} Ok "200"`),
      )(recorded),
      client: ["HTTP/1.1 200 OK"],
    }),
  },
  {
    title: "Routes do not need x-forwarded-proto",
    cases: ["proxy_set_header_map_pairs: request headers without x-forwarded-proto"],
    envoy: "finds no route, and answers 404, when a filter removed the header",
    nuncio: "looks at what the route asks for",
    reason: "nobody who removes that header means a 404",
    always: true,
    apply: (recorded) => ({ ...recorded, client: ["HTTP/1.1 200 OK"] }),
  },
  {
    title: "Pseudo-headers are there once",
    cases: ["proxy_add_header_map_value: pseudo-headers"],
    envoy: "joins what is added to what is there with a comma: `/path,/other`",
    nuncio: "puts what is added in place of what is there",
    reason: "no path and no host has two values",
    apply: (recorded) => ({
      ...recorded,
      upstreams: recorded.upstreams!.map((seen) => ({
        ...seen,
        request: {
          ...seen.request!,
          head: seen.request!.head.map((line) =>
            line.replace("/path?q=1,/other", "/other").replace("a.example,b.example", "b.example")
          ),
        },
      })),
    }),
  },
  {
    title: "A response has one status",
    cases: ["proxy_add_header_map_value: the status of a response"],
    envoy: "joins what is added to what is there with a comma: `200,201`; to that it answers 502 itself",
    nuncio: "puts what is added in place of what is there",
    reason: "no status has two values",
    always: true,
    apply: (recorded) => ({
      ...changed(change(`${READ} Ok "200,201"`, `${READ} Ok "201"`))(recorded),
      client: recorded.client.map((each) =>
        typeof each === "string" ? each : {
          head: [
            "HTTP/1.1 201 Created",
            "content-length: 2",
            "x-envoy-upstream-service-time: (ms)",
            "date: (date)",
            "server: envoy",
          ],
          body: "ok",
        }
      ),
    }),
  },
  {
    title: "Buffers change anywhere",
    cases: ["proxy_set_buffer_bytes: something in the middle is replaced"],
    envoy: "answers BadArgument to a change that begins neither at the start nor behind the end",
    nuncio: "replaces the bytes, as specified",
    reason: "the specification has no such limit",
    apply: (recorded) => ({
      ...changed(
        change("proxy_set_buffer_bytes BadArgument", "proxy_set_buffer_bytes Ok"),
        change('proxy_get_buffer_bytes Ok "hello world"', 'proxy_get_buffer_bytes Ok "hello, my world"'),
      )(recorded),
      upstreams: recorded.upstreams!.map((seen) => ({
        ...seen,
        request: { ...seen.request!, body: "hello, my world" },
      })),
    }),
  },
  {
    title: "Arguments of foreign functions, and of none",
    cases: [
      "proxy_get_buffer_bytes: every buffer in the plugin's own context",
      "proxy_get_buffer_status: every buffer where it is not",
    ],
    envoy: "gives what the buffer was used for last: a configuration",
    nuncio: "gives an empty buffer where no function was called",
    reason: "what is there by accident is nothing to rely on",
    always: true,
    apply: changed(
      change('proxy_get_buffer_bytes Ok "for the VM"', 'proxy_get_buffer_bytes Ok ""', 1),
      change("proxy_get_buffer_status Ok 14 0", "proxy_get_buffer_status Ok 0 0", 1),
      change("proxy_get_buffer_status Ok 10 0", "proxy_get_buffer_status Ok 0 0", 2),
    ),
  },
  {
    title: "Properties that Envoy had",
    cases: ["proxy_get_property: the connection and the plugin"],
    envoy: "has no `node`, `cluster_name`, `route_name` and `listener_direction` at the top any more",
    nuncio: "has them, as earlier versions did, besides those under `xds`",
    reason: "filters that were written for earlier versions read them",
    apply: changed(
      change("proxy_get_property NotFound -", 'proxy_get_property Ok ""', 2),
      change("proxy_get_property NotFound -", 'proxy_get_property Ok "u"', 2),
      change("proxy_get_property NotFound -", 'proxy_get_property Ok "all"', 2),
      change("proxy_get_property NotFound -", "proxy_get_property Ok <0000000000000000>", 2),
    ),
  },
  {
    title: "Attributes of headers that went on",
    cases: ["proxy_get_property: headers that went on"],
    envoy: "knows no `request.path`, `request.headers`, `response.headers` and the like once the headers went on",
    nuncio: "knows them to the end",
    reason: "what a response filter wants to know is nearly always about the request",
    apply: changed((lines) => {
      let callback = "";
      let seen = 0;
      return lines.map((line) => {
        if (line.startsWith("> ")) {
          callback = line;
          seen = 0;
          return line;
        }
        const place = seen++;
        if (line !== "proxy_get_property NotFound -") return line;
        if (place < 2) return `proxy_get_property Ok ${place === 0 ? '"/path"' : '"one"'}`;
        return place === 5 && callback.includes("response") ? 'proxy_get_property Ok "2"' : line;
      });
    }),
  },
  {
    title: "Properties of several segments",
    cases: ["proxy_set_property: a path of several segments"],
    envoy: "stores the value where no path leads to",
    nuncio: "finds it by the path that it was set with",
    reason: "a property that was set can be read",
    apply: changed(change("proxy_get_property NotFound -", 'proxy_get_property Ok "a value"')),
  },
  {
    title: "Upstream bytes that were held can go on",
    cases: ["proxy_continue_stream: the upstream's bytes of a connection"],
    envoy: "answers Unimplemented",
    nuncio: "goes on with what the filter held of the upstream's bytes",
    reason: "the specification has it; a Rust guest panics on Unimplemented",
    apply: changed(change("proxy_continue_stream Unimplemented", "proxy_continue_stream Ok")),
  },
  {
    title: "A response goes on that is not there",
    cases: ["proxy_continue_response: nothing is paused, and there is no stream"],
    envoy: "breaks the client's connection off",
    nuncio: "does nothing",
    reason: "there is nothing to go on with",
    always: true,
    apply: (recorded) => ({ ...recorded, client: ["HTTP/1.1 200 OK"] }),
  },
  {
    title: "Streams that are over cannot be continued",
    cases: ["proxy_continue_stream: nothing is paused, and there is no stream"],
    envoy: "crashes",
    nuncio: "does nothing",
    reason: "a filter must not be able to stop the proxy",
    always: true,
    apply: instead([
      CREATED[0]!,
      "> proxy_on_configure 1 0",
      ...Array<string>(3).fill("proxy_continue_stream Ok"),
      CREATED[1]!,
      HEADERS,
      ...Array<string>(3).fill("proxy_continue_stream Ok"),
      "> proxy_on_log 2",
      ...Array<string>(3).fill("proxy_continue_stream Ok"),
    ], ["HTTP/1.1 200 OK"]),
  },
  {
    title: "Streams that are over cannot be answered",
    cases: ["proxy_send_local_response: there is no stream, or it is over"],
    envoy: "calls `proxy_on_log` again and again until it crashes",
    nuncio: "ignores the answer",
    reason: "a filter must not be able to stop the proxy",
    always: true,
    apply: instead([
      CREATED[0]!,
      "> proxy_on_configure 1 0",
      "proxy_send_local_response Ok",
      CREATED[1]!,
      "> proxy_on_log 2",
      "proxy_send_local_response Ok",
    ], ["HTTP/1.1 200 OK"]),
  },
  {
    title: "A gRPC call of a service without a name",
    cases: ["proxy_grpc_call: a service without a name"],
    envoy: "crashes",
    nuncio: "answers BadArgument",
    reason: "a filter must not be able to stop the proxy",
    always: true,
    apply: instead([...CREATED, HEADERS, "proxy_grpc_call BadArgument -"], ["HTTP/1.1 200 OK"]),
  },
  {
    title: "A gRPC stream of a service without a name",
    cases: ["proxy_grpc_stream: a service without a name"],
    envoy: "crashes",
    nuncio: "answers BadArgument",
    reason: "a filter must not be able to stop the proxy",
    always: true,
    apply: instead([...CREATED, HEADERS, "proxy_grpc_stream BadArgument -"], ["HTTP/1.1 200 OK"]),
  },
  {
    title: "Calls that end at once",
    cases: ["proxy_http_call: clusters that nobody is in, or that there are not"],
    envoy: "answers InternalFailure to a call to a cluster without hosts",
    nuncio: "answers Ok and calls back with the 503, as for every other call that is not answered",
    reason: "guests have one place for the failures of calls and no two, and learn the reason",
    always: true,
    apply: changed(
      change("proxy_http_call InternalFailure -", "proxy_http_call Ok 4"),
      (lines) => [...lines, "> proxy_on_http_call_response 1 4 3 19 0", `${READ} Ok "503"`],
    ),
  },
  {
    title: "The VM's own context",
    cases: ["proxy_set_effective_context: contexts that there are not"],
    envoy: "lets a guest act for context 0, which is no plugin's and no stream's",
    nuncio: "answers BadArgument",
    reason: "guests are never told of such a context",
    always: true,
    apply: changed(change("proxy_set_effective_context Ok", "proxy_set_effective_context BadArgument")),
  },
  {
    title: "A stream is done before it is logged",
    cases: ["proxy_done: nobody waits for it"],
    envoy: "calls `proxy_on_log` before `proxy_on_done` for requests, and after it for connections",
    nuncio: "always calls `proxy_on_done` first, as specified",
    reason: "one order for requests and connections",
    apply: changed((lines) => {
      const done = lines.findIndex((line) => line.startsWith("> proxy_on_done"));
      const log = lines.findIndex((line) => line.startsWith("> proxy_on_log"));
      return [...lines.slice(0, log), ...lines.slice(done, done + 2), ...lines.slice(log, log + 2)];
    }),
  },
  {
    title: "Who closed the upstream's connection",
    cases: ["proxy_on_upstream_connection_close: the upstream closes"],
    envoy: "says 0, unknown",
    nuncio: "says 1, the proxy, or 2, the upstream",
    reason: "it is known",
    apply: changed(change("> proxy_on_upstream_connection_close 2 0", "> proxy_on_upstream_connection_close 2 2")),
  },
  {
    title: "Of two allocators the specification's",
    cases: ["allocators: both"],
    envoy: "calls `malloc`",
    nuncio: "calls `proxy_on_memory_allocate`",
    reason: "guests of TinyGo keep what their `malloc` gives for ever",
    apply: changed(change("malloc 1", "malloc 0"), change("proxy_on_memory_allocate 0", "proxy_on_memory_allocate 1")),
  },
  {
    title: "A trap while memory is asked for",
    cases: ["allocators: one that traps"],
    envoy: "lets the callback go on in a VM that has failed",
    nuncio: "ends the callback at once",
    reason: "no code runs in a VM that has failed",
    always: true,
    apply: changed((lines) => lines.filter((line) => line.startsWith("> "))),
  },
  {
    title: "Messages of gRPC statuses",
    cases: [
      "proxy_on_grpc_close: a call that is refused",
      "proxy_on_grpc_close: a stream that is refused",
      "proxy_on_grpc_close: a call that nobody answers",
      "proxy_on_grpc_receive: messages of a stream, one after the other",
      "proxy_on_grpc_receive_trailing_metadata: after the last message",
    ],
    envoy: "gives the message as it was encoded, with details of its own behind it: `not%20you{via_upstream}`",
    nuncio: "gives the message",
    reason: "it is what the service said",
    always: true,
    apply: changed((lines) =>
      lines.map((line) =>
        line.startsWith("proxy_get_status ")
          ? line.replace(/"(.*)\{\w+\}"$/, '"$1"').replace('"via_upstream"', '""').replace("%20", " ")
          : line
      )
    ),
  },
];
