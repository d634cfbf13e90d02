// test/conformance/hostcalls/cases/allocators.ts: the exports that give the host memory for its answers.
import type { Case } from "../play.ts";
import { call, kept, show } from "../steps.ts";

const asks = [
  call("proxy_get_property", "request\0path"),
  // Nothing is no reason to ask for memory.
  call("proxy_get_property", "request\0headers\0absent"),
  call("proxy_get_buffer_bytes", 0, 0, 100),
];

export const CASES: readonly Case[] = [
  {
    name: "malloc alone",
    allocators: ["malloc"],
    callbacks: { proxy_on_request_headers: [...asks, show("calls", kept(16))] },
  },
  {
    name: "proxy_on_memory_allocate alone",
    allocators: ["proxy_on_memory_allocate"],
    callbacks: { proxy_on_request_headers: [...asks, show("calls", kept(16))] },
  },
  {
    name: "both",
    allocators: ["malloc", "proxy_on_memory_allocate"],
    callbacks: {
      proxy_on_request_headers: [...asks, show("malloc", kept(16)), show("proxy_on_memory_allocate", kept(17))],
    },
  },
  {
    name: "one that has nothing left",
    allocators: [],
    fields: '(func (export "malloc") (param i32) (result i32) (i32.const 0))',
    callbacks: { proxy_on_request_headers: asks },
  },
  {
    name: "one that gives what is not there",
    allocators: [],
    fields: '(func (export "malloc") (param i32) (result i32) (i32.const 0x7fff0000))',
    callbacks: { proxy_on_request_headers: asks },
  },
  {
    name: "one that traps",
    allocators: [],
    fields: '(func (export "malloc") (param i32) (result i32) (unreachable))',
    callbacks: { proxy_on_request_headers: asks, proxy_on_log: [] },
  },
  {
    name: "one that logs",
    allocators: [],
    fields: `(func (export "malloc") (param i32) (result i32)
      (drop (call $proxy_log (i32.const 1) (i32.const 0x400) (i32.const 4)))
      (i32.const 0x11000))`,
    callbacks: { proxy_on_request_headers: asks },
  },
];
