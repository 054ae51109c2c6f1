import type { ObjectIdentity } from "./kubernetes-objects.ts";
import type { Precondition } from "./kubernetes-port.ts";

/** A Service, as far as its way in from outside goes. */
export interface ExposedService extends ObjectIdentity {
  readonly type: string;
  /** Who may come in by the load balancer; null: nothing is written, which means everybody. */
  readonly sourceRanges: readonly string[] | null;
  /** Each port with what stands on the nodes for it: `443/TCP (node port 31443)`. */
  readonly ports: readonly string[];
  /** Addresses and names under which the load balancer is reached. */
  readonly addresses: readonly string[];
  readonly externalIps: readonly string[];
}

/** How services are read. */
export interface ServiceReader {
  service(namespace: string, name: string): Promise<ExposedService | null>;
}

/** How services are changed. */
export interface ServiceWriter {
  /** Sets who may come in (null: takes the field out), and sets (text) and removes (null) labels, in one conditional change. */
  admitSources(
    namespace: string,
    name: string,
    condition: Precondition,
    change: {
      readonly ranges: readonly string[] | null;
      readonly labels: Readonly<Record<string, string | null>>;
    },
  ): Promise<ExposedService>;
}
