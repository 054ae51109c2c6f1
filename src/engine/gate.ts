import { Conflict, Permanent, Refused, Retryable } from "../model/errors.ts";
import type { EvidenceStore } from "../model/evidence-port.ts";
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

/**
 * Puts a gate before all writes of the ports: playbooks know nothing of lease, time and pause. `beforeKeeping` is asked
 * before evidence is kept, which changes nothing of the target.
 */
export function gate(
  ports: WritePorts,
  beforeWrite: BeforeWrite,
  beforeKeeping: BeforeWrite = beforeWrite,
): Gate {
  let touched = false;
  const through = async <T>(write: () => Promise<T>, before = beforeWrite): Promise<T> => {
    await before();
    const wasTouched = touched;
    touched = true;
    try {
      return await write();
    } catch (error) {
      if (isRefusal(error)) touched = wasTouched;
      throw error;
    }
  };
  const guarded = (writer: KubernetesWriter): KubernetesWriter => ({
    createDenyAllPolicy: (policy) => through(() => writer.createDenyAllPolicy(policy)),
    createEgressPolicy: (policy) => through(() => writer.createEgressPolicy(policy)),
    createEngineDeny: (deny) => through(() => writer.createEngineDeny(deny)),
    deleteEngineDeny: (...named) => through(() => writer.deleteEngineDeny(...named)),
    deleteNetworkPolicy: (...named) => through(() => writer.deleteNetworkPolicy(...named)),
    labelPod: (...named) => through(() => writer.labelPod(...named)),
    deletePod: (...named) => through(() => writer.deletePod(...named)),
    evictPod: (...named) => through(() => writer.evictPod(...named)),
    askEviction: (...named) => through(() => writer.askEviction(...named)),
    cordonNode: (...named) => through(() => writer.cordonNode(...named)),
    changeWorkload: (...named) => through(() => writer.changeWorkload(...named)),
    changePodRules: (...named) => through(() => writer.changePodRules(...named)),
    changeBlockList: (...named) => through(() => writer.changeBlockList(...named)),
    recordEvent: (event) => through(() => writer.recordEvent(event)),
    changeHoldList: (...named) => through(() => writer.changeHoldList(...named)),
    deleteServiceAccount: (...named) => through(() => writer.deleteServiceAccount(...named)),
    createServiceAccount: (...named) => through(() => writer.createServiceAccount(...named)),
    selectObjects: (...named) => through(() => writer.selectObjects(...named)),
    admitSources: (...named) => through(() => writer.admitSources(...named)),
    annotateScaledObject: (...named) => through(() => writer.annotateScaledObject(...named)),
    changeSessionList: (...named) => through(() => writer.changeSessionList(...named)),
    deleteRoleBinding: (...named) => through(() => writer.deleteRoleBinding(...named)),
  });
  const keeping = (store: EvidenceStore): EvidenceStore => ({
    place: store.place,
    read: (name) => store.read(name),
    list: (prefix) => store.list(prefix),
    put: (...file) => through(() => store.put(...file), beforeKeeping),
  });
  const { evidence } = ports.write;
  return {
    ports: {
      read: ports.read,
      write: {
        kubernetes: (cluster) => guarded(ports.write.kubernetes(cluster)),
        ...(evidence === undefined ? {} : { evidence: keeping(evidence) }),
      },
    },
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
