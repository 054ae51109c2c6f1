import { z } from "zod";
import type { Signal } from "../../src/model/signal.ts";
import {
  type Configuration,
  type ConfigurationError,
  decide,
  type Facts,
  type PlaybookDeclaration,
  parseConfiguration,
} from "../../src/rules/index.ts";

/** Stand-ins for the playbooks, so that these tests do not move with the parameters of the real ones. */
export const DECLARED: readonly PlaybookDeclaration[] = [
  {
    name: "isolate-pod",
    kind: "containment",
    target: "pod",
    reversible: true,
    parameters: z.strictObject({}),
  },
  {
    name: "scale-to-zero",
    kind: "containment",
    target: "workload",
    reversible: true,
    parameters: z.strictObject({}),
  },
  {
    name: "block-image",
    kind: "containment",
    target: "image",
    reversible: true,
    parameters: z.strictObject({ tags: z.boolean().optional(), limit: z.int().min(1).max(9).optional() }),
  },
  {
    name: "notify",
    kind: "notification",
    target: "alert",
    reversible: false,
    parameters: z.strictObject({}),
  },
];

export const CLUSTER =
  "/subscriptions/11111111-1111-1111-1111-111111111178/resourceGroups/rg-Prod/providers/Microsoft.ContainerService/managedClusters/prod";
export const OTHER_CLUSTER = `${CLUSTER}-2`;

/** An alert about a mining pod of a Deployment on `CLUSTER`, changed by `overrides`. */
export function aSignal(overrides: Partial<Signal> = {}): Signal {
  return {
    kind: "alert",
    otherKind: null,
    id: "2517184898549829577_1",
    key: "K8S.NODE_CryptoCoinMinerExecution",
    baseKey: "K8S.NODE_CryptoCoinMinerExecution",
    findingName: null,
    title: "A miner",
    severity: "High",
    status: "New",
    statusCause: null,
    action: null,
    isSample: false,
    isSnapshot: false,
    tactics: ["Execution", "Impact"],
    resourceIds: [CLUSTER],
    resourceType: "microsoft.containerservice/managedclusters",
    subscriptionId: "11111111-1111-1111-1111-111111111178",
    alertLocation: "westeurope",
    alertResourceGroup: null,
    compromisedEntity: "prod",
    cluster: { resourceId: CLUSTER },
    namespace: "shop",
    affectedNamespace: null,
    workload: { kind: "Deployment", name: "web-front" },
    pod: "web-front-1",
    container: "web",
    image: "reg.example.io:5000/team/web:1.2",
    digest: null,
    serviceAccount: null,
    object: null,
    attackerIps: [],
    entities: [],
    vulnerability: null,
    actionable: true,
    notActionable: null,
    times: { startedAt: null, endedAt: null, generatedAt: null, statusChangedAt: null },
    ...overrides,
  };
}

const HEAD = `
mode: enforce
clusters:
  - { name: prod, id: ${CLUSTER}, connect: { kubeconfig: k } }
  - { name: spare, id: ${OTHER_CLUSTER}, connect: { kubeconfig: k, context: c } }
channels:
  - { name: security, kind: teams, urlSetting: TEAMS }
`;

/** What is wrong with a file; empty where nothing is. */
export function errorsOf(text: string): readonly ConfigurationError[] {
  const parsed = parseConfiguration(text, "reflex.yaml", DECLARED);
  return "errors" in parsed ? parsed.errors : [];
}

/** A configuration that must be right. */
export function configured(text: string): Configuration {
  const parsed = parseConfiguration(text, "reflex.yaml", DECLARED);
  if ("errors" in parsed) {
    throw new Error(
      parsed.errors.map(({ line, column, message }) => `${line}:${column} ${message}`).join("\n"),
    );
  }
  return parsed.configuration;
}

/** A configuration with a head that defines clusters and a channel, and these rules (lines under `rules:`). */
export function withRules(...rules: readonly string[]): Configuration {
  return configured(`${HEAD}rules:\n${rules.map((rule) => `  - ${rule}\n`).join("")}`);
}

/** A configuration with one rule for this `when` (flow YAML or JSON). */
export function withWhen(when: string): Configuration {
  return withRules(`{ name: r, when: ${when}, playbooks: [{ name: notify }] }`);
}

/** Does a rule with this `when` match? */
export function matches(when: string, signal: Signal, facts?: Facts): boolean {
  return decide(signal, withWhen(when), facts).length === 1;
}
