import { Conflict, Retryable } from "../../src/model/errors.ts";
import type { Labels, Node, Pod, Workload } from "../../src/model/kubernetes-objects.ts";
import type { KubernetesReader, KubernetesWriter } from "../../src/model/kubernetes-port.ts";
import type { OwnerEvent } from "../../src/model/owner-event.ts";
import type { WritePorts } from "../../src/model/playbook.ts";
import { noEvidence } from "./no-evidence.ts";

/** The subscription and cluster of every test signal. */
export const SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-111122223333";
export const CLUSTER = `/subscriptions/${SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.ContainerService/managedClusters/prod`;

/** A write that reached the outside, in the order of arrival. */
export interface Effect {
  readonly object: string;
  readonly change: Readonly<Record<string, string | null>>;
}

/** Places to stop around each outside call: raise to make it fail, await to delay it or to keep back its answer. */
export interface CallHooks {
  before(call: string): Promise<void>;
  after(call: string): Promise<void>;
}

/** As a condition: whatever the object's version is. No writer of ours may ask so; the bare writes of a test do. */
export const ANY_VERSION = "*";

/** One outside object store at the network edge: pods with versions, conditional label changes, and a count of effects. */
export class World {
  readonly pods = new Map<string, Pod>();
  readonly effects: Effect[] = [];
  /** What owners were told. */
  readonly events: OwnerEvent[] = [];
  /** Controllers of pods, by whoever needs some. */
  readonly workloads: Workload[] = [];
  /** Nodes, by whoever needs some. */
  readonly nodes: Node[] = [];
  /** Called before each outside call; raise to make the call fail, await to delay it. */
  before: (call: string) => Promise<void> = () => Promise.resolve();
  /** Called after the outside has done its part and before the caller hears of it. */
  after: (call: string) => Promise<void> = () => Promise.resolve();
  /** Called when a pod was ended: an owner may make another, a finalizer may keep it. */
  onEnd: (pod: Pod) => void = () => {};
  #version = 1;

  addPod(name: string, more: Partial<Pod> = {}): Pod {
    const pod: Pod = {
      namespace: "shop",
      name,
      uid: `uid-${name}-${this.#version}`,
      resourceVersion: String(this.#version++),
      labels: { app: "web" },
      annotations: {},
      createdAt: "2026-03-01T00:00:00Z",
      deleting: false,
      managers: [],
      controller: null,
      node: "n1",
      hostNetwork: false,
      mirror: false,
      priorityClass: null,
      serviceAccount: "default",
      phase: "Running",
      ready: true,
      containers: [{ name: "c", image: "docker.io/library/evil:1", digest: null }],
      ...more,
    };
    this.pods.set(`${pod.namespace}/${pod.name}`, pod);
    return pod;
  }

  /** Somebody else changes a pod: every change moves its resourceVersion. */
  change(name: string, more: Partial<Pod>): void {
    const pod = this.pods.get(`shop/${name}`);
    if (pod !== undefined) {
      this.pods.set(`shop/${name}`, { ...pod, ...more, resourceVersion: String(this.#version++) });
    }
  }

  labelsOf(name: string): Labels {
    return this.pods.get(`shop/${name}`)?.labels ?? {};
  }

  /** Ports of one process; each may have places to stop of its own. */
  ports(hooks: CallHooks = this): WritePorts {
    return {
      read: { kubernetes: () => this.#reader(hooks) },
      write: { kubernetes: () => this.#writer(hooks) },
    };
  }

  async #call<T>(hooks: CallHooks, name: string, act: () => T): Promise<T> {
    await hooks.before(name);
    const result = act();
    await hooks.after(name);
    return result;
  }

  #end(namespace: string, name: string, uid: string): void {
    const pod = this.pods.get(`${namespace}/${name}`);
    if (pod === undefined) return;
    if (pod.uid !== uid) throw new Retryable(`pod ${name} moved`, "It is tried again.", { retryAfterMs: 0 });
    this.effects.push({ object: `${namespace}/${name}`, change: { deletionTimestamp: "now" } });
    this.pods.delete(`${namespace}/${name}`);
    this.onEnd(pod);
  }

  #reader(hooks: CallHooks): KubernetesReader {
    const absent = (): Promise<never> => Promise.reject(new Error("not part of this world"));
    return {
      pod: (namespace, name) =>
        this.#call(hooks, `read ${name}`, () => this.pods.get(`${namespace}/${name}`) ?? null),
      namespace: (name) =>
        this.#call(hooks, `namespace ${name}`, () => ({
          name,
          uid: `uid-${name}`,
          labels: {},
          annotations: {},
        })),
      node: (name) => Promise.resolve(this.nodes.find((one) => one.name === name) ?? null),
      pods: (namespace) =>
        this.#call(hooks, `pods of ${namespace}`, () => ({
          pods: [...this.pods.values()].filter((pod) => pod.namespace === namespace),
          whole: true,
        })),
      workload: (kind, _namespace, name) =>
        Promise.resolve(this.workloads.find((one) => one.kind === kind && one.name === name) ?? null),
      nodes: absent,
      podsOnNode: absent,
      workloadState: absent,
      ownedWorkloads: absent,
      autoscalers: absent,
      scaledObject: absent,
      scaledObjects: absent,
      holdList: absent,
      networkPolicy: absent,
      networkPolicies: absent,
      enginePolicy: absent,
      enginePolicies: absent,
      services: absent,
      daemonSet: absent,
      disruptionBudgets: absent,
      apiGroups: absent,
      ciliumEndpoint: absent,
      roleBinding: absent,
      sessionList: absent,
      webhooks: absent,
      service: absent,
      serviceAccount: absent,
      blockList: absent,
      ...noEvidence,
      tryPods: absent,
      eachPod: absent,
      podRules: absent,
      marked: () =>
        this.#call(hooks, "marked", () =>
          [...this.pods.values()].flatMap((pod) => {
            const remediationId = pod.labels["quarantine"];
            return remediationId === undefined
              ? []
              : [{ object: `pod ${pod.namespace}/${pod.name}`, remediationId }];
          }),
        ),
    };
  }

  #writer(hooks: CallHooks): KubernetesWriter {
    const absent = (): Promise<never> => Promise.reject(new Error("not part of this world"));
    return {
      createDenyAllPolicy: absent,
      createEgressPolicy: absent,
      createEngineDeny: absent,
      deleteEngineDeny: absent,
      deleteNetworkPolicy: absent,
      deletePod: (namespace, name, { uid }) =>
        this.#call(hooks, `delete ${name}`, () => this.#end(namespace, name, uid)),
      evictPod: (namespace, name, { uid }) =>
        this.#call(hooks, `evict ${name}`, () => this.#end(namespace, name, uid)),
      askEviction: absent,
      cordonNode: absent,
      changeWorkload: absent,
      annotateScaledObject: absent,
      changeHoldList: absent,
      changeBlockList: absent,
      // Nothing hangs on it, so it is no place to stop.
      recordEvent: (event) => {
        this.events.push(event);
        return Promise.resolve();
      },
      deleteRoleBinding: absent,
      changeSessionList: absent,
      selectObjects: absent,
      admitSources: absent,
      deleteServiceAccount: absent,
      createServiceAccount: absent,
      changePodRules: absent,
      labelPod: (namespace, name, condition, labels) =>
        this.#call(hooks, `label ${name}`, () => {
          const pod = this.pods.get(`${namespace}/${name}`);
          if (pod === undefined) throw new Conflict(`pod ${name} has gone`, "Nothing to do.");
          const isBare = condition.resourceVersion === ANY_VERSION;
          if (!isBare && (pod.uid !== condition.uid || pod.resourceVersion !== condition.resourceVersion)) {
            throw new Retryable(`pod ${name} moved`, "It is tried again.", { retryAfterMs: 0 });
          }
          const next: Record<string, string> = { ...pod.labels };
          for (const [key, value] of Object.entries(labels)) {
            if (value === null) delete next[key];
            else next[key] = value;
          }
          this.effects.push({ object: `${namespace}/${name}`, change: labels });
          const changed = { ...pod, labels: next, resourceVersion: String(this.#version++) };
          this.pods.set(`${namespace}/${name}`, changed);
          return changed;
        }),
    };
  }
}
