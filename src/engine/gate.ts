import { Conflict, Permanent, Refused, Retryable } from "../model/errors.ts";
import type { KubernetesWriter } from "../model/kubernetes-port.ts";
import type { WritePorts } from "../model/playbook.ts";

/** Asked before every write that leaves for the outside; raises to stop it. */
export type BeforeWrite = () => Promise<void>;

/** Ports whose every write first passes the gate, and a note whether any has. */
export interface Gate {
  readonly ports: WritePorts;
  /** May a write have landed that was begun through this gate? From then on nothing ends without reading back. */
  touched(): boolean;
}

/** Puts a gate before all writes of the ports: playbooks know nothing of lease, time and pause. */
export function gate(ports: WritePorts, beforeWrite: BeforeWrite): Gate {
  let touched = false;
  const through = async <T>(write: () => Promise<T>): Promise<T> => {
    await beforeWrite();
    const before = touched;
    touched = true;
    try {
      return await write();
    } catch (error) {
      if (isRefusal(error)) touched = before;
      throw error;
    }
  };
  const guarded = (writer: KubernetesWriter): KubernetesWriter => ({
    createDenyAllPolicy: (policy) => through(() => writer.createDenyAllPolicy(policy)),
    deleteNetworkPolicy: (...named) => through(() => writer.deleteNetworkPolicy(...named)),
    labelPod: (...named) => through(() => writer.labelPod(...named)),
    deletePod: (...named) => through(() => writer.deletePod(...named)),
    evictPod: (...named) => through(() => writer.evictPod(...named)),
    cordonNode: (...named) => through(() => writer.cordonNode(...named)),
    setScale: (...named) => through(() => writer.setScale(...named)),
    changePodRules: (...named) => through(() => writer.changePodRules(...named)),
    changeBlockList: (...named) => through(() => writer.changeBlockList(...named)),
  });
  return {
    ports: { read: ports.read, write: { kubernetes: (cluster) => guarded(ports.write.kubernetes(cluster)) } },
    touched: () => touched,
  };
}

/** The outside said no: nothing of it was written. All else, a lost answer above all, says nothing. */
function isRefusal(error: unknown): boolean {
  const moved = error instanceof Retryable && (error.retryAfterMs === 0 || error.undone);
  return moved || error instanceof Permanent || error instanceof Refused || error instanceof Conflict;
}

/** Raised by a gate when the lease's share of time is used up: the rest is for the next driver, and nothing has failed. */
export class TimeIsUp extends Retryable {
  constructor() {
    super("the time of this run is used up", "Nothing to do: it goes on with the next run.", {
      retryAfterMs: 1_000,
    });
  }
}
