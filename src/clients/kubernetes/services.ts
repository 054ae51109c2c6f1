import type { V1Service } from "@kubernetes/client-node";
import type { ExposedService, ServiceReader, ServiceWriter } from "../../model/exposed-service.ts";
import { FIELD_MANAGER } from "../../model/incident-mark.ts";
import { type CheckedMetadata, checkedMetadata } from "./checked-answer.ts";
import type { Connection } from "./connection.ts";
import { checkName, checkNamespace } from "./object-names.ts";
import { identityFrom } from "./objects-from-api.ts";

const services = { apiGroup: "", resource: "services" } as const;

/** The reading of services over one connection. */
export function readServices({ find }: Connection): ServiceReader {
  return {
    async service(namespace, name) {
      checkNamespace(namespace);
      checkName(name);
      return find({ verb: "get", ...services, namespace, name }, async ({ core }) => {
        const answer = await core.readNamespacedService({ namespace, name });
        return serviceFrom(checkedMetadata(answer, { kind: "Service", namespace, name }), answer);
      });
    },
  };
}

/** The changing of services over one connection. */
export function writeServices({ call }: Connection): ServiceWriter {
  return {
    async admitSources(namespace, name, { uid, resourceVersion }, { ranges, labels }) {
      checkNamespace(namespace);
      checkName(name);
      return call({ verb: "patch", ...services, namespace, name }, async ({ core, mergePatch }) => {
        const body = {
          metadata: { uid, resourceVersion, labels },
          spec: { loadBalancerSourceRanges: ranges },
        };
        const of = { namespace, name, fieldManager: FIELD_MANAGER, body };
        const answer = await core.patchNamespacedService(of, mergePatch);
        return serviceFrom(checkedMetadata(answer, { kind: "Service", namespace, name, uid }), answer);
      });
    },
  };
}

function serviceFrom(metadata: CheckedMetadata, { spec, status }: V1Service): ExposedService {
  return {
    ...identityFrom(metadata),
    type: spec?.type ?? "ClusterIP",
    sourceRanges: spec?.loadBalancerSourceRanges ?? null,
    ports: (spec?.ports ?? []).map(({ port, protocol, nodePort }) => {
      const onNodes = nodePort === undefined ? "" : ` (node port ${nodePort})`;
      return `${port}/${protocol ?? "TCP"}${onNodes}`;
    }),
    addresses: (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? []),
    externalIps: spec?.externalIPs ?? [],
  };
}
