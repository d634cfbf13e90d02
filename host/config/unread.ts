// host/config/unread.ts: the fields that a configuration sets and nuncio does not know what to do with.
/**
 * Called when planning is over. What nobody has read would be ignored silently, so it is an error at its
 * position; with `--lenient` a warning.
 *
 * @module
 */
import type { Diagnostic } from "../base/diagnostic.ts";
import { bug } from "../base/error.ts";
import { MessageNode } from "./config_node.ts";
import type { ConfigNode } from "./node.ts";

export function unreadFields(root: ConfigNode, options: { readonly lenient?: boolean } = {}): Diagnostic[] {
  const lenient = options.lenient === true;
  const diagnostics: Diagnostic[] = [];
  bug(!(root instanceof MessageNode), "unreadFields wants a node of loadBootstrap");
  (root as MessageNode).visitUnread((node, field) => {
    diagnostics.push({
      code: "config/not-implemented",
      severity: lenient ? "warning" : "error",
      message: `${node.protoMessage.schema.shortName}.${field.name} is known to Envoy, but not to nuncio`,
      span: node.fieldSpan(field),
      help: lenient ? undefined : ["remove it, or start with --lenient to run without it"],
      at: node.fieldPath(field),
    });
  });
  return diagnostics;
}
