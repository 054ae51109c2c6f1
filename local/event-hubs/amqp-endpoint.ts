import type { AddressInfo } from "node:net";
import { type Server, Socket } from "node:net";
import type { Connection, Container, EventContext } from "rhea";
import rhea from "rhea";
import { answerPutToken } from "./cbs-node.ts";
import { maxMessageSize, takeDelivery } from "./event-intake.ts";
import type { Hub } from "./hub.ts";
import { answerRead } from "./management-node.ts";
import { openReader } from "./open-reader.ts";
import { ReaderRegistry } from "./reader-registry.ts";
import { sendReply } from "./request-reply.ts";
import { serviceError } from "./service-error.ts";

/** What the endpoint serves, and how it may be made to fail. */
export interface EndpointOptions {
  port: number;
  hubs: (name: string) => Hub | undefined;
  /** Asked once for each send; true refuses it as server-busy. */
  isBusy: () => boolean;
  now: () => Date;
}

/** The listening socket and the connections on it. */
export interface AmqpEndpoint {
  port: number;
  /** Closes every connection in the way the service does when it moves a client elsewhere. */
  closeConnections(): void;
  /** Tears every connection down without a word, as a lost network does. */
  cutConnections(): void;
  close(): Promise<void>;
}

const cbs = "$cbs";
const management = "$management";

/** Listens for AMQP on loopback without TLS, and lets everybody in. Rejects when the port is taken. */
export async function listenForAmqp(options: EndpointOptions): Promise<AmqpEndpoint> {
  const container = rhea.create_container({ id: "event-hubs" });
  allowEverybody(container);
  const registry = new ReaderRegistry();
  const connections = new Set<Connection>();
  wireLinks(container, options, registry, connections);
  wireEndings(container, registry, connections);
  const server = container.listen({
    port: options.port,
    host: "127.0.0.1",
    // Without a limit on the link the client's batches have none either.
    receiver_options: { autoaccept: false, max_message_size: maxMessageSize },
  });
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const cutConnections = () => {
    // An error, because rhea learns of the end from `end` and `error` only, and would keep its timers.
    for (const socket of sockets) socket.destroy(new Error("connection cut"));
  };
  return {
    port: await portOf(server),
    closeConnections() {
      for (const connection of connections) {
        connections.delete(connection);
        registry.drop((reader) => reader.sender.connection === connection);
        connection.close(serviceError.forced());
      }
    },
    cutConnections,
    close() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      cutConnections();
      return closed;
    },
  };
}

function wireLinks(
  container: Container,
  options: EndpointOptions,
  registry: ReaderRegistry,
  connections: Set<Connection>,
): void {
  const { hubs } = options;
  container.on("sender_open", ({ sender }: EventContext) => {
    const address = sender?.source?.address ?? "";
    if (sender === undefined) return;
    sender.set_source({ address });
    if (address !== cbs && address !== management) openReader(sender, hubs, registry, options.now);
  });
  container.on("receiver_open", ({ receiver }: EventContext) => {
    receiver?.set_target({ address: receiver.target?.address ?? "" });
  });
  container.on("message", (context: EventContext) => {
    // What arrives on a connection that is being closed is lost, as if it had been under way.
    if (!connections.has(context.connection)) return;
    const address = context.receiver?.target?.address;
    if (address === cbs || address === management) {
      context.delivery?.accept();
      sendReply(context, address === cbs ? answerPutToken(context, hubs) : answerRead(context, hubs));
    } else if (options.isBusy()) {
      context.delivery?.reject(serviceError.serverBusy());
    } else {
      takeDelivery(context, hubs);
    }
  });
}

function wireEndings(container: Container, registry: ReaderRegistry, connections: Set<Connection>): void {
  container.on("connection_open", ({ connection }: EventContext) => {
    const socket: unknown = connection["socket"];
    if (!(socket instanceof Socket)) return;
    connections.add(connection);
    socket.once("close", () => {
      connections.delete(connection);
      registry.drop((reader) => reader.sender.connection === connection);
    });
  });
  container.on("session_close", ({ session }: EventContext) => {
    registry.drop((reader) => reader.sender.session === session);
  });
  // A client that leaves, in whatever way, is no fault of the server: without listeners rhea would print or throw.
  for (const ending of [
    "disconnected",
    "connection_error",
    "session_error",
    "sender_error",
    "receiver_error",
  ]) {
    container.on(ending, () => undefined);
  }
  // These two are raised for bytes that rhea cannot read; it then drops the connection.
  for (const fault of ["protocol_error", "error"]) {
    container.on(fault, (error: unknown) => console.warn("Event Hubs stand-in:", error));
  }
}

function allowEverybody(container: Container): void {
  const mechanisms: { enable_anonymous(): void; enable_plain(check: () => boolean): void } =
    container.sasl_server_mechanisms;
  mechanisms.enable_anonymous();
  mechanisms.enable_plain(() => true);
}

function portOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      const address: AddressInfo | string | null = server.address();
      if (typeof address === "object" && address !== null) resolve(address.port);
      else reject(new Error("The Event Hubs stand-in does not listen on a port."));
    });
  });
}
