// sdk/transform.mjs: an optional transform for asc that lets decorators do the registration.
/**
 * With it, a filter needs neither the line that exports `nuncio/sdk/entry` nor a register call:
 *
 *     @http("hello")
 *     class Hello extends HttpFilter { … }
 *
 * `@http(rootId)` goes with HttpFilter and HttpFilterOf<R>, `@network(rootId)` with NetworkFilter and
 * NetworkFilterOf<R>, `@service(rootId)` with RootContext; `rootId` is optional. Classes with a decorator must be
 * exported. Only the callbacks that the source mentions are exported from the module, which makes it smaller and
 * spares the host calls that would do nothing.
 *
 * Switch it on in asconfig.json: { "options": { "transform": ["nuncio/sdk/transform.mjs"] } }
 *
 * It relies on the compiler's syntax tree, which may change from one version of AssemblyScript to the next.
 */
import { Transform } from "assemblyscript/transform";

/** Exports without which no module works. */
const ALWAYS = [
  "proxy_abi_version_0_2_1",
  "proxy_on_memory_allocate",
  "proxy_on_context_create",
  "proxy_on_vm_start",
  "proxy_on_configure",
  "proxy_on_done",
  "proxy_on_delete",
];

/** The export that calls each method. */
const CALLBACKS = {
  onRequestHeaders: "proxy_on_request_headers",
  onRequestBody: "proxy_on_request_body",
  onRequestTrailers: "proxy_on_request_trailers",
  onResponseHeaders: "proxy_on_response_headers",
  onResponseBody: "proxy_on_response_body",
  onResponseTrailers: "proxy_on_response_trailers",
  onNewConnection: "proxy_on_new_connection",
  onDownstreamData: "proxy_on_downstream_data",
  onUpstreamData: "proxy_on_upstream_data",
  onDownstreamClose: "proxy_on_downstream_connection_close",
  onUpstreamClose: "proxy_on_upstream_connection_close",
  onTick: "proxy_on_tick",
  onQueueReady: "proxy_on_queue_ready",
  onForeignFunction: "proxy_on_foreign_function",
  onLog: "proxy_on_log",
};

/** The exports that a use of each name needs. */
const USES = { HttpCall: "proxy_on_http_call_response", every: "proxy_on_tick", after: "proxy_on_tick" };

const REGISTER = {
  http: { plain: "registerHttpFilter", withRoot: "registerHttpFilterWithRoot" },
  network: { plain: "registerNetworkFilter", withRoot: "registerNetworkFilterWithRoot" },
  service: { plain: "registerService", withRoot: "registerService" },
};

export default class RegisterDecorators extends Transform {
  /** Adds an entry file that registers the decorated classes and exports the callbacks in use. */
  afterParse(parser) {
    const filters = [];
    const exported = new Set(ALWAYS);
    for (const source of parser.sources) {
      if (source.internalPath.startsWith("~lib/")) continue;
      for (const [name, callback] of Object.entries(USES)) {
        if (new RegExp(`\\b${name}\\b`).test(source.text)) exported.add(callback);
      }
      for (const statement of source.statements) {
        for (const member of statement.members ?? []) {
          if (CALLBACKS[member.name?.text] !== undefined) exported.add(CALLBACKS[member.name.text]);
        }
        const filter = readDecorator(statement, source);
        if (filter !== null) filters.push(filter);
      }
    }
    if (filters.length !== 0) parser.parseFile(renderEntry(filters, exported), "nuncio-entry.ts", true);
  }
}

/** The registration that a class's decorator asks for; null when it has none. */
function readDecorator(statement, source) {
  for (const decorator of statement.decorators ?? []) {
    const kind = decorator.name.text;
    if (REGISTER[kind] === undefined) continue;
    return {
      kind,
      className: statement.name.text,
      rootClassName: statement.extendsType?.typeArguments?.[0]?.name.identifier.text ?? null,
      rootId: decorator.args?.[0]?.value ?? "",
      path: source.internalPath,
    };
  }
  return null;
}

function renderEntry(filters, exported) {
  const lines = [
    `export { ${[...exported].join(", ")} } from "nuncio/sdk/entry";`,
    'import * as sdk from "nuncio/sdk";',
  ];
  for (const [i, { className, rootClassName, path }] of filters.entries()) {
    const root = rootClassName === null ? "" : `, ${rootClassName} as Root${i}`;
    lines.push(`import { ${className} as Filter${i}${root} } from "./${path}";`);
  }
  for (const [i, { kind, rootClassName, rootId }] of filters.entries()) {
    const types = rootClassName === null ? `Filter${i}` : `Filter${i}, Root${i}`;
    const register = rootClassName === null ? REGISTER[kind].plain : REGISTER[kind].withRoot;
    lines.push(`sdk.${register}<${types}>(${JSON.stringify(rootId)});`);
  }
  return lines.join("\n");
}
