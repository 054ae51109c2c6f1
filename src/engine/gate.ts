import { Refused, Retryable } from "../model/errors.ts";
import type { KubernetesWriter } from "../model/kubernetes-port.ts";
import type { WritePorts } from "../model/playbook.ts";

/** Asked before every write that leaves for the outside; raises to stop it. */
export type BeforeWrite = () => Promise<void>;

/** Ports whose every write first passes the gate, and a note whether any has. */
export interface Gate {
  readonly ports: WritePorts;
  /** Has a write been begun through this gate? From then on nothing ends without reading back. */
  touched(): boolean;
}

/** Puts a gate before all writes of the ports: playbooks know nothing of lease, time and pause. */
export function gate(ports: WritePorts, beforeWrite: BeforeWrite): Gate {
  let touched = false;
  const pass = async (): Promise<void> => {
    await beforeWrite();
    touched = true;
  };
  const guarded = (writer: KubernetesWriter): KubernetesWriter => ({
    createDenyAllPolicy: async (policy) => {
      await pass();
      return writer.createDenyAllPolicy(policy);
    },
    deleteNetworkPolicy: async (...named) => {
      await pass();
      return writer.deleteNetworkPolicy(...named);
    },
    labelPod: async (...named) => {
      await pass();
      return writer.labelPod(...named);
    },
    setScale: async (...named) => {
      await pass();
      return writer.setScale(...named);
    },
    changeBlockList: async (...named) => {
      await pass();
      return writer.changeBlockList(...named);
    },
  });
  return {
    ports: { read: ports.read, write: { kubernetes: (cluster) => guarded(ports.write.kubernetes(cluster)) } },
    touched: () => touched,
  };
}

/** Raised by a gate when the lease's share of time is used up: the rest is for the next driver. */
export function timeIsUp(): Retryable {
  return new Retryable("the time of this run is used up", "Nothing to do: it goes on with the next run.", {
    retryAfterMs: 1_000,
  });
}

/** Raised by a gate when the ceiling has been lowered below what the remediation needs. */
export function ceilingIsLower(): Refused {
  return new Refused("the ceiling no longer allows changes", "Raise `mode` again if this was not meant.");
}
