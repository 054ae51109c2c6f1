import type { KubernetesStandIn } from "../../local/kubernetes/index.ts";
import { Retryable } from "../../src/model/errors.ts";
import type { KubernetesWriter } from "../../src/model/kubernetes-port.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { AnyPlaybook, WritePorts } from "../../src/model/playbook.ts";
import { type EngineWire, saidBefore } from "./brute-force-engines.ts";
import { connectionsLeft, type WirePolicy } from "./brute-force-policies.ts";
import { CLUSTER } from "./cluster-objects.ts";
import { type RandomPolicies, WORLD } from "./random-policies.ts";

/** As everywhere, and the metadata service of the machine. */
export const EVERYWHERE = {
  ...WORLD,
  everybody: [...WORLD.everybody, { ip: [169, 254, 169, 254] as const }],
};

const OWNERS = [null, "ReplicaSet", "StatefulSet"] as const;

/** Everything that goes on, and that comes in and goes out, with the labels and policies of one moment. */
export interface Moment {
  readonly labels: Readonly<Record<string, string>>;
  readonly policies: readonly WirePolicy[];
  readonly open: ReadonlySet<string>;
}

const KINDS = ["adminnetworkpolicies", "networkpolicies.projectcalico.org"];

/** How things stand with the pod `p-0` of a namespace now. */
export function momentOf(cluster: KubernetesStandIn, namespace: string): Moment {
  const labels = (cluster.read("pods", namespace, "p-0")?.metadata["labels"] ?? {}) as Moment["labels"];
  const policies = cluster
    .readAll("networkpolicies", namespace)
    .map(({ metadata, ...rest }) => ({ name: metadata.name, spec: rest["spec"] }) as unknown as WirePolicy);
  const denies = KINDS.flatMap((kind) =>
    cluster
      .readAll(kind)
      .filter(({ metadata }) => (metadata["namespace"] ?? namespace) === namespace)
      .map((one) => one as unknown as EngineWire),
  );
  const left = connectionsLeft(labels, policies, EVERYWHERE);
  const open = [...left].filter(
    (one) => saidBefore(one, { namespace, labels }, denies, EVERYWHERE.everybody) !== "Deny",
  );
  return { labels, policies, open: new Set(open) };
}

/** A pod `p-0` with random labels, of an owner of one kind after another or of none, among random policies. */
export function seedPod(
  cluster: KubernetesStandIn,
  namespace: string,
  at: number,
  make: RandomPolicies,
): void {
  const kind = OWNERS[at % OWNERS.length] ?? null;
  const owner = {
    apiVersion: "apps/v1",
    kind: kind ?? "",
    name: "p",
    uid: `owner-of-${namespace}`,
    controller: true,
  };
  const labels = { app: "web", ...make.labels() };
  const selector = { matchLabels: { app: labels.app } };
  const containers = [{ name: "c", image: "web:1" }];
  cluster.seed([
    ...(kind === null
      ? []
      : [
          {
            apiVersion: "apps/v1",
            kind,
            metadata: { namespace, name: "p", uid: owner.uid },
            spec: {
              replicas: 1,
              serviceName: "p",
              selector,
              template: { metadata: { labels: selector.matchLabels }, spec: { containers } },
            },
          },
        ]),
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { namespace, name: "p-0", labels, ...(kind === null ? {} : { ownerReferences: [owner] }) },
      spec: { containers },
    },
    ...make.policies().map(({ name, spec }) => ({
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { namespace, name },
      spec,
    })),
  ]);
}

/** The plan for the pod `p-0` of a namespace; raises, with the reason, where there is none. */
export async function plannedFor(
  playbook: AnyPlaybook,
  { namespace, remediationId }: { readonly namespace: string; readonly remediationId: string },
  parameters: object,
  ports: WritePorts,
): Promise<Plan> {
  const target = { kind: "pod", cluster: CLUSTER, namespace, name: "p-0" } as const;
  const outcome = await playbook.plan({ target, parameters, remediationId }, ports);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  return sealPlan(outcome.draft, { remediationId, playbook: playbook.name, target });
}

/** Ends it after no write, then after one more and so on, until it comes through; looks at every moment. */
export async function interrupted(
  run: (ports: WritePorts) => Promise<unknown>,
  ports: WritePorts,
  look: () => void,
): Promise<void> {
  for (let most = 0; most < 10; most += 1) {
    try {
      await run(limited(ports, most, look));
      return;
    } catch (error) {
      if (!(error instanceof Retryable)) throw error;
      look();
    }
  }
  throw new Error("it never comes to an end");
}

/** Ports that write so often in this run and then fail as where the process dies; after each write somebody looks. */
function limited(ports: WritePorts, most: number, look: () => void): WritePorts {
  let left = most;
  const through =
    <A extends unknown[], R>(write: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (left === 0) throw new Retryable("the process died", "Nothing to do.", { retryAfterMs: 0 });
      left -= 1;
      const done = await write(...args);
      look();
      return done;
    };
  const guarded = (writer: KubernetesWriter): KubernetesWriter => ({
    ...writer,
    createDenyAllPolicy: through(writer.createDenyAllPolicy),
    createEgressPolicy: through(writer.createEgressPolicy),
    labelPod: through(writer.labelPod),
    deleteNetworkPolicy: through(writer.deleteNetworkPolicy),
    createEngineDeny: through(writer.createEngineDeny),
    deleteEngineDeny: through(writer.deleteEngineDeny),
  });
  return { read: ports.read, write: { kubernetes: (id) => guarded(ports.write.kubernetes(id)) } };
}

/** The policies that are not ours. */
export function foreignPolicies({ policies }: Moment): readonly WirePolicy[] {
  return policies.filter(({ name }) => !name.startsWith("reflex-"));
}
