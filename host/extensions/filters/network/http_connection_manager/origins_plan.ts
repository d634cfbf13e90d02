// host/extensions/filters/network/http_connection_manager/origins_plan.ts: who requests come from, and by which scheme.
/** @module */
import { type CidrBlock, cidrBlock } from "../../../../base/cidr.ts";
import type { ConfigNode } from "../../../../config/node.ts";
import type { ConnectionManagerPlan } from "../../../../http/conn_manager/conn_manager_config.ts";
import type { IpDetectionPlan } from "../../../../http/conn_manager/original_ip.ts";
import { asciiLower, toWireText } from "../../../../base/wire_text.ts";

const XFF = "envoy.extensions.http.original_ip_detection.xff.v3.XffConfig";
const CUSTOM_HEADER = "envoy.extensions.http.original_ip_detection.custom_header.v3.CustomHeaderConfig";
const UUID = "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig";

/** The blocks of a list of CidrRange messages. */
export function planCidrRanges(node: ConfigNode, field: string): CidrBlock[] {
  return node.messages(field).flatMap((range) => {
    const address = range.string("address_prefix");
    const block = cidrBlock(address, range.number("prefix_len"));
    if (block !== null) return block;
    range.error("config/bad-address", `'${address}' is no IP address`, { field: "address_prefix" });
    return [];
  });
}

/** `original_ip_detection_extensions`. */
export function planOriginalIpDetection(config: ConfigNode): IpDetectionPlan[] {
  const extensions = config.messages("original_ip_detection_extensions");
  for (const field of ["use_remote_address", "xff_num_trusted_hops"]) {
    const isSet = field === "use_remote_address" ? config.bool(field) : config.number(field) > 0;
    if (extensions.length === 0 || !isSet) continue;
    config.error("config/conflict", `${field} and original_ip_detection_extensions are both set`, { field });
  }
  return extensions.flatMap((extension) => {
    // The type says what it is: the name is for people.
    extension.string("name");
    const message = extension.any("typed_config");
    if (message?.typeName === XFF) return planXff(message);
    if (message?.typeName === CUSTOM_HEADER) return planCustomHeader(message);
    extension.error("config/unsupported-extension", `IP detection ${message?.typeName ?? ""} is not known`, {
      help: `use ${XFF} or ${CUSTOM_HEADER}`,
    });
    return [];
  });
}

function planXff(node: ConfigNode): IpDetectionPlan {
  const skipXffAppend = node.bool("skip_xff_append", true);
  const trustedHops = node.number("xff_num_trusted_hops");
  const proxies = node.message("xff_trusted_cidrs");
  if (proxies === null) return { kind: "xff", trustedHops, skipXffAppend };
  if (trustedHops > 0) {
    node.error("config/conflict", "xff_num_trusted_hops and xff_trusted_cidrs are both set", {
      field: "xff_num_trusted_hops",
    });
  }
  return { kind: "trusted_proxies", blocks: planCidrRanges(proxies, "cidrs"), skipXffAppend };
}

function planCustomHeader(node: ConfigNode): IpDetectionPlan {
  const reject = node.message("reject_with_status");
  const status = reject?.number("code") ?? 0;
  return {
    kind: "custom_header",
    name: asciiLower(toWireText(node.string("header_name"))),
    trusted: node.bool("allow_extension_to_set_address_as_trusted"),
    // Only errors are for refusing.
    rejectStatus: reject === null ? 0 : status < 400 || status > 511 ? 403 : status,
  };
}

/** What scheme requests are said to have. */
export function planSchemes(
  config: ConfigNode,
): Pick<ConnectionManagerPlan, "forwardProto" | "schemeToOverwrite" | "schemeMatchUpstream"> {
  const transformation = config.message("scheme_header_transformation");
  const schemeToOverwrite = (transformation?.string("scheme_to_overwrite") ?? "") as "" | "http" | "https";
  const matchUpstream = transformation?.bool("match_upstream") ?? false;
  const ports = config.message("forward_proto_config");
  return {
    schemeToOverwrite,
    schemeMatchUpstream: matchUpstream && schemeToOverwrite === "",
    forwardProto: ports === null
      ? null
      : { httpsPorts: ports.numbers("https_destination_ports"), httpPorts: ports.numbers("http_destination_ports") },
  };
}

/** `request_id_extension`: whether a digit of the id says why the request is traced. */
export function planRequestIds(extension: ConfigNode | null): boolean {
  const message = extension?.any("typed_config") ?? null;
  if (message === null) return true;
  if (message.typeName !== UUID) {
    extension!.error("config/unsupported-extension", `request id extension ${message.typeName} is not known`, {
      field: "typed_config",
      help: `use ${UUID}`,
    });
    return true;
  }
  message.accept("use_request_id_for_trace_sampling", "requests are not traced");
  return message.bool("pack_trace_reason", true);
}
