import type { Message, MessageKind } from "../../src/model/message.ts";
import type { Remediation, SignalSummary } from "../../src/model/remediation.ts";
import { REAL, UNDECIDED, UNLIMITED } from "../engine/fixtures.ts";

/** Parts of a record that a test wants otherwise. */
export interface Changes extends Partial<Omit<Remediation, "signal">> {
  readonly signal?: Partial<SignalSummary>;
}

/** The id of the record in these tests. */
export const ID = "3-0007984512345678-a1b2c3";

/** A containment in force on a pod, told of by a High alert. */
export function remediationOf(changes: Changes = {}): Remediation {
  const { signal, ...rest } = changes;
  return {
    id: ID,
    playbook: "isolate-pod",
    target: {
      kind: "pod",
      cluster:
        "/subscriptions/5ab1/resourceGroups/shop/providers/Microsoft.ContainerService/managedClusters/prod-aks",
      namespace: "shop",
      name: "web-1",
    },
    state: "in-force",
    proof: "proved",
    reason: "The rule enforces and Defender confirmed the alert.",
    remains: [],
    mode: "enforce",
    aside: false,
    evidence: [],
    rule: {
      name: "crypto-mining",
      mode: "enforce",
      ttlMs: 14_400_000,
      cooldownMs: 3_600_000,
      maxAgeMs: 86_400_000,
      notify: ["soc"],
      labels: {},
      parameters: {},
      releaseWhenResolved: false,
      ...UNLIMITED,
      configuration: "c0ffee",
    },
    signal: {
      identity: "2517538088322968242_9e5d",
      id: "2517538088322968242_9e5d",
      kind: "alert",
      key: "K8S.NODE_CryptoCoinMinerExecution",
      title: "Possible crypto coin miner detected",
      severity: "High",
      subscriptionId: "5ab1",
      at: "2026-03-01T12:29:30.000Z",
      startedAt: "2026-03-01T12:28:00.000Z",
      resourceIds: [
        "/subscriptions/5ab1/resourceGroups/shop/providers/Microsoft.ContainerService/managedClusters/prod-aks",
      ],
      ...REAL,
      ...signal,
    },
    requestedBy: null,
    revertedBy: null,
    ...UNDECIDED,
    planNumber: 1,
    planHash: "abc",
    identity: "uid-1",
    unresolved: false,
    clusterByRule: false,
    touched: true,
    attempts: 1,
    createdAt: "2026-03-01T12:30:00.000Z",
    updatedAt: "2026-03-01T12:30:02.000Z",
    inForceSince: "2026-03-01T12:30:02.000Z",
    deadline: "2026-03-01T16:29:30.000Z",
    warned: false,
    dueRow: "d!1",
    dueAt: "2026-03-01T16:14:30.000Z",
    revertsTo: null,
    dueSequence: 1,
    auditSequence: 2,
    auditHash: "def",
    readBackAfter: null,
    ...rest,
  };
}

/** A message about a record. */
export function messageOf(kind: MessageKind, changes: Changes = {}, sequence = 2): Message {
  const remediation = remediationOf(changes);
  return {
    kind,
    channel: "soc",
    remediationId: remediation.id,
    sequence,
    at: "2026-03-01T12:30:03.000Z",
    remediation,
    text: null,
  };
}

/** A message about no record. */
export function bareMessage(kind: MessageKind, text: string): Message {
  return {
    kind,
    channel: "soc",
    remediationId: "control",
    sequence: 7,
    at: "2026-03-01T12:30:03.000Z",
    remediation: null,
    text,
  };
}
