// host/http/h1/plan.ts: the parts of Http1ProtocolOptions that both sides read alike.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/http1/settings.cc
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import type { HeaderKeyFormat } from "../header_key_formatter.ts";

const PRESERVE_CASE = "envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig";

/** How header names are spelled; null: in lower case. Problems are reported at the nodes. */
export function planHeaderKeyFormat(options: ConfigNode | null): HeaderKeyFormat | null {
  const node = options?.message("header_key_format") ?? null;
  if (node === null) return null;
  if (node.message("proper_case_words") !== null) return { kind: "properCase" };
  const extension = node.message("stateful_formatter");
  const config = extension?.any("typed_config") ?? null;
  if (extension === null || config === null) return null;
  // The type says what it is: the name is for people.
  extension.string("name");
  if (config.typeName !== PRESERVE_CASE) {
    extension.error("config/unsupported", `header formatter ${config.typeName} is not known`, {
      field: "typed_config",
      help: `use ${PRESERVE_CASE}`,
    });
    return null;
  }
  return {
    kind: "preserveCase",
    forwardReasonPhrase: config.bool("forward_reason_phrase"),
    properCaseOfOthers: config.enum("formatter_type_on_envoy_headers") === "PROPER_CASE",
  };
}
