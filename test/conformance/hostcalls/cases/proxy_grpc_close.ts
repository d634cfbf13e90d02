// test/conformance/hostcalls/cases/proxy_grpc_close.ts: closing gRPC streams.
import { type Case, versionsOf } from "../play.ts";
import { call } from "../steps.ts";

export const CASES: readonly Case[] = [
  {
    // Tokens of HTTP calls are multiples of 4, of gRPC calls one more, of gRPC streams two more.
    name: "tokens that nobody has",
    versions: versionsOf("proxy_grpc_close"),
    callbacks: {
      proxy_on_request_headers: [0, 1, 2, 3, 4, 5, 6, 7, -1].map((token) => call("proxy_grpc_close", token)),
    },
  },
];
