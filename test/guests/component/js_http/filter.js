// test/guests/component/js_http/filter.js: an HTTP filter in JavaScript.
import { log } from "nuncio:filter/logging@0.1.0";
import { send } from "nuncio:filter/callout@0.1.0";
import { resumeRequest } from "nuncio:filter/control@0.1.0";

let greeting = "";

export const plugin = {
  configure(config) {
    if (config === "refuse") throw "the configuration says so";
    greeting = config;
  },
  onTick() {},
  onQueue() {},
};

const edit = (name, value) => ({ tag: "set", val: { name, value } });
const go = (...edits) => ({ tag: "continue", val: edits });

class Stream {
  constructor(id) {
    this.id = id;
    this.test = "";
  }

  onRequestHeaders(headers) {
    this.test = headers.find((it) => it.name === "x-test")?.value ?? "";
    switch (this.test) {
      case "reply":
        return {
          tag: "respond",
          val: {
            status: 418,
            headers: [{ name: "x-why", value: "\u00e9" }],
            body: Uint8Array.from("no tea", (it) => it.charCodeAt(0)),
            details: "a teapot",
            grpcStatus: undefined,
          },
        };
      case "callout":
        send({
          cluster: "auth",
          headers: [
            { name: ":method", value: "GET" },
            { name: ":path", value: "/check" },
            { name: ":authority", value: "auth" },
          ],
          body: new Uint8Array(0),
          timeoutMs: 500,
        });
        return { tag: "pause" };
      case "trap":
        throw new Error("asked to");
      default:
        return go(edit("x-greeting", greeting), edit("x-count", String(headers.length)));
    }
  }

  onRequestBody(chunk) {
    return this.body(chunk);
  }

  onRequestTrailers() {
    return go();
  }

  onResponseHeaders() {
    return go(edit("x-response", "seen"), { tag: "remove", val: "content-length" });
  }

  onResponseBody(chunk) {
    return this.body(chunk);
  }

  onResponseTrailers() {
    return go();
  }

  body(chunk) {
    if (this.test !== "upper") return { tag: "continue" };
    return { tag: "replace", val: chunk.map((it) => it >= 97 && it <= 122 ? it - 32 : it) };
  }

  onCallout(_token, outcome) {
    const status = outcome.tag === "ok"
      ? outcome.val.headers.find((it) => it.name === ":status").value
      : outcome.val.tag;
    resumeRequest(this.id, [edit("x-callout", status)]);
  }

  onLog() {
    log("info", `stream over: ${this.test}`);
  }
}

export const http = {
  Stream,
  interests: () => ({
    requestHeaders: true,
    requestBody: true,
    requestTrailers: false,
    responseHeaders: true,
    responseBody: true,
    responseTrailers: false,
    log: true,
  }),
};
