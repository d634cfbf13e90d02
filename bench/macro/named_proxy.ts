// bench/macro/named_proxy.ts: the proxies that a command line names.
import { findEnvoy } from "./envoy.ts";
import { denoProxy, envoyProxy, nodeProxy, type Proxy, type Yaml } from "./proxies.ts";

/** `--only node,deno,envoy` and `--envoy PATH`, for `parseArgs`. */
export function proxyOptions(only: string): {
  only: { type: "string"; default: string };
  envoy: { type: "string" };
} {
  return { only: { type: "string", default: only }, envoy: { type: "string" } };
}

/** Starts `node`, `deno` or `envoy`; `envoy` is where that is, when somebody has said so. */
export async function namedProxy(name: string, yaml: Yaml, envoy: string | undefined): Promise<Proxy> {
  if (name === "envoy") return await envoyProxy(await findEnvoy(envoy), yaml);
  return await (name === "deno" ? denoProxy(yaml) : nodeProxy(yaml));
}
