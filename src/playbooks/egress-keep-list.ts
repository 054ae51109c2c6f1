import { z } from "zod";
import type { EgressRule } from "../model/network-policies.ts";
import { isInRange, overlap } from "./cidr.ts";
import { isCovered } from "./egress-rule.ts";
import type { DirectionVerdict } from "./network-verdict.ts";

/** The metadata service of Azure's machines, which hands out the tokens of their identity. */
export const IMDS = "169.254.169.254/32";

const MOST_KEPT = 20;
const labels = z.record(z.string().min(1).max(317), z.string().max(63));
const portSchema = z
  .strictObject({
    protocol: z.enum(["TCP", "UDP", "SCTP"]).default("TCP"),
    port: z.int().min(1).max(65_535),
    endPort: z.int().min(1).max(65_535).optional(),
  })
  .refine(({ port, endPort }) => endPort === undefined || endPort >= port, "endPort is below port");
const keptSchema = z
  .strictObject({
    cidr: z.union([z.cidrv4(), z.cidrv6()]).optional(),
    namespaces: labels.optional(),
    pods: labels.optional(),
    ports: z.array(portSchema).max(20).default([]),
  })
  .refine(
    ({ cidr, namespaces, pods }) => (cidr === undefined) !== (namespaces === undefined && pods === undefined),
    "wants either cidr, or namespaces or pods",
  )
  .refine(
    ({ cidr }) => cidr === undefined || !isInRange(cidr, IMDS),
    "is the metadata service, which is blocked",
  )
  .refine(({ cidr }) => cidr === undefined || !isInRange(cidr, "::ffff:0:0/96"), "write it as an IPv4 range");

/** What stays allowed: name resolution (unless `dns` is false), and what is listed. */
export const keepListSchema = z.strictObject({
  dns: z.boolean().default(true),
  keep: z.array(keptSchema).max(MOST_KEPT).default([]),
});

/** See `keepListSchema`. */
export type KeepList = z.infer<typeof keepListSchema>;

const pods = (namespace: string, key: string, value: string) => ({
  namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
  podSelector: { matchLabels: { [key]: value } },
});
const both = (port: number) => (["UDP", "TCP"] as const).map((protocol) => ({ protocol, port }));

/** CoreDNS of AKS and most others with the addresses of AKS's LocalDNS, and the DNS of OpenShift, which listens on 5353. */
const DNS: readonly EgressRule[] = [
  {
    to: [
      pods("kube-system", "k8s-app", "kube-dns"),
      { ipBlock: { cidr: "169.254.10.10/32" } },
      { ipBlock: { cidr: "169.254.10.11/32" } },
    ],
    ports: both(53),
  },
  {
    to: [pods("openshift-dns", "dns.operator.openshift.io/daemonset-dns", "default")],
    ports: both(5353),
  },
];

/** The rules of a keep-list; the metadata service is in none of them. */
export function rulesOf({ dns, keep }: KeepList): EgressRule[] {
  return [...(dns ? DNS : []), ...keep.map(ruleOf)];
}

function ruleOf({ cidr, namespaces, pods: selected, ports }: KeepList["keep"][number]): EgressRule {
  const where =
    cidr === undefined
      ? {
          ...(namespaces === undefined ? {} : { namespaceSelector: { matchLabels: namespaces } }),
          ...(selected === undefined ? {} : { podSelector: { matchLabels: selected } }),
        }
      : { ipBlock: { cidr, ...(overlap(cidr, IMDS) ? { except: [IMDS] } : {}) } };
  return {
    to: [where],
    ...(ports.length === 0
      ? {}
      : {
          ports: ports.map(({ protocol, port, endPort }) => ({
            protocol,
            port,
            ...(endPort === undefined ? {} : { endPort }),
          })),
        }),
  };
}

/**
 * Of the rules those peers and ports that egress of the pod surely is allowed already: policies add up, so that what is
 * kept beyond that would be opened. All where no policy is for egress.
 */
export function withoutOpening(rules: readonly EgressRule[], before: DirectionVerdict): EgressRule[] {
  if (!before.covered) return [...rules];
  return rules.flatMap(({ to, ports }) =>
    to.flatMap((peer) => {
      const allowed = (ports ?? [null]).filter((port) =>
        isCovered({ peers: [peer], ports: port === null ? [] : [port] }, before.residual),
      );
      if (allowed.length === 0) return [];
      const kept = allowed.filter((port) => port !== null);
      return [kept.length === 0 ? { to: [peer] } : { to: [peer], ports: kept }];
    }),
  );
}
