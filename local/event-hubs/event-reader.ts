import type { AmqpError, Sender } from "rhea";
import type { Hub } from "./hub.ts";
import { newestEventAnnotations } from "./outgoing-message.ts";
import type { LoggedEvent, PartitionLog } from "./partition-log.ts";

/** The message format that says that the bytes are one AMQP message; without it rhea would encode them. */
const plainMessage = 0;

/** What a consumer asked for when it opened its link. */
export interface ReaderRequest {
  hub: Hub;
  log: PartitionLog;
  group: string;
  partition: string;
  /** Sequence number of the first event to send. */
  from: number;
  /** The owner level; a reader without one shares the partition. */
  ownerLevel: number | undefined;
  /** Whether each event tells the newest one of the partition too. */
  runtimeMetric: boolean;
  now: () => Date;
}

/** Sends the events of one partition down one link, as far as the link's credit goes. */
export class EventReader {
  readonly sender: Sender;
  readonly request: ReaderRequest;
  private next: number;
  private sent = 0;
  private unsubscribe: (() => void) | undefined;

  constructor(sender: Sender, request: ReaderRequest) {
    this.sender = sender;
    this.request = request;
    this.next = request.from;
  }

  /** Sends what is there and goes on with each new event and each new credit. */
  start(): void {
    this.sender.on("sendable", () => this.pump());
    this.unsubscribe = this.request.hub.onAppend((partition) => {
      if (partition === this.request.partition) this.pump();
    });
    this.pump();
  }

  /** Sends nothing more. */
  stop(): void {
    this.unsubscribe?.();
    this.unsubscribe = undefined;
  }

  /** Stops, and closes the link with the reason. */
  end(error: AmqpError): void {
    this.stop();
    this.sender.close(error);
  }

  private pump(): void {
    while (this.unsubscribe !== undefined && this.budget() > 0 && this.sender.sendable()) {
      const [logged] = this.request.log.read(this.next, 1);
      if (logged === undefined) return;
      this.next += 1;
      this.sent += 1;
      this.sender.send(this.outgoing(logged), undefined, plainMessage);
    }
  }

  /** rhea takes a delivery off the credit only when it writes it, later: those under way are subtracted here. */
  private budget(): number {
    const underWay = Math.max(0, this.sent - counter(this.sender, "delivery_count"));
    return counter(this.sender, "credit") - underWay;
  }

  private outgoing({ event, wire }: LoggedEvent): Buffer {
    if (!this.request.runtimeMetric) return wire;
    return Buffer.concat([newestEventAnnotations(this.request.log.last ?? event, this.request.now()), wire]);
  }
}

/** rhea keeps these two numbers on the link, but its types do not tell of them. */
function counter(sender: Sender, name: "credit" | "delivery_count"): number {
  const value: unknown = Reflect.get(sender, name);
  return typeof value === "number" ? value : 0;
}
