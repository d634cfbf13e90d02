// test/support/grpc_peers.ts: a gRPC client and server by grpc-js, in a process of their own for both runtimes.
/**
 * Prints the server's port. Then each line of its input, `CASE PORT`, plays a case against that port and prints
 * what came of it as a line of JSON. Messages are bytes: no schema is needed.
 *
 * @module
 */
import * as grpc from "@grpc/grpc-js";
import process from "node:process";
import { createInterface } from "node:readline";

const bytes = (value: Buffer): Buffer => value;
const METHODS = [
  ["Say", false, false],
  ["Gather", true, false],
  ["Spread", false, true],
  ["Chat", true, true],
  ["Fail", false, false],
  ["Hang", false, true],
  ["Capped", false, true],
  ["Nowhere", false, false],
  ["Forbidden", false, false],
  ["Empty", false, false],
  ["Refused", false, false],
  ["Slow", false, false],
] as const;
const SERVICE: grpc.ServiceDefinition = Object.fromEntries(
  METHODS.map(([name, requestStream, responseStream]) => [name, {
    path: `/test.T/${name}`,
    requestStream,
    responseStream,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  }]),
);

type Call = { readonly metadata: grpc.Metadata };
/** Calls of `Hang` and `Capped` that the server was told are over. */
let cancelled = 0;
let onCancelled = (): void => {};

function metadataOf(call: Call): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const name of ["x-text", "x-data-bin"]) {
    for (const value of call.metadata.get(name)) metadata.add(name, value);
  }
  return metadata;
}

function hang(call: grpc.ServerWritableStream<Buffer, Buffer>): void {
  call.write(Buffer.from("begun"));
  call.on("cancelled", () => {
    cancelled++;
    onCancelled();
  });
}

const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
server.addService(SERVICE, {
  Say(call: grpc.ServerUnaryCall<Buffer, Buffer>, answer: grpc.sendUnaryData<Buffer>): void {
    const metadata = metadataOf(call);
    call.sendMetadata(metadata);
    answer(null, call.request, metadata);
  },
  Gather(call: grpc.ServerReadableStream<Buffer, Buffer>, answer: grpc.sendUnaryData<Buffer>): void {
    let total = 0;
    call.on("data", (message: Buffer) => total += message.length);
    call.on("end", () => answer(null, Buffer.from(String(total))));
  },
  Spread(call: grpc.ServerWritableStream<Buffer, Buffer>): void {
    const count = Number(call.request.toString());
    for (let i = 0; i < count; i++) call.write(Buffer.alloc(1000 + i, "x"));
    call.end(metadataOf(call));
  },
  Chat(call: grpc.ServerDuplexStream<Buffer, Buffer>): void {
    call.on("data", (message: Buffer) => call.write(Buffer.from(message.toString().toUpperCase())));
    call.on("end", () => call.end());
  },
  Fail(_call: unknown, answer: grpc.sendUnaryData<Buffer>): void {
    const metadata = new grpc.Metadata();
    metadata.set("x-why-bin", Buffer.from([0, 255, 128]));
    answer({ code: grpc.status.NOT_FOUND, details: "no such thing: ümlaut\n\t100%", metadata });
  },
  Hang: hang,
  Capped: hang,
  Slow(): void {},
});

type Client = grpc.Client & Record<string, (...args: unknown[]) => unknown>;
type Outcome = Record<string, unknown>;

function metadata(): grpc.Metadata {
  const fields = new grpc.Metadata();
  fields.add("x-text", "one");
  fields.add("x-data-bin", Buffer.from([0, 1, 254, 255]));
  return fields;
}

function shown(fields: grpc.Metadata): Outcome {
  return { text: fields.get("x-text"), data: fields.get("x-data-bin").map((each) => [...each as Buffer]) };
}

function unary(client: Client, method: string, message: Buffer, options: grpc.CallOptions = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const outcome: Outcome = {};
    const call = client[method]!(message, metadata(), options, (error: grpc.ServiceError | null, reply?: Buffer) => {
      if (error === null) {
        outcome["length"] = reply!.length;
        outcome["same"] = reply!.equals(message);
      } else {
        outcome["code"] = error.code;
        outcome["details"] = error.details;
        const why = error.metadata.get("x-why-bin");
        if (why.length > 0) outcome["why"] = [...why[0] as Buffer];
      }
    }) as grpc.ClientUnaryCall;
    call.on("metadata", (fields: grpc.Metadata) => outcome["head"] = shown(fields));
    call.on("status", (status: grpc.StatusObject) => {
      outcome["trailers"] = shown(status.metadata);
      setImmediate(() => resolve(outcome));
    });
  });
}

/** Reads a stream to its end; `each` is called with every message. */
function readAll(
  call: grpc.ClientReadableStream<Buffer>,
  each: (message: Buffer, count: number) => void,
): Promise<Outcome> {
  return new Promise((resolve) => {
    let count = 0;
    let length = 0;
    call.on("data", (message: Buffer) => {
      count++;
      length += message.length;
      each(message, count);
    });
    call.on("error", () => {});
    call.on("status", ({ code, details }: grpc.StatusObject) => resolve({ code, details, count, length }));
  });
}

/** Settles when the server was told that its call is over. */
function serverSawEnd(before: number): Promise<void> {
  return new Promise((resolve) => {
    onCancelled = () => cancelled > before && resolve();
    onCancelled();
  });
}

const CASES: Readonly<Record<string, (client: Client) => Promise<Outcome>>> = {
  unary: (client) => unary(client, "Say", Buffer.from("hello")),
  empty: (client) => unary(client, "Say", Buffer.alloc(0)),
  large: (client) => unary(client, "Say", Buffer.alloc(5_000_000, "large")),
  gather: (client) =>
    new Promise((resolve) => {
      const call = client["Gather"]!((_error: unknown, reply: Buffer) =>
        resolve({ total: reply.toString() })
      ) as grpc.ClientWritableStream<Buffer>;
      for (let i = 0; i < 200; i++) call.write(Buffer.alloc(i * 50));
      call.end();
    }),
  spread: (client) => readAll(client["Spread"]!(Buffer.from("200")) as grpc.ClientReadableStream<Buffer>, () => {}),
  async chat(client) {
    const call = client["Chat"]!() as grpc.ClientDuplexStream<Buffer, Buffer>;
    const words: string[] = [];
    call.write(Buffer.from("word 1"));
    const outcome = await readAll(call, (message, count) => {
      words.push(message.toString());
      // Each answer comes before the next question.
      if (count < 5) call.write(Buffer.from(`word ${count + 1}`));
      else call.end();
    });
    return { ...outcome, words };
  },
  fail: (client) => unary(client, "Fail", Buffer.from("x")),
  async deadline(client) {
    const before = cancelled;
    const call = client["Hang"]!(Buffer.from("x"), { deadline: Date.now() + 200 });
    const outcome = await readAll(call as grpc.ClientReadableStream<Buffer>, () => {});
    await serverSawEnd(before);
    return outcome;
  },
  async capped(client) {
    const before = cancelled;
    const call = client["Capped"]!(Buffer.from("x"), { deadline: Date.now() + 60_000 });
    const outcome = await readAll(call as grpc.ClientReadableStream<Buffer>, () => {});
    await serverSawEnd(before);
    return outcome;
  },
  async cancel(client) {
    const before = cancelled;
    const call = client["Hang"]!(Buffer.from("x")) as grpc.ClientReadableStream<Buffer>;
    const outcome = await readAll(call, () => call.cancel());
    await serverSawEnd(before);
    return outcome;
  },
  async crowd(client) {
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, i) => unary(client, "Say", Buffer.alloc(i * 100, "x"))),
    );
    return { same: all.filter((each) => each["same"] === true).length };
  },
  nowhere: (client) => unary(client, "Nowhere", Buffer.from("x")),
  forbidden: (client) => unary(client, "Forbidden", Buffer.from("x")),
  noHost: (client) => unary(client, "Empty", Buffer.from("x")),
  refused: (client) => unary(client, "Refused", Buffer.from("x")),
  slow: (client) => unary(client, "Slow", Buffer.from("x")),
};

const Constructor = grpc.makeGenericClientConstructor(SERVICE, "T");
const options = { "grpc.max_receive_message_length": -1, "grpc.enable_retries": 0 };

server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  console.log(port);
});
for await (const line of createInterface({ input: process.stdin })) {
  const [name, port] = line.split(" ") as [string, string];
  const client = new Constructor(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), options) as unknown as Client;
  console.log(JSON.stringify(await CASES[name]!(client)));
  client.close();
}
process.exit();
