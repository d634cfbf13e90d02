// abi/wasi.ts: the WASI preview 1 functions that a guest may import, and what each answers.
// pure: no I/O, no clock, no runtime globals
/**
 * Guests get standard output and error (as log lines), environment, clocks and random bytes. Everything
 * else is answered with the error number that lets the usual run times go on. Each row exists in both
 * modules, `wasi_snapshot_preview1` and `wasi_unstable`.
 *
 * @see https://github.com/WebAssembly/WASI/blob/wasi-0.1/preview1/docs.md
 * @see Envoy: proxy-wasm-cpp-host src/exports.cc
 * @module
 */
import { Errno } from "./enums.ts";
import type { ValueType } from "./hostcalls.ts";

export const WASI_MODULES: readonly string[] = ["wasi_snapshot_preview1", "wasi_unstable"];

/**
 * - `constant`: always this number.
 * - `stdio`: this number for file descriptors 1 and 2, BadFileDescriptor for others.
 * - `computed`: `host/wasm/wasi.ts` has a function for it.
 */
export type WasiAnswer =
  | { readonly kind: "constant"; readonly errno: Errno }
  | { readonly kind: "stdio"; readonly errno: Errno }
  | { readonly kind: "computed" };

export interface WasiRow {
  readonly name: string;
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
  readonly answer: WasiAnswer;
  /** Parameters that are set to 0 (`u32`) before the answer. */
  readonly zeroed?: readonly number[];
}

const COMPUTED: WasiAnswer = { kind: "computed" };

function constant(errno: Errno): WasiAnswer {
  return { kind: "constant", errno };
}

function stdio(errno: Errno): WasiAnswer {
  return { kind: "stdio", errno };
}

/** `"iiIi"`: `i` is an i32, `I` an i64. */
function row(name: string, params: string, answer: WasiAnswer, zeroed?: readonly number[]): WasiRow {
  const types = Array.from(params, (letter): ValueType => letter === "I" ? "i64" : "i32");
  const results: ValueType[] = name === "proc_exit" ? [] : ["i32"];
  return zeroed === undefined
    ? { name, params: types, results, answer }
    : { name, params: types, results, answer, zeroed };
}

const SUCCESS = Errno.Success;
const NO_SYSCALL = Errno.NotSupportedSyscall;
const NOT_SUPPORTED = Errno.NotSupported;

export const WASI_FUNCTIONS: readonly WasiRow[] = [
  row("args_get", "ii", COMPUTED),
  row("args_sizes_get", "ii", COMPUTED),
  row("clock_res_get", "ii", COMPUTED),
  row("clock_time_get", "iIi", COMPUTED),
  row("environ_get", "ii", COMPUTED),
  row("environ_sizes_get", "ii", COMPUTED),
  row("fd_advise", "iIIi", constant(SUCCESS)),
  row("fd_allocate", "iII", stdio(SUCCESS)),
  row("fd_close", "i", constant(SUCCESS)),
  row("fd_datasync", "i", stdio(SUCCESS)),
  row("fd_fdstat_get", "ii", COMPUTED),
  row("fd_fdstat_set_flags", "ii", constant(NO_SYSCALL)),
  row("fd_fdstat_set_rights", "iII", stdio(SUCCESS)),
  row("fd_filestat_get", "ii", constant(Errno.BadFileDescriptor)),
  row("fd_filestat_set_size", "iI", stdio(SUCCESS)),
  row("fd_filestat_set_times", "iIIi", stdio(SUCCESS)),
  row("fd_pread", "iiiIi", constant(NO_SYSCALL)),
  row("fd_prestat_dir_name", "iii", constant(NO_SYSCALL)),
  row("fd_prestat_get", "ii", constant(Errno.BadFileDescriptor)),
  row("fd_pwrite", "iiiIi", COMPUTED),
  row("fd_read", "iiii", constant(NO_SYSCALL)),
  row("fd_readdir", "iiiIi", constant(Errno.NotDirectory), [4]),
  row("fd_renumber", "ii", COMPUTED),
  row("fd_seek", "iIii", constant(SUCCESS)),
  row("fd_sync", "i", stdio(SUCCESS)),
  row("fd_tell", "ii", COMPUTED),
  row("fd_write", "iiii", COMPUTED),
  row("path_create_directory", "iii", constant(NOT_SUPPORTED)),
  row("path_filestat_get", "iiiii", constant(NOT_SUPPORTED)),
  row("path_filestat_set_times", "iiiiIIi", constant(NOT_SUPPORTED)),
  row("path_link", "iiiiiii", constant(NOT_SUPPORTED)),
  row("path_open", "iiiiiIIii", constant(Errno.NoEntry)),
  row("path_readlink", "iiiiii", constant(NOT_SUPPORTED), [5]),
  row("path_remove_directory", "iii", constant(NOT_SUPPORTED)),
  row("path_rename", "iiiiii", constant(NOT_SUPPORTED)),
  row("path_symlink", "iiiii", constant(NOT_SUPPORTED)),
  row("path_unlink_file", "iii", constant(NOT_SUPPORTED)),
  row("poll_oneoff", "iiii", COMPUTED),
  row("proc_exit", "i", COMPUTED),
  row("random_get", "ii", COMPUTED),
  row("sched_yield", "", constant(SUCCESS)),
  row("sock_accept", "iii", constant(NOT_SUPPORTED), [2]),
  row("sock_recv", "iiiiii", constant(NOT_SUPPORTED), [4, 5]),
  row("sock_send", "iiiii", constant(NOT_SUPPORTED), [4]),
  row("sock_shutdown", "ii", constant(NOT_SUPPORTED)),
];
