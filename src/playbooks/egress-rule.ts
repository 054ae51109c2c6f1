import { z } from "zod";
import { isInRange, overlap } from "./cidr.ts";

const labelsSchema = z.record(z.string(), z.string());
const selectorSchema = z.object({
  matchLabels: labelsSchema.nullish(),
  matchExpressions: z.array(z.unknown()).nullish(),
});
const peerSchema = z.object({
  ipBlock: z.object({ cidr: z.string(), except: z.array(z.string()).nullish() }).nullish(),
  namespaceSelector: selectorSchema.nullish(),
  podSelector: selectorSchema.nullish(),
});
const portSchema = z.object({
  protocol: z.string().nullish(),
  port: z.union([z.number(), z.string()]).nullish(),
  endPort: z.number().nullish(),
});

type Selector = z.infer<typeof selectorSchema>;
type Peer = z.infer<typeof peerSchema>;
type Port = z.infer<typeof portSchema>;

/** Whom a rule lets through and on which ports, as policies write it; none of either means all. */
export interface Passage {
  readonly peers: readonly unknown[];
  readonly ports: readonly unknown[];
}

/**
 * Does one of the rules surely let through all that this one does? Each peer of it has to be in one rule with all of its
 * ports. What only several rules together let through, or a selector that would have to be reasoned about, counts as no.
 */
export function isCovered(passage: Passage, by: readonly Passage[]): boolean {
  const peers = passage.peers.length === 0 ? [null] : passage.peers.map((peer) => peerSchema.parse(peer));
  const ports = passage.ports.length === 0 ? [null] : passage.ports.map((port) => portSchema.parse(port));
  return peers.every((peer) =>
    by.some((rule) => hasPeer(rule, peer) && ports.every((port) => hasPort(rule, port))),
  );
}

function hasPeer({ peers }: Passage, inner: Peer | null): boolean {
  if (peers.length === 0) return true;
  return inner !== null && peers.some((peer) => isPeerIn(inner, peerSchema.parse(peer)));
}

/** Addresses and pods are never the same: engines differ on whether a range means the pods in it. */
function isPeerIn(inner: Peer, outer: Peer): boolean {
  if (inner.ipBlock != null || outer.ipBlock != null) {
    const [one, other] = [inner.ipBlock, outer.ipBlock];
    if (one == null || other == null || !isInRange(one.cidr, other.cidr)) return false;
    return (other.except ?? []).every(
      (hole) => !overlap(hole, one.cidr) || (one.except ?? []).some((own) => isInRange(hole, own)),
    );
  }
  const isThere =
    outer.namespaceSelector == null
      ? inner.namespaceSelector == null
      : inner.namespaceSelector == null
        ? isEmpty(outer.namespaceSelector)
        : isNarrower(inner.namespaceSelector, outer.namespaceSelector);
  return isThere && (outer.podSelector == null || isNarrower(inner.podSelector ?? {}, outer.podSelector));
}

/** All that the one asks for, the other asks for too: plain labels only. */
function isNarrower(inner: Selector, outer: Selector): boolean {
  if ((outer.matchExpressions ?? []).length > 0) return false;
  return Object.entries(outer.matchLabels ?? {}).every(
    ([key, value]) => Object.hasOwn(inner.matchLabels ?? {}, key) && inner.matchLabels?.[key] === value,
  );
}

function isEmpty(selector: Selector): boolean {
  return isNarrower({}, selector);
}

function hasPort({ ports }: Passage, inner: Port | null): boolean {
  if (ports.length === 0) return true;
  return inner !== null && ports.some((port) => isPortIn(inner, portSchema.parse(port)));
}

function isPortIn(inner: Port, outer: Port): boolean {
  if ((inner.protocol ?? "TCP") !== (outer.protocol ?? "TCP")) return false;
  if (outer.port == null) return true;
  if (inner.port == null) return false;
  if (typeof inner.port === "string" || typeof outer.port === "string") return inner.port === outer.port;
  return inner.port >= outer.port && (inner.endPort ?? inner.port) <= (outer.endPort ?? outer.port);
}
