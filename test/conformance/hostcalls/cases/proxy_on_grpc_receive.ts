// test/conformance/hostcalls/cases/proxy_on_grpc_receive.ts: messages of gRPC calls and streams.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call, keep, kept, pairs, param, returns } from "../steps.ts";

const METADATA = pairs([["x-asks", "1"]]);
/** Ends the request that waits. */
const done = [call("proxy_set_effective_context", kept(0)), call("proxy_send_local_response", 200, "", "", "", -1)];

export const CASES: readonly Case[] = [
  {
    name: "the answer of a call",
    grpc: true,
    versions: ABI_VERSIONS,
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_grpc_call", "g", "s.Service", "Echo", METADATA, "hello", 1000),
        keep(0, param(0)),
        returns(1),
      ],
      proxy_on_grpc_receive_initial_metadata: [],
      proxy_on_grpc_receive: [call("proxy_get_buffer_bytes", 5, 0, 100), call("proxy_get_status"), ...done],
      proxy_on_grpc_receive_trailing_metadata: [],
      proxy_on_grpc_close: [],
    },
  },
  {
    name: "messages of a stream, one after the other",
    grpc: true,
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_grpc_stream", "g", "s.Service", "Echo", METADATA),
        keep(1),
        call("proxy_grpc_send", kept(1), "one", 0),
        call("proxy_grpc_send", kept(1), "two", 1),
        keep(0, param(0)),
        returns(1),
      ],
      proxy_on_grpc_receive_initial_metadata: [call("proxy_get_header_map_value", 4, "x-initial")],
      proxy_on_grpc_receive: [call("proxy_get_buffer_bytes", 5, 0, 100), call("proxy_get_buffer_status", 5)],
      proxy_on_grpc_receive_trailing_metadata: [
        call("proxy_get_header_map_value", 5, "x-trailing"),
        call("proxy_get_header_map_value", 5, "grpc-status"),
      ],
      proxy_on_grpc_close: [call("proxy_get_status"), ...done],
    },
  },
];
