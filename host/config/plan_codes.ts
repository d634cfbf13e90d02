// host/config/plan_codes.ts: the catalogue of what planners find wrong with a well-formed configuration.
/**
 * Rows like those of `codes.ts`, for problems that only show when a configuration is put together:
 * references, addresses, chains, extensions.
 *
 * @module
 */
import type { CodeEntry } from "./codes.ts";

export const PLAN_CODES: readonly CodeEntry[] = [
  {
    code: "config/bad-address",
    summary: "an address or port cannot be used",
    explanation: "The message quotes it. IP addresses are written as such; names belong into clusters that use DNS.",
  },
  {
    code: "config/bad-expression",
    summary: "an expression in CEL cannot be used",
    explanation: "The message quotes what is wrong with it, or says that there is none.",
  },
  {
    code: "config/bad-payload",
    summary: "bytes that a health check sends or waits for cannot be used",
    explanation: "Texts are hexadecimal: two digits a byte. What is waited for is not empty.",
  },
  {
    code: "config/bad-range",
    summary: "a range has no numbers in it, or some that cannot be",
    explanation:
      "A range begins with its first number and ends before its second one. HTTP statuses are from 100 to 599.",
  },
  {
    code: "config/bad-server-name",
    summary: "a server name of a filter chain match cannot match anything",
    explanation: "Server names are exact, or begin with *. and stand for all names that end so.",
  },
  {
    code: "config/conflict",
    summary: "two settings contradict each other",
    explanation: "The message names both. Remove one, or bring them into agreement.",
  },
  {
    code: "config/disabled-extension",
    summary: "an extension is switched off",
    explanation: "It is named in --disable-extensions and a configuration uses it.",
  },
  {
    code: "config/duplicate",
    summary: "a name or a match is given twice",
    explanation: "Names of listeners, clusters and the like are unique, and so are filter chain matches.",
  },
  {
    code: "config/endpoints",
    summary: "the endpoints do not fit the type of the cluster",
    explanation: "For example, LOGICAL_DNS takes exactly one endpoint, and STATIC takes IP addresses only.",
  },
  {
    code: "config/filter-order",
    summary: "a chain of filters does not end as it must",
    explanation: "A terminal filter (router, tcp_proxy, …) is the last one of its chain, and no other one is.",
  },
  {
    code: "config/invalid",
    summary: "a configuration given to createProxy has errors",
    explanation: "The message shows all of them, each with its own code.",
  },
  {
    code: "config/missing-field",
    summary: "something is needed here that is not set",
    explanation: "The message names it. Envoy finds this out when it builds the object, and so does nuncio.",
  },
  {
    code: "config/missing-file",
    summary: "a file that the configuration names cannot be read",
    explanation: "Paths are relative to the working directory of the proxy. Check the path and the permissions.",
  },
  {
    code: "config/missing-variable",
    summary: "an environment variable that the configuration names is not set",
    explanation: "Set it for the proxy, or remove the reference.",
  },
  {
    code: "config/native-filter",
    summary: "a native filter is named that is not there",
    explanation:
      "Native filters are written in TypeScript and brought by the program that calls createProxy. With several workers they come from modules.",
  },
  {
    code: "config/no-effect",
    summary: "a runtime key has no effect",
    explanation: "Nothing here acts on the key; Envoy would. Remove it, or leave it for Envoy's sake.",
  },
  {
    code: "config/out-of-range",
    summary: "a value does not fit another one",
    explanation: "For example an upper bound below the lower one.",
  },
  {
    code: "config/runtime",
    summary: "a runtime key of nuncio's own is not known, or its value cannot be",
    explanation: "The message says what was expected. docs/reference/limits.md lists the keys.",
  },
  {
    code: "config/subset",
    summary: "the selectors of a subset policy do not fit together",
    explanation: "The message says how. docs/guides/load_balancing.md says what subsets are for.",
  },
  {
    code: "config/tls-inspector-added",
    summary: "a filter chain match needs the TLS inspector, which was added",
    explanation:
      "Matching server names or protocols of TLS needs envoy.filters.listener.tls_inspector; list it to be explicit.",
  },
  {
    code: "config/unknown-cluster",
    summary: "a cluster is named that does not exist",
    explanation: "Clusters are those under static_resources.clusters; the help line names the nearest.",
  },
  {
    code: "config/unknown-extension",
    summary: "an extension is named that this place does not have",
    explanation:
      "The type is one of Envoy's API, and nuncio has nothing for it here. docs/reference/configuration.md lists the messages that are read.",
  },
  {
    code: "config/unknown-reference",
    summary: "a name is used that nothing in the configuration has",
    explanation: "What is named has to be configured, in the list that the message says.",
  },
  {
    code: "config/unsupported",
    summary: "Envoy can do this and nuncio cannot",
    explanation: "The message says what, and the help line what to do instead where there is a way.",
  },
  {
    code: "config/unsupported-extension",
    summary: "an extension exists in Envoy and not in nuncio",
    explanation: "The extensions that nuncio has are listed in the reference.",
  },
  {
    code: "config/wasm-code",
    summary: "a WebAssembly module cannot be loaded",
    explanation:
      "The file is missing, the module or image cannot be fetched or is another than its digest says, or it is not signed as --wasm-public-key demands. The message says what was expected and what came.",
  },
  {
    code: "config/wasm-plugin",
    summary: "a plugin refused its configuration or failed while it started",
    explanation:
      "on_vm_start or on_configure returned false or trapped; what the plugin logged stands beside the message.",
  },
];
