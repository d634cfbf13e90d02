// abi/foreign.ts: Envoy's foreign functions, with what they take and give.
// pure: no I/O, no clock, no runtime globals
/**
 * `proxy_call_foreign_function` reaches functions by name. Which of these a host has is the embedder's
 * choice; others can be added under any name.
 *
 * @see Envoy: source/extensions/common/wasm/foreign.cc
 * @module
 */
import { Status } from "./enums.ts";

export interface ForeignFunctionRow {
  readonly name: string;
  readonly takes: string;
  readonly gives: string;
  readonly statuses: readonly Status[];
}

const { Ok, NotFound, BadArgument, SerializationFailure, InternalFailure } = Status;

export const FOREIGN_FUNCTIONS: readonly ForeignFunctionRow[] = [
  { name: "compress", takes: "bytes", gives: "a zlib stream", statuses: [Ok, SerializationFailure] },
  { name: "uncompress", takes: "a zlib stream", gives: "bytes", statuses: [Ok, SerializationFailure] },
  {
    name: "declare_property",
    takes: "DeclarePropertyArguments: name 1, readonly 2, type 3, schema 4, span 5",
    gives: "nothing",
    statuses: [Ok, BadArgument],
  },
  {
    name: "set_envoy_filter_state",
    takes: "SetEnvoyFilterStateArguments: path 1, value 2, span 3",
    gives: "nothing",
    statuses: [Ok, NotFound, BadArgument],
  },
  { name: "clear_route_cache", takes: "nothing", gives: "nothing", statuses: [Ok] },
  {
    name: "verify_signature",
    takes: "VerifySignatureArguments: hash_function 1, public_key 2, signature 3, text 4, public_key_pem 5",
    gives: "VerifySignatureResult: result 1, error 2",
    statuses: [Ok, BadArgument],
  },
  {
    name: "sign",
    takes: "SignArguments: hash_function 1, private_key 2, text 3, private_key_pem 4",
    gives: "SignResult: result 1, signature 2, error 3",
    statuses: [Ok, BadArgument],
  },
  { name: "expr_create", takes: "a CEL expression", gives: "u32 token", statuses: [Ok, BadArgument] },
  {
    name: "expr_evaluate",
    takes: "u32 token",
    gives: "the value, encoded as a property",
    statuses: [Ok, NotFound, BadArgument, SerializationFailure, InternalFailure],
  },
  { name: "expr_delete", takes: "u32 token", gives: "nothing", statuses: [Ok, BadArgument] },
];
