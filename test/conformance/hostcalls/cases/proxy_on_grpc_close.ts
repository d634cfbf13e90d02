// test/conformance/hostcalls/cases/proxy_on_grpc_close.ts: gRPC calls that fail.
import { ABI_VERSIONS } from "../../../../abi/mod.ts";
import type { Case } from "../play.ts";
import { call, keep, kept, param, returns } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "a call to a service that is not there",
    versions: ABI_VERSIONS,
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_grpc_call", "dead", "s.Service", "Method", "", "message", 1000),
        keep(0, param(0)),
        returns(1),
      ],
      proxy_on_grpc_close: [
        call("proxy_set_effective_context", kept(0)),
        call("proxy_send_local_response", 200, "", "", "", -1),
      ],
    },
  },
  {
    name: "a call that is refused",
    grpc: true,
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_grpc_call", "g", "s.Service", "Refuse", "", "message", 1000),
        keep(0, param(0)),
        returns(1),
      ],
      proxy_on_grpc_receive: [],
      proxy_on_grpc_close: [
        call("proxy_get_status"),
        call("proxy_set_effective_context", kept(0)),
        call("proxy_send_local_response", 200, "", "", "", -1),
      ],
    },
  },
  {
    name: "a stream that is refused",
    grpc: true,
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_grpc_stream", "g", "s.Service", "Refuse", ""),
        keep(1),
        call("proxy_grpc_close", kept(1)),
        keep(0, param(0)),
        returns(1),
      ],
      proxy_on_grpc_close: [
        call("proxy_get_status"),
        call("proxy_set_effective_context", kept(0)),
        call("proxy_send_local_response", 200, "", "", "", -1),
      ],
    },
  },
  {
    name: "a call that nobody answers",
    grpc: true,
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_grpc_call", "g", "s.Service", "Silent", "", "message", 100),
        keep(0, param(0)),
        returns(1),
      ],
      proxy_on_grpc_close: [
        call("proxy_get_status"),
        call("proxy_set_effective_context", kept(0)),
        call("proxy_send_local_response", 200, "", "", "", -1),
      ],
    },
  },
  {
    name: "a call that is cancelled",
    grpc: true,
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_grpc_call", "g", "s.Service", "Echo", "", "message", 1000),
        keep(1),
        call("proxy_grpc_send", kept(1), "more", 0),
        call("proxy_grpc_cancel", kept(1)),
        call("proxy_grpc_cancel", kept(1)),
      ],
      proxy_on_grpc_receive: [],
      proxy_on_grpc_close: [],
    },
  },
  {
    name: "a stream to a service that is not there",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_grpc_stream", "dead", "s.Service", "Method", ""),
        keep(0, param(0)),
        returns(1),
      ],
      proxy_on_grpc_receive_trailing_metadata: [],
      proxy_on_grpc_close: [
        call("proxy_set_effective_context", kept(0)),
        call("proxy_send_local_response", 200, "", "", "", -1),
      ],
    },
  },
];
