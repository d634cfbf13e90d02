// host/extensions/filters/network/echo/filter.ts: sends back what it gets.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/extensions/filters/network/echo/echo.cc
 * @module
 */
import type { Connection, ConnectionHandler } from "../../../../net/connection_port.ts";
import type { TerminalFilterFactory } from "../../../../net/network_chain.ts";
import type { StreamInfo } from "../../../../observe/stream_info.ts";

/** The terminal filter of a chain; the chain is given `halfClose: true`, so that the last bytes get back. */
export function createEcho(): TerminalFilterFactory {
  return (connection, context) => {
    connection.enableHalfClose(true);
    connection.setHandler(new Echo(connection, context.info));
  };
}

class Echo implements ConnectionHandler {
  readonly #connection: Connection;
  readonly #info: StreamInfo;

  constructor(connection: Connection, info: StreamInfo) {
    this.#connection = connection;
    this.#info = info;
  }

  onData(bytes: Uint8Array): void {
    this.#info.bytesReceived += bytes.length;
    this.#info.bytesSent += bytes.length;
    this.#connection.write(bytes);
  }

  onEnd(): void {
    this.#connection.end();
  }

  onClose(): void {}

  /** A client that does not read its echo is not read either. */
  onAboveWriteBufferHighWatermark(): void {
    this.#connection.readDisable(true);
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#connection.readDisable(false);
  }
}
