// test/conformance/hostcalls/cases/proxy_grpc_call.ts: gRPC calls.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call, into } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "services that there are not",
    versions: versionsOf("proxy_grpc_call"),
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_grpc_call", "absent", "s.Service", "Method", "", "message", 1000),
      ],
    },
  },
  {
    name: "a service without a name",
    callbacks: { proxy_on_request_headers: [call("proxy_grpc_call", "", "s.Service", "Method", "", "message", 1000)] },
  },
  {
    name: "pointers outside of memory",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_grpc_call", at(BAD, 1), "s.Service", "Method", "", "message", 1000),
        call("proxy_grpc_call", "u", at(BAD, 1), "Method", "", "message", 1000),
        call("proxy_grpc_call", "u", "s.Service", at(BAD, 1), "", "message", 1000),
        call("proxy_grpc_call", "u", "s.Service", "Method", at(BAD, 1), "message", 1000),
        call("proxy_grpc_call", "u", "s.Service", "Method", "", at(BAD, 1), 1000),
        into(call("proxy_grpc_call", "u", "s.Service", "Method", "", "message", 1000), BAD),
      ],
    },
  },
];
