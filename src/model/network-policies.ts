/** A rule of egress as our own policies have it: to these peers, on these ports or on all. */
export interface EgressRule {
  readonly to: readonly EgressPeer[];
  readonly ports?: readonly {
    readonly protocol: "TCP" | "UDP" | "SCTP";
    readonly port: number;
    readonly endPort?: number;
  }[];
}

/** One peer of such a rule: a range of addresses, or pods of its own or of other namespaces. */
export interface EgressPeer {
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
  readonly namespaceSelector?: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly podSelector?: { readonly matchLabels: Readonly<Record<string, string>> };
}

/** A NetworkPolicy that denies all egress of the pods with one label but for what these rules let through. */
export interface EgressPolicy {
  readonly namespace: string;
  readonly name: string;
  readonly podLabel: readonly [key: string, value: string];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly egress: readonly EgressRule[];
}
