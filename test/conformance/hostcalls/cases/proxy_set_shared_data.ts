// test/conformance/hostcalls/cases/proxy_set_shared_data.ts: setting values that VMs share.
import { type Case, versionsOf } from "../play.ts";
import { at, BAD, call, masked, show, wat } from "../steps.ts";

const set = (key: string, value: string, cas: number) => call("proxy_set_shared_data", key, value, cas);
const get = (key: string) => masked(call("proxy_get_shared_data", key));

export const CASES: readonly Case[] = [
  {
    name: "compare and swap",
    versions: versionsOf("proxy_set_shared_data"),
    callbacks: {
      proxy_on_request_headers: [
        set("key", "one", 0),
        set("key", "two", 0x7fffffff),
        get("key"),
        wat("(local.set $status (i32.load (i32.const 0x110)))"),
        call("proxy_set_shared_data", "key", "three", { wat: "(local.get $status)" }),
        get("key"),
        set("absent", "one", 12345),
        get("absent"),
      ],
    },
  },
  {
    name: "numbers grow",
    callbacks: {
      proxy_on_request_headers: [
        set("key", "one", 0),
        get("key"),
        wat("(i32.store (i32.const 0x300) (i32.load (i32.const 0x110)))"),
        set("key", "two", 0),
        get("key"),
        show("larger", { wat: "(i32.gt_u (i32.load (i32.const 0x110)) (i32.load (i32.const 0x300)))" }),
      ],
    },
  },
  {
    name: "empty keys and values",
    callbacks: { proxy_on_request_headers: [set("", "one", 0), get(""), set("key", "", 0), get("key")] },
  },
  {
    name: "pointers outside of memory",
    callbacks: {
      proxy_on_request_headers: [
        call("proxy_set_shared_data", at(BAD, 1), "", 0),
        call("proxy_set_shared_data", "key", at(BAD, 1), 0),
      ],
    },
  },
];
