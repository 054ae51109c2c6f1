import type { V1ConfigMap } from "@kubernetes/client-node";
import type { AdmissionList } from "../../model/admission-list.ts";
import { FIELD_MANAGER, OWN_NAMESPACE, SESSION_LIST, SESSION_POLICY } from "../../model/incident-mark.ts";
import type { SessionListReader, SessionListWriter } from "../../model/session-list.ts";
import { checkedMetadata } from "./checked-answer.ts";
import type { Connection } from "./connection.ts";
import { managersFrom } from "./managers-from-api.ts";

const admission = { verb: "get", apiGroup: "admissionregistration.k8s.io", name: SESSION_POLICY } as const;
const list = { apiGroup: "", resource: "configmaps", namespace: OWN_NAMESPACE, name: SESSION_LIST } as const;
const of = { namespace: OWN_NAMESPACE, name: SESSION_LIST };

/** The reading of the list over one connection. */
export function readSessionList({ find }: Connection): SessionListReader {
  return {
    async sessionList() {
      const [reads, binds, held] = await Promise.all([
        find({ ...admission, resource: "validatingadmissionpolicies" }, async (apis) => {
          const answer = await apis.admission.readValidatingAdmissionPolicy({ name: SESSION_POLICY });
          checkedMetadata(answer, { kind: "ValidatingAdmissionPolicy", name: SESSION_POLICY });
          const kind = answer.spec?.paramKind;
          return kind?.apiVersion === "v1" && kind.kind === "ConfigMap";
        }),
        find({ ...admission, resource: "validatingadmissionpolicybindings" }, async (apis) => {
          const answer = await apis.admission.readValidatingAdmissionPolicyBinding({ name: SESSION_POLICY });
          checkedMetadata(answer, { kind: "ValidatingAdmissionPolicyBinding", name: SESSION_POLICY });
          const { policyName, paramRef, validationActions } = answer.spec ?? {};
          const isOurs = paramRef?.name === SESSION_LIST && paramRef.namespace === OWN_NAMESPACE;
          return policyName === SESSION_POLICY && isOurs && validationActions?.includes("Deny") === true;
        }),
        find({ verb: "get", ...list }, async ({ core }) => listFrom(await core.readNamespacedConfigMap(of))),
      ]);
      return reads === true && binds === true ? held : null;
    },
  };
}

/** The changing of the list over one connection. */
export function writeSessionList({ call }: Connection): SessionListWriter {
  return {
    async changeSessionList({ uid, resourceVersion }, entries) {
      return call({ verb: "patch", ...list }, async ({ core, mergePatch }) => {
        const body = { metadata: { uid, resourceVersion }, data: entries };
        const answer = await core.patchNamespacedConfigMap(
          { ...of, fieldManager: FIELD_MANAGER, body },
          mergePatch,
        );
        return listFrom(answer, uid);
      });
    },
  };
}

function listFrom(answer: V1ConfigMap, expected?: string): AdmissionList {
  const same = expected === undefined ? {} : { uid: expected };
  const metadata = checkedMetadata(answer, { kind: "ConfigMap", ...of, ...same });
  const { uid, resourceVersion, managedFields } = metadata;
  return { uid, resourceVersion, entries: answer.data ?? {}, managers: managersFrom(managedFields) };
}
