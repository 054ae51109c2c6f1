import { listenForAmqp } from "./amqp-endpoint.ts";
import { Hub, type HubOptions } from "./hub.ts";

export type { Hub } from "./hub.ts";

/** What to start, and where events are kept. */
export interface EventHubsOptions {
  /** A free port when 0 or absent. */
  port?: number;
  /** Hubs by name; one hub `alerts` with four partitions when absent. Names are case-insensitive. */
  hubs?: Record<string, HubOptions>;
  /** Where events are kept over a restart; in memory only when absent. */
  directory?: string;
  /** The clock of enqueued times. */
  now?: () => Date;
}

/** An Event Hubs namespace on loopback for the unchanged `@azure/event-hubs` client. */
export interface EventHubsStandIn {
  /** Without a hub's name: give that to the client beside it. */
  connectionString: string;
  port: number;
  /** A hub without AMQP between. Throws an Error on an unknown name. */
  hub(name: string): Hub;
  faults: {
    /** Refuses the next sends, each delivery counting as one, as a busy server does. */
    refuseSends(count: number): void;
    /** Closes every connection as the service does when it moves a client elsewhere. */
    closeConnections(): void;
    /** Tears every connection down without a word. */
    cutConnections(): void;
  };
  /** Cuts all connections, frees the port and closes the files. */
  close(): Promise<void>;
}

/**
 * Starts the stand-in. There is no TLS and every key is good. Nothing expires, idempotent producers and Kafka are
 * not served. Rejects when the port is taken or a kept event is unreadable.
 */
export async function startEventHubs(options: EventHubsOptions = {}): Promise<EventHubsStandIn> {
  const {
    port = 0,
    hubs: layout = { alerts: { partitions: 4 } },
    directory,
    now = () => new Date(),
  } = options;
  const hubs = new Map(
    Object.entries(layout).map(([name, hub]) => [name.toLowerCase(), new Hub(name, hub, now, directory)]),
  );
  let refusals = 0;
  const isBusy = () => {
    if (refusals === 0) return false;
    refusals -= 1;
    return true;
  };
  const endpoint = await listenForAmqp({ port, hubs: (name) => hubs.get(name.toLowerCase()), isBusy, now });
  return {
    connectionString: `Endpoint=sb://127.0.0.1:${endpoint.port};SharedAccessKeyName=local;SharedAccessKey=local;UseDevelopmentEmulator=true;`,
    port: endpoint.port,
    hub(name) {
      const hub = hubs.get(name.toLowerCase());
      if (hub === undefined)
        throw new Error(`There is no event hub ${name}; known are ${[...hubs.keys()].join(", ")}.`);
      return hub;
    },
    faults: {
      refuseSends(count) {
        refusals = count;
      },
      closeConnections: endpoint.closeConnections,
      cutConnections: endpoint.cutConnections,
    },
    async close() {
      await endpoint.close();
      for (const hub of hubs.values()) hub.close();
    },
  };
}
