// host/admin/command.ts: what an admin endpoint is: a row with a handler.
/**
 * The rows make the router, the method guard, `/help` and the index page.
 *
 * @see Envoy: source/server/admin/admin.h
 * @module
 */
import type { AdminView } from "./view.ts";

export const TEXT = "text/plain; charset=UTF-8";
export const JSON_TYPE = "application/json";
export const HTML = "text/html; charset=UTF-8";

/** Query parameters, and those of a form in the body. */
export class AdminQuery {
  readonly #values: ReadonlyMap<string, string>;

  constructor(values: ReadonlyMap<string, string>) {
    this.#values = values;
  }

  get(name: string): string | null {
    return this.#values.get(name) ?? null;
  }

  /** True when the parameter is there, whatever its value. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  get entries(): readonly (readonly [string, string])[] {
    return [...this.#values];
  }
}

export interface AdminRequest {
  readonly method: string;
  readonly query: AdminQuery;
}

export interface AdminResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** Runs once the answer is on its way. */
  readonly after?: () => void;
}

export interface AdminParameter {
  readonly name: string;
  readonly help: string;
  /** A check box, a text, or one of these values. */
  readonly kind: "flag" | "text" | readonly string[];
}

export interface AdminCommand {
  readonly path: string;
  readonly help: string;
  /** Changes something: POST only. */
  readonly mutates: boolean;
  readonly parameters: readonly AdminParameter[];
  handle(request: AdminRequest, view: AdminView): AdminResponse | Promise<AdminResponse>;
}

export function text(body: string, status = 200): AdminResponse {
  return { status, contentType: TEXT, body };
}

/** JSON as Envoy prints messages: one space of indentation, a newline at the end. */
export function json(value: unknown, status = 200): AdminResponse {
  return { status, contentType: JSON_TYPE, body: JSON.stringify(value, null, 1) + "\n" };
}
