// host/admin/redact.ts: a second lock on secrets in what /config_dump shows.
// pure: no I/O, no clock, no runtime globals
/**
 * Who writes messages as JSON redacts by the `udpa.annotations.sensitive` option. That does not reach what
 * has no descriptor (a Struct, an opaque Any), so names that always hold secrets are covered here again.
 *
 * @module
 */
import { isObject } from "./config_sections.ts";
import type { Json } from "./view.ts";

const REDACTED = "[redacted]";
const SECRET_FIELDS = new Set([
  "private_key",
  "password",
  "pkcs12",
  "session_ticket_keys",
  "generic_secret",
  "auth_password",
  "auth_username",
  "downstream_auth_password",
  "downstream_auth_passwords",
  "downstream_auth_username",
  "backend_token",
  "secret_access_key",
  "session_token",
  // Environment variables of wasm filters, in which secrets usually come.
  "key_values",
]);

/** A copy without secrets. */
export function redacted(value: Json, secret = false): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => redacted(item, secret));
  if (!isObject(value)) return secret && typeof value === "string" && value !== "" ? REDACTED : value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, redacted(field, secret || SECRET_FIELDS.has(name))]),
  );
}
