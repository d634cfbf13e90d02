// test/conformance/hostcalls/cases/proxy_grpc_stream.ts: gRPC streams.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call, into } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    name: "services that there are not",
    versions: versionsOf("proxy_grpc_stream"),
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_grpc_stream", "absent", "s.Service", "Method", ""),
      ],
    },
  },
  {
    name: "a service without a name",
    callbacks: { proxy_on_request_headers: [call("proxy_grpc_stream", "", "s.Service", "Method", "")] },
  },
  {
    name: "pointers outside of memory",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_grpc_stream", at(BAD, 1), "s.Service", "Method", ""),
        call("proxy_grpc_stream", "u", at(BAD, 1), "Method", ""),
        call("proxy_grpc_stream", "u", "s.Service", at(BAD, 1), ""),
        call("proxy_grpc_stream", "u", "s.Service", "Method", at(BAD, 1)),
        into(call("proxy_grpc_stream", "u", "s.Service", "Method", ""), BAD),
      ],
    },
  },
];
