// test/conformance/hostcalls/cases/proxy_grpc_send.ts: messages on gRPC streams.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    // Tokens of HTTP calls are multiples of 4, of gRPC calls one more, of gRPC streams two more.
    name: "tokens that nobody has",
    versions: versionsOf("proxy_grpc_send"),
    callbacks: {
      proxy_on_request_headers: [0, 1, 2, 3, 4, 5, 6, 7, -1].map((token) =>
        call("proxy_grpc_send", token, "message", 0)
      ),
    },
  },
  {
    name: "a message outside of memory",
    callbacks: { proxy_on_request_headers: [call("proxy_grpc_send", 6, at(BAD, 1), 0)] },
  },
];
