// test/conformance/hostcalls/cases/wasi.ts: WASI preview 1: what run times of languages ask for.
import type { Case } from "../play.ts";
import { BAD, type CallStep, show, wasi, wat } from "../steps.ts";

const written = show("written", { wat: "(i32.load (i32.const 0x310))" });

/** Of the module that WASI's functions were in before. */
function unstable(step: CallStep): CallStep {
  return { ...step, module: "wasi_unstable" };
}

export const CASES: readonly Case[] = [
  {
    name: "output",
    callbacks: {
      proxy_on_request_headers: [
        // Two buffers, of which the second is a line.
        wat("(i32.store (i32.const 0x300) (i32.const 0x320)) (i32.store (i32.const 0x304) (i32.const 2))"),
        wat("(i32.store (i32.const 0x308) (i32.const 0x322)) (i32.store (i32.const 0x30c) (i32.const 3))"),
        wat("(i64.store (i32.const 0x320) (i64.const 0x0a6f6c6c65))"),
        ...[1, 2, 0, 3, -1].map((fd) => wasi("fd_write", fd, 0x300, 2, 0x310)),
        written,
        wasi("fd_write", 1, 0x300, 0, 0x310),
        written,
        wasi("fd_write", 1, BAD, 1, 0x310),
        wasi("fd_write", 1, 0x300, 1, BAD),
        wasi("fd_pwrite", 1, 0x300, 1, 7n, 0x310),
        wasi("fd_pwrite", 5, 0x300, 1, 7n, 0x310),
        unstable(wasi("fd_write", 1, 0x300, 2, 0x310)),
      ],
    },
  },
  {
    name: "descriptors",
    callbacks: {
      proxy_on_request_headers: [0, 1, 2, 3].flatMap((fd) => [
        wasi("fd_advise", fd, 0n, 0n, 0),
        wasi("fd_allocate", fd, 0n, 0n),
        wasi("fd_close", fd),
        wasi("fd_datasync", fd),
        wasi("fd_fdstat_get", fd, 0x300),
        wasi("fd_fdstat_set_flags", fd, 0),
        wasi("fd_fdstat_set_rights", fd, 0n, 0n),
        wasi("fd_filestat_get", fd, 0x300),
        wasi("fd_filestat_set_size", fd, 0n),
        wasi("fd_filestat_set_times", fd, 0n, 0n, 0),
        wasi("fd_pread", fd, 0x300, 0, 0n, 0x310),
        wasi("fd_prestat_dir_name", fd, 0x300, 8),
        wasi("fd_prestat_get", fd, 0x300),
        wasi("fd_read", fd, 0x300, 0, 0x310),
        wasi("fd_readdir", fd, 0x300, 8, 0n, 0x310),
        wasi("fd_renumber", fd, 1),
        wasi("fd_seek", fd, 0n, 0, 0x310),
        wasi("fd_sync", fd),
        wasi("fd_tell", fd, 0x310),
      ]),
    },
  },
  {
    name: "paths",
    callbacks: {
      proxy_on_request_headers: [
        wasi("path_open", 3, 0, 0x300, 4, 0, 0n, 0n, 0, 0x310),
        wasi("path_create_directory", 3, 0x300, 4),
        wasi("path_filestat_get", 3, 0, 0x300, 4, 0x310),
        wasi("path_filestat_set_times", 3, 0, 0x300, 4, 0n, 0n, 0),
        wasi("path_readlink", 3, 0x300, 4, 0x310, 8, 0x320),
        wasi("path_remove_directory", 3, 0x300, 4),
        wasi("path_rename", 3, 0x300, 4, 3, 0x308, 4),
        wasi("path_unlink_file", 3, 0x300, 4),
      ],
    },
  },
  {
    name: "sockets",
    callbacks: {
      proxy_on_request_headers: [
        wasi("sock_accept", 3, 0, 0x310),
        wasi("sock_recv", 3, 0x300, 0, 0, 0x310, 0x314),
        wasi("sock_send", 3, 0x300, 0, 0, 0x310),
        wasi("sock_shutdown", 3, 0),
      ],
    },
  },
  {
    name: "clocks",
    callbacks: {
      proxy_on_request_headers: [
        ...[0, 1, 2, 3, 4, -1].map((clock) => wasi("clock_time_get", clock, 0n, 0x310)),
        wasi("clock_time_get", 0, 0n, BAD),
        ...[0, 1, 2, 3].map((clock) => wasi("clock_res_get", clock, 0x310)),
        wasi("clock_res_get", 0, BAD),
      ],
    },
  },
  {
    name: "arguments, environment, randomness, waiting",
    vm: "environment_variables: { key_values: { KEY: value, OTHER: more } }",
    callbacks: {
      proxy_on_configure: [
        wasi("args_sizes_get", 0x310, 0x314),
        show("arguments", { wat: "(i32.load (i32.const 0x310))" }),
        wasi("args_get", 0x320, 0x330),
        wasi("environ_sizes_get", 0x310, 0x314),
        show("variables", { wat: "(i32.load (i32.const 0x310))" }),
        show("their bytes", { wat: "(i32.load (i32.const 0x314))" }),
        wasi("environ_get", 0x320, 0x330),
        wat(
          "(call $begin (i32.const 0x330) (i32.const 9)) (call $end) (call $begin (i32.const 0x33a) (i32.const 10)) (call $end)",
        ),
        wasi("random_get", 0x340, 16),
      ],
      proxy_on_request_headers: [
        wasi("random_get", 0x340, 0),
        wasi("random_get", 0x10000, 65536),
        wasi("random_get", 0x10000, 65537),
        wasi("random_get", BAD, 16),
        wasi("sched_yield"),
        wasi("poll_oneoff", 0x340, 0x360, 1, 0x310),
        written,
        wasi("environ_sizes_get", BAD, 0x314),
        wasi("environ_get", BAD, 0x330),
        wasi("args_sizes_get", BAD, 0x314),
      ],
    },
  },
];
