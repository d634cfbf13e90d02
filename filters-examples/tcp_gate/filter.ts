// filters-examples/tcp_gate/filter.ts: lets connections in that begin with a password.
export * from "nuncio/sdk/entry/tcp";
import {
  Body,
  clientAddress,
  Config,
  Counter,
  Gauge,
  Json,
  log,
  NetworkFilterOf,
  PeerType,
  registerNetworkFilterWithRoot,
  RootContext,
  StreamStatus,
} from "nuncio/sdk";

/** The plugin: what the first bytes must be. */
class GateRoot extends RootContext {
  magic: string = "";
  magicSize: u32 = 0;
  readonly open: Gauge = new Gauge("tcp_gate.open");
  readonly rejected: Counter = new Counter("tcp_gate.rejected");
  readonly receivedBytes: Counter = new Counter("tcp_gate.received_bytes");
  readonly sentBytes: Counter = new Counter("tcp_gate.sent_bytes");

  onConfigure(config: Config): bool {
    const json = config.json();
    if (json === null) return this.refuse("tcp_gate: " + Json.error);
    json.onlyKeys(["magic"]);
    this.magic = json.get("magic").string();
    this.magicSize = String.UTF8.byteLength(this.magic);
    if (Json.error.length != 0) return this.refuse("tcp_gate: " + Json.error);
    return this.magicSize != 0 || this.refuse("tcp_gate: magic: must not be empty");
  }
}

/** One per connection. */
class Gate extends NetworkFilterOf<GateRoot> {
  private admitted: bool = false;

  onNewConnection(): StreamStatus {
    this.root.open.add(1);
    return StreamStatus.Continue;
  }

  onDownstreamData(data: Body, endOfStream: bool): StreamStatus {
    const root = this.root;
    if (!this.admitted) {
      // Bytes may come one by one: what is held back here comes again together with the next ones.
      if (data.length < root.magicSize && !endOfStream) return StreamStatus.StopIteration;
      if (data.text(0, root.magicSize) != root.magic) return this.reject();
      this.admitted = true;
      data.drain(root.magicSize); // The upstream does not see it.
    }
    root.receivedBytes.add(data.length);
    return StreamStatus.Continue;
  }

  onUpstreamData(data: Body, endOfStream: bool): StreamStatus {
    this.root.sentBytes.add(data.length);
    return StreamStatus.Continue;
  }

  onDownstreamClose(peer: PeerType): void {
    this.root.open.add(-1);
  }

  private reject(): StreamStatus {
    this.root.rejected.add();
    log.warn("tcp_gate: rejected a connection from " + clientAddress());
    this.closeDownstream();
    return StreamStatus.StopIteration;
  }
}

registerNetworkFilterWithRoot<Gate, GateRoot>("tcp_gate");
