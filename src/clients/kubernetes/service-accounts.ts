import type { V1ServiceAccount } from "@kubernetes/client-node";
import { FIELD_MANAGER } from "../../model/incident-mark.ts";
import type {
  ServiceAccount,
  ServiceAccountReader,
  ServiceAccountWriter,
} from "../../model/service-account.ts";
import { checkedMetadata } from "./checked-answer.ts";
import type { Apis, Connection } from "./connection.ts";
import { checkName, checkNamespace } from "./object-names.ts";
import { identityFrom } from "./objects-from-api.ts";
import { plainManifest } from "./plain-manifest.ts";

const accounts = { apiGroup: "", resource: "serviceaccounts" } as const;

/** The reading of service accounts over one connection. */
export function readServiceAccounts({ find }: Connection): ServiceAccountReader {
  return {
    async serviceAccount(namespace, name) {
      checkNamespace(namespace);
      checkName(name);
      return find({ verb: "get", ...accounts, namespace, name }, async (apis) =>
        accountFrom(apis, namespace, name, await apis.core.readNamespacedServiceAccount({ namespace, name })),
      );
    },
  };
}

/** The changing of service accounts over one connection. */
export function writeServiceAccounts({ call, find }: Connection): ServiceAccountWriter {
  return {
    async deleteServiceAccount(namespace, name, { uid, resourceVersion }) {
      checkNamespace(namespace);
      checkName(name);
      await find({ verb: "delete", ...accounts, namespace, name }, async ({ core }) => {
        const body = { preconditions: { uid, resourceVersion } };
        const answer = await core.deleteNamespacedServiceAccount({ namespace, name, body });
        checkedMetadata(answer, { kind: "ServiceAccount", namespace, name, uid });
      });
    },
    async createServiceAccount(namespace, name, manifest, labels) {
      checkNamespace(namespace);
      checkName(name);
      return call({ verb: "create", ...accounts, namespace, name }, async (apis) => {
        const body: V1ServiceAccount = structuredClone(manifest);
        body.metadata = {
          ...body.metadata,
          namespace,
          name,
          labels: { ...body.metadata?.labels, ...labels },
        };
        const answer = await apis.core.createNamespacedServiceAccount({
          namespace,
          fieldManager: FIELD_MANAGER,
          body,
        });
        return accountFrom(apis, namespace, name, answer);
      });
    },
  };
}

function accountFrom(apis: Apis, namespace: string, name: string, answer: V1ServiceAccount): ServiceAccount {
  const metadata = checkedMetadata(answer, { kind: "ServiceAccount", namespace, name });
  const { labels, annotations } = metadata;
  const { automountServiceAccountToken, imagePullSecrets, secrets } = answer;
  const manifest = apis.toWire(
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { namespace, name, labels, annotations },
      automountServiceAccountToken,
      imagePullSecrets,
      secrets,
    },
    "V1ServiceAccount",
  );
  return { ...identityFrom(metadata), manifest: plainManifest(manifest) };
}
