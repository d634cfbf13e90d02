// host/admin/admin.ts: the admin port: router, guards, answers.
/**
 * Control plane only: it runs on the main thread and on `node:http`, which the data plane never does.
 *
 * @see Envoy: source/server/admin/admin.cc
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "../observe/log.ts";
import type { Counter, Gauge } from "../observe/stats.ts";
import { type AdminCommand, type AdminResponse, text } from "./command.ts";
import { COMMANDS, notFound } from "./commands.ts";
import { refusal } from "./guard.ts";
import { parseQuery } from "./query.ts";
import type { AdminView } from "./view.ts";

export interface AdminOptions {
  readonly view: AdminView;
  readonly logger: Logger;
  /** More host names that requests may use; see guard.ts. */
  readonly allowedHosts?: readonly string[];
}

/** Where the admin port listens: an address and a port (0 for any), or a unix socket. */
export type AdminAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** The largest form that is read. */
const BODY_LIMIT_BYTES = 64 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;

/** Counts as an HTTP connection manager with the prefix `admin` would. */
class AdminStats {
  readonly cxTotal: Counter;
  readonly cxActive: Gauge;
  readonly rqTotal: Counter;
  readonly rqActive: Gauge;
  readonly rqByClass: readonly Counter[];

  constructor(view: AdminView) {
    const scope = view.stats.scope("http.admin");
    this.cxTotal = scope.counter("downstream_cx_total");
    this.cxActive = scope.gauge("downstream_cx_active");
    this.rqTotal = scope.counter("downstream_rq_total");
    this.rqActive = scope.gauge("downstream_rq_active");
    this.rqByClass = [1, 2, 3, 4, 5].map((digit) => scope.counter(`downstream_rq_${digit}xx`));
  }
}

export class AdminServer {
  readonly #view: AdminView;
  readonly #logger: Logger;
  readonly #stats: AdminStats;
  readonly #allowedHosts: readonly string[];
  readonly #server: Server;

  constructor(options: AdminOptions) {
    this.#view = options.view;
    this.#logger = options.logger;
    this.#stats = new AdminStats(options.view);
    this.#allowedHosts = options.allowedHosts ?? [];
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.requestTimeout = REQUEST_TIMEOUT_MS;
    this.#server.on("connection", (socket) => {
      this.#stats.cxTotal.inc();
      this.#stats.cxActive.inc();
      socket.once("close", () => this.#stats.cxActive.dec());
    });
  }

  /** Listens; the text of the bound address, or why there is none. */
  listen(
    address: AdminAddress,
  ): Promise<{ readonly ok: true; readonly address: string } | { readonly ok: false; readonly message: string }> {
    const where = "path" in address ? address.path : `${address.host}:${address.port}`;
    return new Promise((resolve) => {
      const onError = (error: Error & { code?: string }): void => {
        const reason = error.code === "EADDRINUSE"
          ? "the address is in use"
          : error.code === "EACCES"
          ? "permission denied"
          : error.message;
        resolve({ ok: false, message: `cannot listen on ${where}: ${reason}` });
      };
      this.#server.once("error", onError);
      this.#server.listen(address, () => {
        this.#server.off("error", onError);
        this.#server.on("error", (error) => this.#logger.error("admin port failed", { err: error }));
        const bound = this.#server.address() as AddressInfo | string;
        resolve({ ok: true, address: typeof bound === "string" ? bound : addressText(bound) });
      });
    });
  }

  /** Stops listening and ends all connections. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#stats.rqTotal.inc();
    this.#stats.rqActive.inc();
    response.once("close", () => this.#stats.rqActive.dec());
    const answer = await this.#answer(request);
    this.#stats.rqByClass[Math.floor(answer.status / 100) - 1]!.inc();
    response.writeHead(answer.status, {
      "content-type": answer.contentType,
      "cache-control": "no-cache, max-age=0",
      "x-content-type-options": "nosniff",
      "server": "envoy",
    });
    response.end(answer.body, answer.after);
  }

  async #answer(request: IncomingMessage): Promise<AdminResponse> {
    const { headers, socket } = request;
    const why = refusal(headers.host, headers.origin, socket.localAddress, { allowedHosts: this.#allowedHosts });
    if (why !== null) return text(`${why}\n`, 403);
    const [path, ...query] = (request.url ?? "/").split("?");
    const command = COMMANDS.find((each) => each.path === path);
    if (command === undefined) return notFound();
    const method = request.method ?? "GET";
    if (command.mutates && method !== "POST") return text(`Method ${method} not allowed, POST required.`, 405);
    const form = await readForm(request);
    if (form === null) return text("the form is larger than 64 KiB\n", 413);
    return await this.#run(command, method, query.join("?"), form);
  }

  async #run(command: AdminCommand, method: string, query: string, form: string): Promise<AdminResponse> {
    try {
      const answer = await command.handle({ method, query: parseQuery(query, form) }, this.#view);
      if (command.mutates) this.#logger.info("admin command", { path: command.path, query, status: answer.status });
      return answer;
    } catch (error) {
      this.#logger.error("admin command failed", { path: command.path, err: error });
      return text("internal error; the log says more\n", 500);
    }
  }
}

/** A form in the body of a POST; empty when there is none, null when it is too large. */
async function readForm(request: IncomingMessage): Promise<string | null> {
  const isForm = request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded") === true;
  if (request.method !== "POST" || !isForm) {
    request.resume();
    return "";
  }
  let body = "";
  try {
    for await (const chunk of request.setEncoding("latin1")) {
      body += chunk as string;
      if (body.length > BODY_LIMIT_BYTES) return null;
    }
  } catch {
    // The client went away: nobody will see the answer.
    return "";
  }
  // Forms write spaces as "+", query strings here do not.
  return body.replaceAll("+", "%20");
}

function addressText({ address, port, family }: AddressInfo): string {
  return family === "IPv6" ? `[${address}]:${port}` : `${address}:${port}`;
}
