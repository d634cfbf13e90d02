// test/conformance/hostcalls/cases/proxy_call_foreign_function.ts: functions beyond the ABI.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call, into } from "../steps.ts";

const foreign = (name: string, args = "") => call("proxy_call_foreign_function", name, args);

export const CASES: readonly Case[] = [
  {
    name: "a function that there is not",
    versions: versionsOf("proxy_call_foreign_function"),
    callbacks: {
      proxy_on_configure: [foreign("absent"), foreign("")],
      proxy_on_request_headers: [foreign("absent", "with arguments")],
    },
  },
  {
    name: "clear_route_cache",
    callbacks: {
      proxy_on_configure: [foreign("clear_route_cache")],
      proxy_on_request_headers: [foreign("clear_route_cache")],
    },
  },
  {
    name: "no place for a result",
    callbacks: { proxy_on_request_headers: [into(foreign("clear_route_cache"), 0, 0)] },
  },
  {
    name: "pointers outside of memory",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_call_foreign_function", at(BAD, 1), ""),
        call("proxy_call_foreign_function", "clear_route_cache", at(BAD, 1)),
      ],
    },
  },
];
