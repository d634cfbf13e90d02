// host/http/plan/header_validators.ts: extensions that validate headers, of which there are none.
/**
 * @see Envoy: source/extensions/upstreams/http/config.cc, source/extensions/filters/network/http_connection_manager/config.cc
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";

/** Envoy's releases refuse the field, too: who sets it counts on something. */
export function refuseHeaderValidators(node: ConfigNode, field: string, help: string): void {
  node.refuse(
    field,
    "there are no header validators beside the codecs' own, as in Envoy's releases",
    `headers are always validated; ${help}`,
  );
}
