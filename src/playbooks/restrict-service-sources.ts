import { z } from "zod";
import { canonicalJson } from "../model/canonical-json.ts";
import { Conflict } from "../model/errors.ts";
import type { ExposedService } from "../model/exposed-service.ts";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { Plan } from "../model/plan.ts";
import { playbook, type ReadPorts } from "../model/playbook.ts";
import { byWhom } from "./foreign-change.ts";
import { plannedTarget } from "./planned-target.ts";
import { holdsRange, isSourceRange } from "./source-range.ts";
import { touchedField } from "./touched-field.ts";

/** Addresses of documentation (RFC 5737, RFC 3849), which nobody has: an empty list would admit everybody. */
const NOBODY = ["192.0.2.0/32", "2001:db8::/128"];
/** What the load balancer of Azure admits besides the list (cloud-provider-azure). */
const ALSO_ADMIT = [
  "service.beta.kubernetes.io/azure-allowed-ip-ranges",
  "service.beta.kubernetes.io/azure-allowed-service-tags",
];
const LABEL = ["metadata", "labels", INCIDENT_LABEL];
const RANGES = ["spec", "loadBalancerSourceRanges"];

const parameters = z.strictObject({
  /** Who may still come in; nobody unless told. */
  ranges: z
    .array(
      z
        .string()
        .refine(isSourceRange, "an address and a prefix without bits beyond it, such as 203.0.113.0/24")
        .refine((range) => !range.endsWith("/0"), "a range that is everybody restricts nothing"),
    )
    .min(1)
    .max(100)
    .default(NOBODY),
});
/** What the plan remembers: who may come in from now on, and who could before (null: everybody). */
const dataSchema = z.object({
  ranges: z.array(z.string()).min(1),
  before: z.array(z.string()).nullable(),
});

const impact =
  "The load balancer admits only the given addresses: everybody else who used the service from outside is kept out.";

/**
 * Keeps a service that a load balancer exposes to the addresses that the rule names, or to nobody; the address stays,
 * which another type of service would give up. One conditional change of the ranges, with our label. High impact: all
 * who use the service from elsewhere are kept out.
 */
export const restrictServiceSources = playbook({
  name: "restrict-service-sources",
  title: "Restrict who reaches a service from outside",
  kind: "containment",
  target: "service",
  parameters,
  permissions: {
    kubernetes: [{ apiGroup: "", resource: "services", verbs: ["get", "patch"] }],
    arm: [],
  },
  impact,
  highImpact: true,
  reversible: true,
  destroysEvidence: false,

  async plan({ target, parameters: { ranges }, remediationId }, { read }) {
    const { cluster, namespace, name } = target;
    const object = `Service ${namespace}/${name}`;
    const service = await read.kubernetes(cluster).service(namespace, name);
    if (service === null) {
      return { outcome: "skip", reason: `${object} has gone.` };
    }
    const obstacle = obstacleTo(service, ranges, remediationId);
    if (obstacle !== null) {
      return { outcome: "skip", reason: `${object} ${obstacle}.` };
    }
    const { sourceRanges: before, type, ports, addresses } = service;
    if (same(before, ranges)) {
      return { outcome: "no-op", reason: `${object} admits only these already.`, identity: service.uid };
    }
    const path = `services/${namespace}/${name}`;
    return {
      outcome: "change",
      draft: {
        identity: service.uid,
        steps: [
          {
            sentence: `admit to service ${namespace}/${name} only ${same(ranges, NOBODY) ? "addresses that nobody has" : ranges.join(", ")}, and label it as restricted by this remediation`,
            touches: [RANGES, LABEL].map((field) => touchedField(cluster, path, field.join("."))),
            before: { loadBalancerSourceRanges: before, label: null, type, ports, addresses },
            after: { loadBalancerSourceRanges: ranges, label: remediationId },
          },
        ],
        impact,
        limits: limitsOf(service),
        data: { ranges, before },
      },
    };
  },

  async apply(plan, { read, write }) {
    const { cluster, namespace, name } = plannedTarget(plan, "service");
    const { ranges, before } = dataSchema.parse(plan.data);
    const service = await serviceOf(plan, read);
    if (service === null) {
      throw new Conflict(
        `Service ${namespace}/${name} has gone since the plan was made.`,
        "Nothing is left to be restricted; a new one of that name needs a plan of its own.",
      );
    }
    const label = service.labels[INCIDENT_LABEL];
    const isOurs = label === plan.remediationId;
    if (isOurs && same(service.sourceRanges, ranges)) return;
    if (isOurs || label !== undefined || !same(service.sourceRanges, before)) throw foreignChange(service);
    await write.kubernetes(cluster).admitSources(namespace, name, service, {
      ranges,
      labels: { [INCIDENT_LABEL]: plan.remediationId },
    });
  },

  async verify(plan, { read }) {
    const { namespace, name } = plannedTarget(plan, "service");
    const object = `Service ${namespace}/${name}`;
    const { ranges } = dataSchema.parse(plan.data);
    const service = await serviceOf(plan, read);
    if (service === null) {
      return { verdict: "absent", reason: `${object} has gone.` };
    }
    if (!same(service.sourceRanges, ranges) || service.labels[INCIDENT_LABEL] !== plan.remediationId) {
      return { verdict: "absent", reason: `${object} is not as we left it: our change is not there.` };
    }
    const open = [...alsoAdmitted(service), ...service.externalIps.map((ip) => `the external address ${ip}`)];
    return open.length === 0
      ? { verdict: "holds", proof: "declared" }
      : { verdict: "partial", remains: open.map((way) => `${object} is still reached by ${way}.`) };
  },

  async revert(plan, { read, write }) {
    const { cluster, namespace, name } = plannedTarget(plan, "service");
    const { ranges, before } = dataSchema.parse(plan.data);
    const service = await serviceOf(plan, read);
    if (service === null) {
      return { outcome: "gone", reason: `Service ${namespace}/${name} has gone.` };
    }
    const label = service.labels[INCIDENT_LABEL];
    const isBefore = same(service.sourceRanges, before);
    if (label === undefined && isBefore) {
      return { outcome: "restored" };
    }
    if (label !== plan.remediationId || !(isBefore || same(service.sourceRanges, ranges))) {
      throw foreignChange(service);
    }
    const labels = { [INCIDENT_LABEL]: null };
    await write.kubernetes(cluster).admitSources(namespace, name, service, { ranges: before, labels });
    return { outcome: "restored" };
  },
});

/** The very service of the plan; null where it has gone, also where another has its name. */
async function serviceOf(plan: Plan, read: ReadPorts["read"]): Promise<ExposedService | null> {
  const { cluster, namespace, name } = plannedTarget(plan, "service");
  const service = await read.kubernetes(cluster).service(namespace, name);
  return service?.uid === plan.identity ? service : null;
}

function same(some: readonly string[] | null, others: readonly string[] | null): boolean {
  return canonicalJson(some) === canonicalJson(others);
}

function obstacleTo(
  { type, deleting, labels, sourceRanges }: ExposedService,
  ranges: readonly string[],
  remediationId: string,
): string | null {
  const label = labels[INCIDENT_LABEL];
  if (deleting) return "is being deleted";
  if (type !== "LoadBalancer") {
    return `is of type ${type}, whose sources no load balancer restricts: use network policies, or have its owner take the way in away`;
  }
  if (label !== undefined && label !== remediationId) {
    return `bears the label of remediation ${label}, which is not overwritten`;
  }
  const admitted = sourceRanges ?? [];
  const wider = ranges.find(
    (range) => !NOBODY.includes(range) && !admitted.some((one) => holdsRange(one.trim(), range)),
  );
  return admitted.length === 0 || wider === undefined
    ? null
    : `does not admit ${wider} now, and would then: the rule's ranges open more than they close`;
}

function alsoAdmitted({ annotations }: ExposedService): string[] {
  return ALSO_ADMIT.filter((key) => Object.hasOwn(annotations, key)).map(
    (key) => `what its annotation ${key} admits`,
  );
}

function limitsOf(service: ExposedService): string[] {
  const onNodes = service.ports.filter((port) => port.includes("node port"));
  return [
    "It acts at the load balancer, and only once that has been set anew; open connections may go on.",
    "Pods, nodes and whoever reaches the cluster's network still come in: that is for network policies, which in turn do not see who a load balancer let through.",
    ...(onNodes.length === 0 ? [] : [`On the nodes themselves it stays open: ${onNodes.join(", ")}.`]),
    ...alsoAdmitted(service).map((way) => `The load balancer of Azure still lets in ${way}.`),
    ...service.externalIps.map((ip) => `The external address ${ip} is none of the load balancer's.`),
    "Another load balancer than Azure's may not heed the ranges.",
  ];
}

function foreignChange(service: ExposedService): Conflict {
  const { namespace, name, sourceRanges, labels } = service;
  const label = labels[INCIDENT_LABEL];
  const marked = label === undefined ? "without our label" : `with the label ${INCIDENT_LABEL}=${label}`;
  const stays = `open to ${sourceRanges?.join(", ") ?? "everybody"}, ${marked}`;
  return new Conflict(
    `Service ${namespace}/${name} is ${stays}: somebody else has changed it.`,
    "Look who changed it; who may come in was left alone.",
    { remains: [`Service ${namespace}/${name} stays ${stays}${byWhom(service, RANGES, LABEL)}.`] },
  );
}
